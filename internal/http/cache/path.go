package cache

import (
	"crypto/md5"
	"encoding/hex"
	"unsafe"
)

// A Key is the md5 of what stands for an answer; it names the file.
type Key [md5.Size]byte

// KeyOf is the Key of a text.
func KeyOf(text []byte) Key { return md5.Sum(text) }

// AppendName appends the name of the file of k in c's directory: with levels 1 and
// 2, "/dir/c/29/b7f54b2df7773722d382f4809d65029c".
func (c *Cache) AppendName(dst []byte, k Key) []byte {
	var digits [2 * len(k)]byte
	hex.Encode(digits[:], k[:])
	dst = append(append(dst, c.Dir...), '/')
	end := len(digits)
	for _, level := range c.Levels {
		dst = append(append(dst, digits[end-level:end]...), '/')
		end -= level
	}
	return append(dst, digits[:]...)
}

// keyOfName is the key that a file's name ends with.
func keyOfName(name string) (k Key, ok bool) {
	if len(name) < 2*len(k) {
		return k, false
	}
	n, err := hex.Decode(k[:], []byte(name[len(name)-2*len(k):]))
	return k, err == nil && n == len(k)
}

// isTemporary reports whether a file is one that is being written: its name has a
// dot and ten digits behind.
func isTemporary(name string) bool {
	return len(name) >= 2*len(Key{})+11 && name[len(name)-11] == '.'
}

// view is b as a string that shares its memory.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
