package userid

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math/bits"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/baton-project/baton/internal/http"
)

// errMark ends nginx's sentence about userid_mark.
var errMark = errors.New(`value must be "off" or a single letter, digit or "="`)

// uid is an identifier: service or address, time, process, count. The last
// number of a true one is not zero.
type uid [4]uint32

const (
	encodedLen = 22 // digits of base64 without the padding
	textLen    = 32 // digits of a variable
)

func (u uid) isSet() bool { return u[3] != 0 }

// appendText appends the 32 digits of a variable.
func (u uid) appendText(dst []byte) []byte {
	for _, n := range u {
		for shift := 28; shift >= 0; shift -= 4 {
			dst = append(dst, "0123456789ABCDEF"[n>>shift&0xf])
		}
	}
	return dst
}

// parseText reads what appendText has written.
func parseText(text string) (u uid) {
	for i := range u {
		n, err := strconv.ParseUint(text[8*i:8*i+8], 16, 32)
		if err != nil {
			return uid{}
		}
		u[i] = uint32(n)
	}
	return u
}

// appendEncoded appends the digits of a cookie.
func (u uid) appendEncoded(dst []byte) []byte {
	var bytes [16]byte
	for i, n := range u {
		binary.LittleEndian.PutUint32(bytes[4*i:], n)
	}
	return base64.RawStdEncoding.AppendEncode(dst, bytes[:])
}

// decode reads the digits of a cookie, of which there may be too few before a
// "=". It is not ok when they are none.
func decode(encoded string) (u uid, ok bool) {
	for i := range len(encoded) {
		if encoded[i] == '=' {
			encoded = encoded[:i]
			break
		}
	}
	var bytes [18]byte
	if _, err := base64.RawStdEncoding.Decode(bytes[:], []byte(encoded)); err != nil {
		return uid{}, false
	}
	for i := range u {
		u[i] = binary.LittleEndian.Uint32(bytes[4*i:])
	}
	return u, true
}

// maker makes identifiers that no other worker makes.
type maker struct {
	start   uint32 // tells the worker
	countV1 atomic.Uint32
	count   atomic.Uint32
}

// countFrom is the first number of a count; "3" was the protocol's version.
const countFrom = 0x03030302

func newMaker(now time.Time) *maker {
	m := &maker{start: uint32(now.Nanosecond()/1000/20)<<16 | uint32(os.Getpid())}
	m.countV1.Store(1)
	m.count.Store(countFrom)
	return m
}

// make makes an identifier of the first version when v1. Without a service the
// server's address is in it.
func (m *maker) make(r *http.Request, v1 bool, service int) uid {
	now := uint32(r.Time().Unix())
	if v1 {
		return uid{uint32(max(service, 0)), now, m.start, m.countV1.Add(0x100) - 0x100}
	}
	count := m.count.Add(0x100) - 0x100
	if count < countFrom { // it ran over
		m.count.CompareAndSwap(count+0x100, countFrom+0x100)
		count = countFrom
	}
	first := address(r)
	if service != noService {
		first = bits.ReverseBytes32(uint32(service))
	}
	return uid{first, bits.ReverseBytes32(now), bits.ReverseBytes32(m.start), bits.ReverseBytes32(count)}
}

// address is the last four bytes of the server's address; 0 for a unix socket.
func address(r *http.Request) uint32 {
	local, err := r.LocalAddr()
	if err != nil || local.IsUnix() {
		return 0
	}
	bytes := local.Addr().AsSlice()
	return binary.LittleEndian.Uint32(bytes[len(bytes)-4:])
}
