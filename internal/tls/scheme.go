package tls

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	std "crypto/tls"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/baton-project/baton/internal/tls/record"
)

// schemes are OpenSSL's names of signature schemes.
var schemes = map[std.SignatureScheme]string{
	std.ECDSAWithP256AndSHA256: "ecdsa_secp256r1_sha256", std.ECDSAWithP384AndSHA384: "ecdsa_secp384r1_sha384",
	std.ECDSAWithP521AndSHA512: "ecdsa_secp521r1_sha512", std.ECDSAWithSHA1: "ecdsa_sha1", std.Ed25519: "ed25519",
	std.PSSWithSHA256: "rsa_pss_rsae_sha256", std.PSSWithSHA384: "rsa_pss_rsae_sha384", std.PSSWithSHA512: "rsa_pss_rsae_sha512",
	std.PKCS1WithSHA256: "rsa_pkcs1_sha256", std.PKCS1WithSHA384: "rsa_pkcs1_sha384", std.PKCS1WithSHA512: "rsa_pkcs1_sha512",
	std.PKCS1WithSHA1: "rsa_pkcs1_sha1",
}

// SchemeName is what OpenSSL calls a signature scheme; "" for none.
func SchemeName(s std.SignatureScheme) string {
	if name := schemes[s]; name != "" || s == 0 {
		return name
	}
	return fmt.Sprintf("0x%04x", uint16(s))
}

// schemeOf is the scheme of a signature by a key; 0 for those that have no number, as
// those before TLS 1.2.
func schemeOf(public crypto.PublicKey, opts crypto.SignerOpts) std.SignatureScheme {
	hash := opts.HashFunc()
	switch public.(type) {
	case ed25519.PublicKey:
		return std.Ed25519
	case *ecdsa.PublicKey:
		return map[crypto.Hash]std.SignatureScheme{crypto.SHA1: std.ECDSAWithSHA1, crypto.SHA256: std.ECDSAWithP256AndSHA256,
			crypto.SHA384: std.ECDSAWithP384AndSHA384, crypto.SHA512: std.ECDSAWithP521AndSHA512}[hash]
	}
	if _, pss := opts.(*rsa.PSSOptions); pss {
		return map[crypto.Hash]std.SignatureScheme{crypto.SHA256: std.PSSWithSHA256, crypto.SHA384: std.PSSWithSHA384, crypto.SHA512: std.PSSWithSHA512}[hash]
	}
	return map[crypto.Hash]std.SignatureScheme{crypto.SHA1: std.PKCS1WithSHA1, crypto.SHA256: std.PKCS1WithSHA256,
		crypto.SHA384: std.PKCS1WithSHA384, crypto.SHA512: std.PKCS1WithSHA512}[hash]
}

// signs reports whether the key of a certificate is for that scheme, in TLS 1.3.
func signs(public crypto.PublicKey, scheme std.SignatureScheme) bool {
	switch public := public.(type) {
	case ed25519.PublicKey:
		return scheme == std.Ed25519
	case *ecdsa.PublicKey:
		return map[std.SignatureScheme]elliptic.Curve{std.ECDSAWithP256AndSHA256: elliptic.P256(),
			std.ECDSAWithP384AndSHA384: elliptic.P384(), std.ECDSAWithP521AndSHA512: elliptic.P521()}[scheme] == public.Curve
	case *rsa.PublicKey:
		return scheme == std.PSSWithSHA256 || scheme == std.PSSWithSHA384 || scheme == std.PSSWithSHA512
	}
	return false
}

// A noted is a key that notes how it signs, which crypto/tls does not tell.
type noted struct {
	crypto.Signer
	h *handshake
}

// Sign is for crypto/tls.
func (n noted) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	n.h.scheme = schemeOf(n.Public(), opts)
	return n.Signer.Sign(random, digest, opts)
}

// A notedRSA can also be used for the key exchange of TLS 1.2 without ECDHE.
type notedRSA struct {
	noted
	crypto.Decrypter
}

// Public is the same of both.
func (n notedRSA) Public() crypto.PublicKey { return n.noted.Public() }

// noting is key, noting how it signs.
func (h *handshake) noting(key crypto.PrivateKey) crypto.PrivateKey {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return key
	}
	if decrypter, ok := key.(crypto.Decrypter); ok {
		return notedRSA{noted{signer, h}, decrypter}
	}
	return noted{signer, h}
}

// clientScheme is how the client has signed, 0 if it has not. It is in what the client
// has sent, in TLS 1.3 under keys that serve nothing else.
func (h *handshake) clientScheme(conn *std.Conn) std.SignatureScheme {
	state := conn.ConnectionState()
	if h.wire.heard == nil || state.DidResume || len(state.PeerCertificates) == 0 {
		return 0
	}
	var keys record.Half
	encrypted := state.Version == std.VersionTLS13
	if encrypted && keys.Import(state.Version, state.CipherSuite, record.Keys{Secret: h.wire.secret("CLIENT_HANDSHAKE_TRAFFIC_SECRET")}) != nil {
		return 0
	}
	var messages []byte
	for rest := h.wire.heard; len(rest) >= record.Need(rest); rest = rest[record.Need(rest):] {
		one := rest[:record.Need(rest)]
		if encrypted && one[0] == 23 {
			if plain, ok := keys.OpenHandshake(one); ok {
				messages = append(messages, plain...)
			}
		} else if !encrypted && one[0] == 22 {
			messages = append(messages, one[5:]...)
		} else if !encrypted && one[0] == 20 {
			break // what comes now is encrypted
		}
	}
	if state.Version < std.VersionTLS12 {
		return 0
	}
	return schemeIn(messages)
}

// schemeIn is the scheme of the signature among messages of a handshake, 0 if there is
// none.
func schemeIn(messages []byte) std.SignatureScheme {
	for len(messages) >= 4 {
		size := 4 + (int(messages[1])<<16 | int(messages[2])<<8 | int(messages[3]))
		if size > len(messages) {
			break
		}
		if body := messages[4:size]; messages[0] == certificateVerify && len(body) >= 2 {
			return std.SignatureScheme(binary.BigEndian.Uint16(body))
		}
		messages = messages[size:]
	}
	return 0
}

// certificateVerify is the number of the message with a signature.
const certificateVerify = 15
