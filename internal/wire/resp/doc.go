// Package resp is the protocol of Redis (RESP2, and replies in RESP3) as a proxy needs it: where a
// request or a reply ends, which command it is, and where its keys are. There is
// no socket in sight, nothing is copied and nothing allocated.
//
// https://redis.io/docs/latest/develop/reference/protocol-spec/
package resp

import "errors"

// MaxBulk is the longest bulk string in bytes, and MaxArgs the largest number of
// arguments. What does not fit is refused and never wrapped.
const (
	MaxBulk = 1<<32 - 1
	MaxArgs = 1<<31 - 1
)

// maxDigits is how long a length may be written.
const maxDigits = 32

// Errors of framing: whoever sent it cannot be followed any further. The texts
// are those of Redis.
var (
	ErrInline  = errors.New("expected '*'")
	ErrCount   = errors.New("invalid multibulk length")
	ErrDollar  = errors.New("expected '$'")
	ErrLength  = errors.New("invalid bulk length")
	ErrEnd     = errors.New("bulk string does not end with CRLF")
	ErrReply   = errors.New("invalid reply")
	ErrTooDeep = errors.New("reply has too many elements")
)

// number reads the digits of b up to the CRLF. n is the number of bytes with
// the CRLF, 0 when it is not there yet. ok is false when it is not a number that
// is at most bound. Redis refuses leading zeros and closes the connection, which
// others use too.
func number(b []byte, bound int64) (v int64, n int, ok bool) {
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9' && i < maxDigits && (i == 0 || b[0] != '0'):
			if v = v*10 + int64(c-'0'); v > bound {
				return 0, 0, false
			}
		case c == '\r' && i > 0:
			if i+1 == len(b) {
				return v, 0, true
			}
			return v, i + 2, b[i+1] == '\n'
		default:
			return 0, 0, false
		}
	}
	return v, 0, true
}
