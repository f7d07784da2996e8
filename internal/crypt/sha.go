package crypt

import (
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"strconv"
	"strings"
)

// See Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512".
const (
	saltMax       = 16
	defaultRounds = 5000
	minRounds     = 1000
	maxRounds     = 999_999_999
)

func sha256Crypt(password, rest string, pause func()) string {
	return shaCrypt(password, "$5$", rest, sha256.New, pause, func(dst, sum []byte) []byte {
		for i, a := 0, 0; i < 10; i++ {
			dst = append64(dst, sum[a], sum[(a+10)%30], sum[(a+20)%30], 4)
			a = (a + 21) % 30
		}
		return append64(dst, 0, sum[31], sum[30], 3)
	})
}

func sha512Crypt(password, rest string, pause func()) string {
	return shaCrypt(password, "$6$", rest, sha512.New, pause, func(dst, sum []byte) []byte {
		for i, a := 0, 0; i < 21; i++ {
			dst = append64(dst, sum[a], sum[(a+21)%63], sum[(a+42)%63], 4)
			a = (a + 22) % 63
		}
		return append64(dst, 0, 0, sum[63], 2)
	})
}

// shaCrypt hashes by SHA-256 or SHA-512; rest is what follows the mark, and
// appendSum writes the result in the scheme's own order of bytes.
func shaCrypt(password, magic, rest string, newHash func() hash.Hash, pause func(), appendSum func(dst, sum []byte) []byte) string {
	dst := []byte(magic)
	rounds := defaultRounds
	if text, ok := strings.CutPrefix(rest, "rounds="); ok {
		var number string
		if number, rest, ok = strings.Cut(text, "$"); !ok {
			return ""
		}
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil || n < minRounds || n > maxRounds {
			return ""
		}
		rounds = int(n)
		dst = append(strconv.AppendUint(append(dst, "rounds="...), n, 10), '$')
	}
	key, salt := []byte(password), []byte(cutSalt(rest, saltMax))
	dst = append(append(dst, salt...), '$')
	return string(appendSum(dst, shaRounds(key, salt, newHash(), rounds, pause)))
}

func shaRounds(key, salt []byte, h hash.Hash, rounds int, pause func()) []byte {
	h.Write(key)
	h.Write(salt)
	h.Write(key)
	inner := h.Sum(nil)

	h.Reset()
	h.Write(key)
	h.Write(salt)
	h.Write(stretch(inner, len(key)))
	for bits := len(key); bits > 0; bits >>= 1 {
		if bits&1 != 0 {
			h.Write(inner)
		} else {
			h.Write(key)
		}
	}
	sum := h.Sum(nil)

	h.Reset()
	for range key {
		h.Write(key)
	}
	longKey := stretch(h.Sum(nil), len(key))

	h.Reset()
	for range 16 + int(sum[0]) {
		h.Write(salt)
	}
	longSalt := stretch(h.Sum(nil), len(salt))

	for i := range rounds {
		h.Reset()
		if i&1 != 0 {
			h.Write(longKey)
		} else {
			h.Write(sum)
		}
		if i%3 != 0 {
			h.Write(longSalt)
		}
		if i%7 != 0 {
			h.Write(longKey)
		}
		if i&1 != 0 {
			h.Write(sum)
		} else {
			h.Write(longKey)
		}
		sum = h.Sum(sum[:0])
		if i%128 == 127 {
			pause()
		}
	}
	return sum
}

// stretch repeats b up to n bytes.
func stretch(b []byte, n int) []byte {
	long := make([]byte, 0, n)
	for len(long) < n {
		long = append(long, b[:min(len(b), n-len(long))]...)
	}
	return long
}
