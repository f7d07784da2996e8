package tls

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"hash"
)

var (
	errPassword  = errors.New("error:07880109:common libcrypto routines::interrupted or cancelled")
	errDecrypt   = errors.New("error:1C800064:Provider routines::bad decrypt")
	errKeyFormat = errors.New("the encryption of the key is not supported")
)

// decryptKey returns a key's bytes, decrypted with the first password that fits.
func decryptKey(block *pem.Block, passwords [][]byte) (der []byte, encrypted bool, err error) {
	old := block.Headers["DEK-Info"] != ""
	if block.Type != "ENCRYPTED PRIVATE KEY" && !old {
		return block.Bytes, false, nil
	}
	err = errPassword
	for _, password := range passwords {
		if old {
			//lint:ignore SA1019 administrators have such keys; who made them chose so
			der, err = x509.DecryptPEMBlock(block, password)
		} else {
			der, err = decryptPKCS8(block.Bytes, password)
		}
		if err == nil {
			return der, true, nil
		}
	}
	return nil, true, err
}

// What an encrypted key of PKCS #8 is made of; see RFC 5958 and RFC 8018.
type (
	encryptedKey struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	pbes2 struct{ Derivation, Encryption pkix.AlgorithmIdentifier }
	kdf   struct {
		Salt       []byte
		Iterations int
		KeyLength  int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}

	// prfs are the functions of PBKDF2.
	prfs = map[string]func() hash.Hash{
		"": sha1.New, "1.2.840.113549.2.7": sha1.New, "1.2.840.113549.2.9": sha256.New,
		"1.2.840.113549.2.10": sha512.New384, "1.2.840.113549.2.11": sha512.New,
	}
	// blockCiphers are the ciphers, all of them in CBC mode.
	blockCiphers = map[string]struct {
		size int
		make func([]byte) (cipher.Block, error)
	}{
		"2.16.840.1.101.3.4.1.2": {16, aes.NewCipher}, "2.16.840.1.101.3.4.1.22": {24, aes.NewCipher},
		"2.16.840.1.101.3.4.1.42": {32, aes.NewCipher}, "1.2.840.113549.3.7": {24, des.NewTripleDESCipher},
	}
)

// maxIterations bounds the work for one password.
const maxIterations = 10_000_000

func decryptPKCS8(der, password []byte) ([]byte, error) {
	var outer encryptedKey
	var scheme pbes2
	var derive kdf
	if err := unmarshal(der, &outer); err != nil {
		return nil, err
	}
	if !outer.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, errKeyFormat
	}
	if err := unmarshal(outer.Algorithm.Parameters.FullBytes, &scheme); err != nil {
		return nil, err
	}
	if err := unmarshal(scheme.Derivation.Parameters.FullBytes, &derive); err != nil {
		return nil, err
	}
	prf := prfs[derive.PRF.Algorithm.String()]
	kind, known := blockCiphers[scheme.Encryption.Algorithm.String()]
	if !scheme.Derivation.Algorithm.Equal(oidPBKDF2) || prf == nil || !known || derive.Iterations < 1 || derive.Iterations > maxIterations {
		return nil, errKeyFormat
	}
	var iv []byte
	if err := unmarshal(scheme.Encryption.Parameters.FullBytes, &iv); err != nil {
		return nil, err
	}
	key, err := pbkdf2.Key(prf, string(password), derive.Salt, derive.Iterations, kind.size)
	if err != nil {
		return nil, err
	}
	block, err := kind.make(key)
	if err != nil {
		return nil, err
	}
	size := block.BlockSize()
	if len(iv) != size || len(outer.Data) == 0 || len(outer.Data)%size != 0 {
		return nil, errDecrypt
	}
	plain := make([]byte, len(outer.Data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, outer.Data)
	padding := int(plain[len(plain)-1])
	if padding == 0 || padding > size {
		return nil, errDecrypt
	}
	plain = plain[:len(plain)-padding]
	if _, err := x509.ParsePKCS8PrivateKey(plain); err != nil {
		return nil, errDecrypt
	}
	return plain, nil
}

func unmarshal(der []byte, to any) error {
	if _, err := asn1.Unmarshal(der, to); err != nil {
		return errKeyFormat
	}
	return nil
}
