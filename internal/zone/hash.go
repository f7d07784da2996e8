package zone

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// hash is SipHash-1-3 with the zone's own key: clients choose many of the keys
// in a table, and must not be able to choose ones that fall together.
func (m *memory) hash(key string) uint32 {
	b := unsafe.Slice(unsafe.StringData(key), len(key))
	v0, v1 := m.seed[0]^0x736f6d6570736575, m.seed[1]^0x646f72616e646f6d
	v2, v3 := m.seed[0]^0x6c7967656e657261, m.seed[1]^0x7465646279746573
	last := uint64(len(b)) << 56
	for ; len(b) >= 8; b = b[8:] {
		word := binary.LittleEndian.Uint64(b)
		v3 ^= word
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0 ^= word
	}
	for i, c := range b {
		last |= uint64(c) << (8 * i)
	}
	v3 ^= last
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0 ^= last
	v2 ^= 0xff
	for range 3 {
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	}
	sum := v0 ^ v1 ^ v2 ^ v3
	return uint32(sum) ^ uint32(sum>>32)
}

func sipRound(v0, v1, v2, v3 uint64) (uint64, uint64, uint64, uint64) {
	v0 += v1
	v1 = bits.RotateLeft64(v1, 13) ^ v0
	v0 = bits.RotateLeft64(v0, 32)
	v2 += v3
	v3 = bits.RotateLeft64(v3, 16) ^ v2
	v0 += v3
	v3 = bits.RotateLeft64(v3, 21) ^ v0
	v2 += v1
	v1 = bits.RotateLeft64(v1, 17) ^ v2
	v2 = bits.RotateLeft64(v2, 32)
	return v0, v1, v2, v3
}
