package tls

import (
	"bytes"
	"crypto"
	std "crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// ReadFile reads a file of certificates, keys or passwords; its path is absolute.
type ReadFile func(path string) ([]byte, error)

// data is how an argument begins that is no path but what would be in the file.
const data = "data:"

// read returns what name stands for.
func (read ReadFile) read(name string) ([]byte, error) {
	if text, ok := strings.CutPrefix(name, data); ok {
		return []byte(text), nil
	}
	for _, scheme := range []string{"engine:", "store:"} {
		if strings.HasPrefix(name, scheme) {
			return nil, fmt.Errorf(`keys by "%s" are not supported`, scheme)
		}
	}
	return read(name)
}

// LoadCertificate reads a certificate with its chain, and its key. Names are
// absolute paths, or begin with "data:". Errors are nginx's sentences without the
// place; none shows what is in the files.
func LoadCertificate(read ReadFile, certificate, key string, passwords [][]byte) (std.Certificate, error) {
	made, err := read.Chain(certificate)
	if err != nil {
		return made, err
	}
	private, _, err := read.Key(key, passwords)
	if err != nil {
		return made, err
	}
	return Pair(made, private, key)
}

// Pair gives a certificate its key, of the file of that name.
func Pair(made std.Certificate, private crypto.PrivateKey, name string) (std.Certificate, error) {
	if made.PrivateKey = private; !matches(made.Leaf, private) {
		return made, fmt.Errorf(`SSL_CTX_use_PrivateKey("%s") failed (SSL: %s)`, shown(name), keyMismatch)
	}
	return made, nil
}

const keyMismatch = "error:05800074:x509 certificate routines::key values mismatch"

// Chain reads a certificate with its chain, without its key.
func (read ReadFile) Chain(name string) (made std.Certificate, err error) {
	text, err := read.read(name)
	if err != nil {
		return made, fmt.Errorf(`cannot load certificate "%s": BIO_new_file() failed (SSL: %s)`, shown(name), notRead(name, err))
	}
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type == "CERTIFICATE" || block.Type == "X509 CERTIFICATE" || block.Type == "TRUSTED CERTIFICATE" {
			made.Certificate = append(made.Certificate, block.Bytes)
		}
	}
	if len(made.Certificate) == 0 {
		return made, fmt.Errorf(`cannot load certificate "%s": PEM_read_bio_X509_AUX() failed (SSL: error:0480006C:PEM routines::no start line:Expecting: TRUSTED CERTIFICATE)`, shown(name))
	}
	if made.Leaf, err = x509.ParseCertificate(made.Certificate[0]); err != nil {
		return made, fmt.Errorf(`cannot load certificate "%s": PEM_read_bio_X509_AUX() failed (SSL: %w)`, shown(name), err)
	}
	return made, nil
}

// Key reads a private key; encrypted says that a password was needed.
func (read ReadFile) Key(name string, passwords [][]byte) (made crypto.PrivateKey, encrypted bool, err error) {
	text, err := read.read(name)
	if err != nil {
		return nil, false, fmt.Errorf(`cannot load certificate key "%s": BIO_new_file() failed (SSL: %s)`, shown(name), notRead(name, err))
	}
	if made, encrypted, err = parseKey(text, passwords); err != nil {
		return nil, encrypted, fmt.Errorf(`cannot load certificate key "%s": PEM_read_bio_PrivateKey() failed (SSL: %w)`, shown(name), err)
	}
	return made, encrypted, nil
}

// shown is a name without what it contains itself.
func shown(name string) string {
	if strings.HasPrefix(name, data) {
		return data + "..."
	}
	return name
}

// matches reports whether key is that of the certificate.
func matches(leaf *x509.Certificate, key crypto.PrivateKey) bool {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return false
	}
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(leaf.PublicKey)
}

// LoadAuthorities reads a file of trusted certificates.
func LoadAuthorities(read ReadFile, name string) ([]*x509.Certificate, error) {
	text, err := read(name)
	if err != nil {
		return nil, fmt.Errorf(`SSL_CTX_load_verify_locations("%s") failed (SSL: %s)`, name, notRead(name, err))
	}
	var made []*x509.Certificate
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" && block.Type != "X509 CERTIFICATE" && block.Type != "TRUSTED CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf(`SSL_CTX_load_verify_locations("%s") failed (SSL: %w)`, name, err)
		}
		made = append(made, c)
	}
	if len(made) == 0 {
		return nil, fmt.Errorf(`SSL_CTX_load_verify_locations("%s") failed (SSL: error:05880088:x509 certificate routines::no certificate or crl found)`, name)
	}
	return made, nil
}

// CheckParameters reads a file of Diffie-Hellman parameters, which nobody uses.
func CheckParameters(read ReadFile, name string) error {
	text, err := read(name)
	if err != nil {
		return fmt.Errorf(`BIO_new_file("%s") failed (SSL: %s)`, name, notRead(name, err))
	}
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return fmt.Errorf(`PEM_read_bio_Parameters("%s") failed (SSL: error:0480006C:PEM routines::no start line:Expecting: DH PARAMETERS)`, name)
		}
		if block.Type == "DH PARAMETERS" || block.Type == "X9.42 DH PARAMETERS" {
			return nil
		}
	}
}

// LoadPasswords reads a password file: one in a line.
func LoadPasswords(read ReadFile, name string) ([][]byte, error) {
	text, err := read(name)
	if err != nil {
		return nil, err
	}
	var made [][]byte
	for line := range bytes.Lines(text) {
		made = append(made, bytes.TrimRight(line, "\r\n"))
	}
	return made, nil
}

var errNoKey = errors.New("error:1E08010C:DECODER routines::unsupported:No supported data to decode")

// parseKey finds the private key in a PEM text; encrypted says that a password was
// needed.
func parseKey(text []byte, passwords [][]byte) (made crypto.PrivateKey, encrypted bool, err error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return nil, false, errNoKey
		}
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		der, encrypted, err := decryptKey(block, passwords)
		if err != nil {
			return nil, encrypted, err
		}
		switch block.Type {
		case "RSA PRIVATE KEY":
			made, err = x509.ParsePKCS1PrivateKey(der)
		case "EC PRIVATE KEY":
			made, err = x509.ParseECPrivateKey(der)
		default:
			made, err = x509.ParsePKCS8PrivateKey(der)
		}
		return made, encrypted, err
	}
}
