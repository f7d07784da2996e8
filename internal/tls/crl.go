package tls

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// A RevocationList is a CRL; see RFC 5280, section 5. Unlike crypto/x509's it may be
// of version 1, as openssl-ca(1) makes them by default.
type RevocationList struct {
	parsed    certificateList
	algorithm x509.SignatureAlgorithm
	revoked   map[string]bool // serial numbers, in decimal
}

// What a CRL is made of.
type (
	certificateList struct {
		TBS       tbsList
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	tbsList struct {
		Raw        asn1.RawContent
		Version    int `asn1:"optional,default:0"`
		Signature  pkix.AlgorithmIdentifier
		Issuer     asn1.RawValue
		ThisUpdate time.Time
		NextUpdate time.Time        `asn1:"optional"`
		Revoked    []revokedEntry   `asn1:"optional"`
		Extensions []pkix.Extension `asn1:"tag:0,optional,explicit"`
	}
	revokedEntry struct {
		Serial     *big.Int
		Time       time.Time
		Extensions []pkix.Extension `asn1:"optional"`
	}
)

// signatures are the algorithms of signatures that are taken.
var signatures = map[string]x509.SignatureAlgorithm{
	"1.2.840.113549.1.1.5": x509.SHA1WithRSA, "1.2.840.113549.1.1.11": x509.SHA256WithRSA,
	"1.2.840.113549.1.1.12": x509.SHA384WithRSA, "1.2.840.113549.1.1.13": x509.SHA512WithRSA,
	"1.2.840.10045.4.3.2": x509.ECDSAWithSHA256, "1.2.840.10045.4.3.3": x509.ECDSAWithSHA384,
	"1.2.840.10045.4.3.4": x509.ECDSAWithSHA512, "1.3.101.112": x509.PureEd25519,
}

func parseList(der []byte) (*RevocationList, error) {
	made := &RevocationList{revoked: make(map[string]bool)}
	rest, err := asn1.Unmarshal(der, &made.parsed)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, errors.New("bytes behind the revocation list")
	}
	for _, e := range made.parsed.TBS.Extensions {
		if e.Critical {
			return nil, errors.New("revocation list with a critical extension is not supported")
		}
	}
	made.algorithm = signatures[made.parsed.Algorithm.Algorithm.String()]
	if made.algorithm == x509.UnknownSignatureAlgorithm {
		return nil, errors.New("unknown signature algorithm of a revocation list")
	}
	for i := range made.parsed.TBS.Revoked {
		made.revoked[made.parsed.TBS.Revoked[i].Serial.String()] = true
	}
	made.parsed.TBS.Revoked = nil
	return made, nil
}

// by reports whether the issuer of c has made the list.
func (l *RevocationList) by(issuer, c *x509.Certificate) bool {
	return bytes.Equal(l.parsed.TBS.Issuer.FullBytes, c.RawIssuer) &&
		issuer.CheckSignature(l.algorithm, l.parsed.TBS.Raw, l.parsed.Signature.RightAlign()) == nil
}

// LoadLists reads a file of revocation lists.
func LoadLists(read ReadFile, name string) ([]*RevocationList, error) {
	text, err := read(name)
	if err != nil {
		return nil, fmt.Errorf(`X509_LOOKUP_load_file("%s") failed (SSL: %s)`, name, notRead(name, err))
	}
	var made []*RevocationList
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "X509 CRL" {
			continue
		}
		list, err := parseList(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf(`X509_LOOKUP_load_file("%s") failed (SSL: %w)`, name, err)
		}
		made = append(made, list)
	}
	if len(made) == 0 {
		return nil, fmt.Errorf(`X509_LOOKUP_load_file("%s") failed (SSL: error:05880088:x509 certificate routines::no certificate or crl found)`, name)
	}
	return made, nil
}
