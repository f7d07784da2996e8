package fastcgi

import (
	"encoding/binary"
	"fmt"
)

// The types of records that are used here.
const (
	beginRequest = 1
	endRequest   = 3
	params       = 4
	stdin        = 5
	stdout       = 6
	stderr       = 7
)

const (
	version    = 1
	responder  = 1
	keepConn   = 1
	headerSize = 8
)

// MaxRecord is the most that one record can hold.
const MaxRecord = 65535

// PieceSize is the largest piece of a body that is put into one record.
const PieceSize = 32 << 10

// StdinSize is the size of the header of a piece of the body.
const StdinSize = headerSize

// zeros are padding.
var zeros [8]byte

// padding is how many bytes behind n make a multiple of 8.
func padding(n int) int { return -n & 7 }

func appendHeader(dst []byte, kind byte, n int) []byte {
	return append(dst, version, kind, 0, 1, byte(n>>8), byte(n), byte(padding(n)), 0)
}

// AppendBegin appends the record that opens a request. keep asks the application
// not to close the connection behind its answer.
func AppendBegin(dst []byte, keep bool) []byte {
	flags := byte(0)
	if keep {
		flags = keepConn
	}
	dst = appendHeader(dst, beginRequest, 8)
	return append(dst, 0, responder, flags, 0, 0, 0, 0, 0)
}

// OpenParams begins the parameters, and returns what CloseParams wants to be told.
func OpenParams(dst []byte) (_ []byte, mark int) {
	dst = appendHeader(dst, params, 0)
	return dst, len(dst)
}

// A SizeError says that the parameters do not fit into one record.
type SizeError int

// Error is nginx's sentence.
func (e SizeError) Error() string {
	return fmt.Sprintf("fastcgi request record is too big: %d", int(e))
}

// CloseParams ends the parameters that were appended behind mark, with the empty
// record that says so. The error is a SizeError.
func CloseParams(dst []byte, mark int) ([]byte, error) {
	n := len(dst) - mark
	if n > MaxRecord {
		return dst, SizeError(n)
	}
	pad := padding(n)
	binary.BigEndian.PutUint16(dst[mark-4:], uint16(n))
	dst[mark-2] = byte(pad)
	dst = append(dst, zeros[:pad]...)
	return appendHeader(dst, params, 0), nil
}

// AppendStdin appends the header of a piece of the body of n bytes, at most
// MaxRecord. The piece, and Padding(n), follow it. 0 ends the body.
func AppendStdin(dst []byte, n int) []byte { return appendHeader(dst, stdin, n) }

// Padding is what follows a piece of the body of n bytes. It is not to be written.
func Padding(n int) []byte { return zeros[:padding(n)] }

// Params frames parameters: before the name and the value stand their lengths, of
// one byte each, or four when it is more than 127. The value's length is known
// when it has been written, which moves the name and a long value by three bytes.
type Params struct{}

// Begin appends what stands before a name of n bytes.
func (Params) Begin(dst []byte, n int) []byte {
	if n > 127 {
		return append(binary.BigEndian.AppendUint32(dst, uint32(n)|1<<31), 0)
	}
	return append(dst, byte(n), 0)
}

// Between appends what stands between a name and its value: nothing.
func (Params) Between(dst []byte) []byte { return dst }

// End ends the parameter whose name begins at offset name, and value at offset
// value.
func (Params) End(dst []byte, name, value int) []byte {
	n := len(dst) - value
	if n <= 127 {
		dst[name-1] = byte(n)
		return dst
	}
	dst = append(dst, 0, 0, 0)
	copy(dst[name+3:], dst[name:len(dst)-3])
	binary.BigEndian.PutUint32(dst[name-1:], uint32(n)|1<<31)
	return dst
}
