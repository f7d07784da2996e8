// Package crypt tells whether a password belongs to a hash of a password file:
// those of crypt(3) and the ones that web servers have added.
//
//	{PLAIN}secret            the password itself
//	{SHA}..., {SSHA}...      SHA-1 in base64, without and with salt (RFC 2307)
//	$apr1$salt$...           Apache's variant of MD5-crypt
//	$1$salt$...              MD5-crypt
//	$5$..., $6$...           SHA-crypt: SHA-256 and SHA-512, with "rounds=N$"
//	$2a$, $2b$, $2y$         bcrypt
//	ab...                    DES, the crypt of the seventies
//
// Other schemes, yescrypt ($y$) among them, are reported as [ErrScheme].
//
// The slow hashes are computed here and not left to a library that does them in
// one piece, because a worker has one processor: between some rounds they call
// the caller's pause, which lets other connections be served.
package crypt

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"
)

// ErrScheme is returned for a hash of a scheme that is not supported.
var ErrScheme = errors.New("unknown scheme")

// maxPassword is what crypt(3) takes; with a longer password it fails.
const maxPassword = 511

// Check reports whether password belongs to hash. It computes the hash of
// password as hash says and compares the two in constant time: a hash that is
// damaged belongs to no password. pause, when not nil, is called about every 100
// microseconds of computation.
func Check(hash, password string, pause func()) (bool, error) {
	if pause == nil {
		pause = func() {}
	}
	made, err := again(hash, password, pause)
	if err != nil || made == "" {
		return false, err
	}
	return subtle.ConstantTimeCompare([]byte(made), []byte(hash)) == 1, nil
}

// again is the hash of password with the scheme, the salt and the cost of hash;
// "" when those make no sense.
func again(hash, password string, pause func()) (string, error) {
	if scheme, rest, ok := cutBraces(hash); ok {
		switch scheme {
		case "{PLAIN}":
			return scheme + password, nil
		case "{SHA}":
			return scheme + salted(password, nil), nil
		case "{SSHA}":
			return scheme + salted(password, saltOf(rest)), nil
		}
		return "", nil
	}
	if rest, ok := strings.CutPrefix(hash, apacheMagic); ok {
		return md5Crypt(password, apacheMagic, rest, pause), nil
	}
	if len(password) > maxPassword {
		return "", nil
	}
	if !strings.HasPrefix(hash, "$") && !strings.HasPrefix(hash, "_") {
		return desCrypt(password, hash), nil
	}
	scheme, rest := cutDollars(hash)
	switch scheme {
	case "$1$":
		return md5Crypt(password, scheme, rest, pause), nil
	case "$5$":
		return sha256Crypt(password, rest, pause), nil
	case "$6$":
		return sha512Crypt(password, rest, pause), nil
	case "$2a$", "$2b$", "$2y$":
		return bcrypt(password, scheme, rest, pause), nil
	}
	return "", ErrScheme
}

// Scheme is the mark that a hash begins with, for messages: "$y$", "{SHA}"; ""
// when it has none.
func Scheme(hash string) string {
	if scheme, _, ok := cutBraces(hash); ok {
		return scheme
	}
	scheme, _ := cutDollars(hash)
	return scheme
}

// cutBraces splits "{SHA}rest".
func cutBraces(hash string) (scheme, rest string, ok bool) {
	end := strings.IndexByte(hash, '}') + 1
	if end == 0 || hash[0] != '{' {
		return "", hash, false
	}
	return hash[:end], hash[end:], true
}

// cutDollars splits "$6$rest"; the scheme of anything else is "", that of
// extended DES "_".
func cutDollars(hash string) (scheme, rest string) {
	if strings.HasPrefix(hash, "_") {
		return hash[:1], hash[1:]
	}
	if !strings.HasPrefix(hash, "$") {
		return "", hash
	}
	end := strings.IndexByte(hash[1:], '$') + 2
	if end == 1 {
		return "$", hash[1:]
	}
	return hash[:end], hash[end:]
}

// salted is what follows {SHA} and {SSHA}: the digest of password and salt, and
// the salt.
func salted(password string, salt []byte) string {
	digest := sha1.Sum(append([]byte(password), salt...))
	return base64.StdEncoding.EncodeToString(append(digest[:], salt...))
}

// saltOf is the salt of what follows {SSHA}; nil when that is damaged.
func saltOf(text string) []byte {
	text, _, _ = strings.Cut(text, "=")
	decoded, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(decoded) < sha1.Size {
		return nil
	}
	return decoded[sha1.Size:]
}

// digits64 are the digits of crypt(3)'s numbers, which begin with the lowest.
const digits64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// append64 appends n digits of a number of 24 bits, given by its bytes, highest
// first.
func append64(dst []byte, high, middle, low byte, n int) []byte {
	number := uint32(high)<<16 | uint32(middle)<<8 | uint32(low)
	for range n {
		dst = append(dst, digits64[number&0x3f])
		number >>= 6
	}
	return dst
}

// cutSalt is the salt at the front of text: what is before a "$", and no longer
// than most.
func cutSalt(text string, most int) string {
	salt, _, _ := strings.Cut(text, "$")
	return salt[:min(len(salt), most)]
}
