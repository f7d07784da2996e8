// Package scgi writes requests of the Simple Common Gateway Interface: one
// netstring of names and values, each ended by a zero byte, and then the body. What
// comes back is the head of a CGI or HTTP response and has no framing.
//
// The protocol: https://python.ca/scgi/protocol.txt
package scgi

import "strconv"

// reserve is the room for the netstring's length and its colon.
const reserve = 20 + 1

// Open begins a request with a body of length bytes, which every request says
// first. Behind it [Params] frames the parameters. mark is for Close.
func Open(dst []byte, length int64) (_ []byte, mark int) {
	var room [reserve]byte
	dst = append(dst, room[:]...)
	mark = len(dst)
	dst = append(dst, "CONTENT_LENGTH\x00"...)
	dst = strconv.AppendInt(dst, length, 10)
	return append(dst, 0), mark
}

// Close ends the parameters. As the length stands before them and was not known,
// the request does not begin where dst ended before Open: it is request.
func Close(dst []byte, mark int) (_ []byte, request []byte) {
	n := len(dst) - mark
	start := mark - 1
	dst[start] = ':'
	for {
		start--
		dst[start] = byte('0' + n%10)
		if n /= 10; n == 0 {
			break
		}
	}
	dst = append(dst, ',')
	return dst, dst[start:]
}

// Params frames parameters.
type Params struct{}

// Begin appends what stands before a name: nothing.
func (Params) Begin(dst []byte, _ int) []byte { return dst }

// Between appends what stands between a name and its value.
func (Params) Between(dst []byte) []byte { return append(dst, 0) }

// End ends a parameter.
func (Params) End(dst []byte, _, _ int) []byte { return append(dst, 0) }
