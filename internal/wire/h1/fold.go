package h1

import (
	"encoding/binary"
	"unsafe"
)

// lower maps A-Z to a-z and every other byte to itself.
var lower = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
		if i >= 'A' && i <= 'Z' {
			t[i] |= 0x20
		}
	}
	return t
}()

// AppendLower appends s with A-Z in lower case.
func AppendLower(dst []byte, s string) []byte {
	n := len(dst)
	dst = append(dst, s...)
	for i, c := range dst[n:] {
		dst[n+i] = lower[c]
	}
	return dst
}

// HasUpper reports whether AppendLower would change s.
func HasUpper(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			return true
		}
	}
	return false
}

// EqualFold reports whether s is low, which is in lower case, whatever the case
// of s's letters A-Z.
func EqualFold(s, low string) bool {
	if len(s) != len(low) {
		return false
	}
	for i := 0; i < len(s); i++ {
		if lower[s[i]] != low[i] {
			return false
		}
	}
	return true
}

// sameName is EqualFold for a header name and a known header of the same length:
// eight bytes at a time. Bit 0x20 tells upper from lower case in letters, and no
// two different bytes of header names fall together by it.
func sameName(name, known string) bool {
	const fold = 0x2020202020202020
	i := 0
	for ; i+8 <= len(known); i += 8 {
		if word(name[i:])|fold != word(known[i:])|fold {
			return false
		}
	}
	for ; i < len(known); i++ {
		if name[i]|0x20 != known[i] {
			return false
		}
	}
	return true
}

// word is the first eight bytes of s.
func word(s string) uint64 {
	return binary.LittleEndian.Uint64(unsafe.Slice(unsafe.StringData(s), len(s)))
}

// MatchName reports whether the header name is low, which is in lower case; an
// underscore in low also matches a dash.
func MatchName(name, low string) bool {
	if len(name) != len(low) {
		return false
	}
	for i := 0; i < len(name); i++ {
		if c := lower[name[i]]; c != low[i] && (c != '-' || low[i] != '_') {
			return false
		}
	}
	return true
}

// containsFold reports whether low, which is in lower case, is anywhere in s.
func containsFold(s, low string) bool {
	for i := 0; i+len(low) <= len(s); i++ {
		if lower[s[i]] == low[0] && EqualFold(s[i:i+len(low)], low) {
			return true
		}
	}
	return false
}
