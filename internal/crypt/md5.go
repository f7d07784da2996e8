package crypt

import "crypto/md5"

// apacheMagic marks Apache's variant of MD5-crypt, which differs by the mark.
const apacheMagic = "$apr1$"

// md5Crypt is Poul-Henning Kamp's hash: a thousand rounds of MD5. rest is what
// follows magic.
func md5Crypt(password, magic, rest string, pause func()) string {
	key, salt := []byte(password), []byte(cutSalt(rest, 8))
	inner := md5.New()
	inner.Write(key)
	inner.Write(salt)
	inner.Write(key)
	sum := inner.Sum(nil)

	first := md5.New()
	first.Write(key)
	first.Write([]byte(magic))
	first.Write(salt)
	for left := len(key); left > 0; left -= md5.Size {
		first.Write(sum[:min(left, md5.Size)])
	}
	for bits := len(key); bits > 0; bits >>= 1 {
		if bits&1 != 0 {
			first.Write([]byte{0})
		} else {
			first.Write(key[:1])
		}
	}
	sum = first.Sum(sum[:0])

	round := md5.New()
	for i := range 1000 {
		round.Reset()
		if i&1 != 0 {
			round.Write(key)
		} else {
			round.Write(sum)
		}
		if i%3 != 0 {
			round.Write(salt)
		}
		if i%7 != 0 {
			round.Write(key)
		}
		if i&1 != 0 {
			round.Write(sum)
		} else {
			round.Write(key)
		}
		sum = round.Sum(sum[:0])
		if i%256 == 255 {
			pause()
		}
	}

	dst := append([]byte(magic), salt...)
	dst = append(dst, '$')
	for i := range 5 {
		last := i + 12
		if i == 4 {
			last = 5
		}
		dst = append64(dst, sum[i], sum[i+6], sum[last], 4)
	}
	return string(append64(dst, 0, 0, sum[11], 2))
}
