package crypt

import (
	"encoding/base64"
	"strconv"

	//lint:ignore SA1019 bcrypt is made of it, and it of nothing else
	"golang.org/x/crypto/blowfish"
)

const (
	bcryptSalt = 22 // digits
	bcryptMin  = 4
	bcryptMax  = 31
)

// bcryptDigits are bcrypt's own.
var bcryptDigits = base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").WithPadding(base64.NoPadding)

// bcrypt is Provos' and Mazières' hash; rest, "NN$saltandhash", is what follows
// the mark. Package bcrypt of x/crypto has no place for a pause.
func bcrypt(password, magic, rest string, pause func()) string {
	if len(rest) < 3+bcryptSalt || rest[2] != '$' {
		return ""
	}
	cost, err := strconv.ParseUint(rest[:2], 10, 8)
	if err != nil || cost < bcryptMin || cost > bcryptMax {
		return ""
	}
	salt, err := bcryptDigits.DecodeString(rest[3 : 3+bcryptSalt])
	if err != nil {
		return ""
	}
	key := append([]byte(password), 0)
	cipher, err := blowfish.NewSaltedCipher(key, salt)
	if err != nil {
		return ""
	}
	for range uint64(1) << cost {
		blowfish.ExpandKey(key, cipher)
		blowfish.ExpandKey(salt, cipher)
		pause()
	}
	text := []byte("OrpheanBeholderScryDoubt")
	for i := 0; i < len(text); i += blowfish.BlockSize {
		for range 64 {
			cipher.Encrypt(text[i:], text[i:])
		}
	}
	dst := append([]byte(magic), rest[:3]...)
	dst = bcryptDigits.AppendEncode(dst, salt)
	return string(bcryptDigits.AppendEncode(dst, text[:len(text)-1]))
}
