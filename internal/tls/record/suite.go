package record

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"hash"

	"golang.org/x/crypto/chacha20poly1305"
)

// The versions that this package knows.
const (
	TLS12 = 0x0303
	TLS13 = 0x0304
)

// ErrSuite is returned for a version or a suite whose records this package cannot
// read and write.
var ErrSuite = errors.New("no record layer for this version and suite")

// A suite is what the number of a cipher suite says of records.
type suite struct {
	version  uint16
	keySize  int
	fixedIV  int // bytes of the nonce that are not sent
	hash     func() hash.Hash
	hashSize int
	chacha   bool
}

var (
	aes128 = &suite{version: TLS12, keySize: 16, fixedIV: 4, hash: sha256.New, hashSize: 32}
	aes256 = &suite{version: TLS12, keySize: 32, fixedIV: 4, hash: sha512.New384, hashSize: 48}
	chacha = &suite{version: TLS12, keySize: 32, fixedIV: 12, hash: sha256.New, hashSize: 32, chacha: true}
)

// suites are those of crypto/tls with an AEAD, by number.
var suites = map[uint16]*suite{
	0x1301: {version: TLS13, keySize: 16, fixedIV: 12, hash: sha256.New, hashSize: 32},
	0x1302: {version: TLS13, keySize: 32, fixedIV: 12, hash: sha512.New384, hashSize: 48},
	0x1303: {version: TLS13, keySize: 32, fixedIV: 12, hash: sha256.New, hashSize: 32, chacha: true},
	0x009c: aes128, // RSA_WITH_AES_128_GCM_SHA256
	0x009d: aes256, // RSA_WITH_AES_256_GCM_SHA384
	0xc02b: aes128, // ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
	0xc02c: aes256, // ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
	0xc02f: aes128, // ECDHE_RSA_WITH_AES_128_GCM_SHA256
	0xc030: aes256, // ECDHE_RSA_WITH_AES_256_GCM_SHA384
	0xcca8: chacha, // ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
	0xcca9: chacha, // ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
}

func findSuite(version, number uint16) (*suite, error) {
	s, ok := suites[number]
	if !ok || s.version != version {
		return nil, ErrSuite
	}
	return s, nil
}

// Supported reports whether records of a version and suite can be read and
// written here.
func Supported(version, suite uint16) bool {
	_, err := findSuite(version, suite)
	return err == nil
}

func (s *suite) aead(key []byte) (cipher.AEAD, error) {
	if s.chacha {
		return chacha20poly1305.New(key)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// expandLabel is HKDF-Expand-Label of RFC 8446, section 7.1, with an empty
// context.
func (s *suite) expandLabel(secret []byte, label string, size int) ([]byte, error) {
	const prefix = "tls13 "
	info := make([]byte, 0, 4+len(prefix)+len(label))
	info = append(info, byte(size>>8), byte(size), byte(len(prefix)+len(label)))
	info = append(append(info, prefix...), label...)
	return hkdf.Expand(s.hash, secret, string(append(info, 0)), size)
}

// KeyBlock12 derives the keys of both directions from the master secret of a
// TLS 1.2 handshake and the randoms of its two hellos; see RFC 5246, section 6.3.
func KeyBlock12(number uint16, master, clientRandom, serverRandom []byte) (client, server Keys, err error) {
	s, err := findSuite(TLS12, number)
	if err != nil {
		return Keys{}, Keys{}, err
	}
	seed := append([]byte("key expansion"), serverRandom...)
	block := s.prf(master, append(seed, clientRandom...), 2*(s.keySize+s.fixedIV))
	take := func(n int) []byte {
		piece := block[:n:n]
		block = block[n:]
		return piece
	}
	client.Key, server.Key = take(s.keySize), take(s.keySize)
	client.IV, server.IV = take(s.fixedIV), take(s.fixedIV)
	return client, server, nil
}

// prf is P_hash of RFC 5246, section 5.
func (s *suite) prf(secret, seed []byte, size int) []byte {
	mac := hmac.New(s.hash, secret)
	sum := func(parts ...[]byte) []byte {
		mac.Reset()
		for _, p := range parts {
			mac.Write(p)
		}
		return mac.Sum(nil)
	}
	var out []byte
	for a := sum(seed); len(out) < size; a = sum(a) {
		out = append(out, sum(a, seed)...)
	}
	return out[:size]
}
