package http

import (
	"time"

	"github.com/baton-project/baton/internal/poll"
)

// A Stall is what a handler can do while the client takes none of the answer.
type Stall interface {
	// Stalled returns true when the client may have room again, and false when
	// there is nothing to do but to wait for that.
	Stalled() bool
}

// SetStall has s called whenever the client is slow, until SetStall(nil). It is not
// called for clients that speak TLS.
func (r *Request) SetStall(s Stall) { r.stall = s }

// SendTimeout is the directive send_timeout.
func (r *Request) SendTimeout() time.Duration { return r.loc.conn.SendTimeout.V }

// writeStalling writes two buffers as far as the client takes them, with the help
// of the request's Stall, and returns what is left.
func (x *exchange) writeStalling(a, b []byte) (restA, restB []byte, err error) {
	for len(a)+len(b) > 0 {
		n, err := x.conn.Conn.TryWritev([][]byte{a, b})
		k := min(n, len(a))
		a, b = a[k:], b[n-k:]
		if err != nil && err != poll.ErrAgain {
			return a, b, err
		}
		if err == poll.ErrAgain && !x.req.stall.Stalled() {
			break
		}
	}
	return a, b, nil
}
