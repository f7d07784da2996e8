// Package hashkit decides which server a key belongs to, exactly as twemproxy
// does: its hash functions with all their oddities, its rings and its slots.
package hashkit

import (
	"crypto/md5"
	"encoding/binary"
	"hash/crc32"
)

// A Hash turns a key into a number. The bytes of a key are signed in some of
// them, as char is on the machines where clusters were laid out with them.
type Hash func(key []byte) uint32

// Names are the hashes that a configuration can name.
var Names = map[string]Hash{
	"one_at_a_time": oneAtATime,
	"md5":           md5Hash,
	"crc16":         crc16,
	"crc32":         func(k []byte) uint32 { return crc32.ChecksumIEEE(k) >> 16 & 0x7fff },
	"crc32a":        crc32.ChecksumIEEE,
	"fnv1_64":       fnv164,
	"fnv1a_64":      FNV1a64,
	"fnv1_32":       fnv132,
	"fnv1a_32":      fnv1a32,
	"hsieh":         hsieh,
	"murmur":        murmur,
	"jenkins":       jenkins,
}

// signed extends a byte as a signed char.
func signed(c byte) uint32 { return uint32(int32(int8(c))) }

func oneAtATime(key []byte) (h uint32) {
	for _, c := range key {
		h += signed(c)
		h += h << 10
		h ^= h >> 6
	}
	h += h << 3
	h ^= h >> 11
	return h + h<<15
}

func md5Hash(key []byte) uint32 {
	sum := md5.Sum(key)
	return binary.LittleEndian.Uint32(sum[:])
}

// crc16 is CRC-16/XMODEM in a register of 32 bits that is never masked.
func crc16(key []byte) (c uint32) {
	for _, b := range key {
		c = c<<8 ^ uint32(crc16Table[byte(c>>8)^b])
	}
	return c
}

var crc16Table = func() (t [256]uint16) {
	for i := range t {
		c := uint16(i) << 8
		for range 8 {
			if c&0x8000 != 0 {
				c = c<<1 ^ 0x1021
			} else {
				c <<= 1
			}
		}
		t[i] = c
	}
	return t
}()

func fnv164(key []byte) uint32 {
	h := uint64(0xcbf29ce484222325)
	for _, c := range key {
		h *= 0x100000001b3
		h ^= uint64(int64(int8(c)))
	}
	return uint32(h)
}

// FNV1a64 is the default. It is not FNV-1a with 64 bits: it counts in 32, with
// the lower halves of the constants.
func FNV1a64(key []byte) uint32 {
	h := uint32(0x84222325)
	for _, c := range key {
		h ^= signed(c)
		h *= 0x1b3
	}
	return h
}

func fnv132(key []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range key {
		h *= 16777619
		h ^= signed(c)
	}
	return h
}

func fnv1a32(key []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range key {
		h ^= signed(c)
		h *= 16777619
	}
	return h
}

// hsieh is SuperFastHash that starts with 0.
func hsieh(key []byte) (h uint32) {
	if len(key) == 0 {
		return 0
	}
	for ; len(key) >= 4; key = key[4:] {
		h += uint32(binary.LittleEndian.Uint16(key))
		h = h<<16 ^ (uint32(binary.LittleEndian.Uint16(key[2:]))<<11 ^ h)
		h += h >> 11
	}
	switch len(key) {
	case 3:
		h += uint32(binary.LittleEndian.Uint16(key))
		h ^= h << 16
		h ^= signed(key[2]) << 18
		h += h >> 11
	case 2:
		h += uint32(binary.LittleEndian.Uint16(key))
		h ^= h << 11
		h += h >> 17
	case 1:
		h += uint32(key[0])
		h ^= h << 10
		h += h >> 1
	}
	h ^= h << 3
	h += h >> 5
	h ^= h << 4
	h += h >> 17
	h ^= h << 25
	return h + h>>6
}

func murmur(key []byte) uint32 {
	const m, r = 0x5bd1e995, 24
	n := uint32(len(key))
	h := 0xdeadbeef*n ^ n
	for ; len(key) >= 4; key = key[4:] {
		k := binary.LittleEndian.Uint32(key) * m
		k ^= k >> r
		h = h*m ^ k*m
	}
	switch len(key) {
	case 3:
		h ^= uint32(key[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(key[1]) << 8
		fallthrough
	case 1:
		h ^= uint32(key[0])
		h *= m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
