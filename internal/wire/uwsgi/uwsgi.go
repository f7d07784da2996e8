// Package uwsgi writes requests of the uwsgi protocol: a packet of names and
// values behind their lengths, and then the body. What comes back is the head of
// a CGI or HTTP response and has no framing.
//
// The protocol: https://uwsgi-docs.readthedocs.io/en/latest/Protocol.html
package uwsgi

import (
	"encoding/binary"
	"fmt"
)

const maxPacket = 65535

// Open begins a packet. Behind it [Params] frames the parameters. mark is for
// Close.
func Open(dst []byte, modifier1, modifier2 byte) (_ []byte, mark int) {
	dst = append(dst, modifier1, 0, 0, modifier2)
	return dst, len(dst)
}

// A SizeError says that the parameters do not fit into a packet.
type SizeError int

// Error is nginx's sentence.
func (e SizeError) Error() string { return fmt.Sprintf("uwsgi request is too big: %d", int(e)) }

// Close ends the parameters. The error is a SizeError.
func Close(dst []byte, mark int) ([]byte, error) {
	n := len(dst) - mark
	if n > maxPacket {
		return dst, SizeError(n)
	}
	binary.LittleEndian.PutUint16(dst[mark-3:], uint16(n))
	return dst, nil
}

// Params frames parameters. Lengths of more than 16 bits make a packet that Close
// refuses.
type Params struct{}

// Begin appends what stands before a name of n bytes.
func (Params) Begin(dst []byte, n int) []byte {
	return binary.LittleEndian.AppendUint16(dst, uint16(n))
}

// Between appends what stands between a name and its value.
func (Params) Between(dst []byte) []byte { return append(dst, 0, 0) }

// End ends the parameter whose value begins at offset value.
func (Params) End(dst []byte, _, value int) []byte {
	binary.LittleEndian.PutUint16(dst[value-2:], uint16(len(dst)-value))
	return dst
}
