package http

import (
	"io"
	"slices"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
)

// LimitRate is what $limit_rate was set to for this request, in bytes per second;
// given is false when it was not.
func (r *Request) LimitRate() (rate int64, given bool) { return r.limitRate.V, r.limitRate.IsSet() }

// SetLimitRate sets $limit_rate: a size, as in the directive.
func (r *Request) SetLimitRate(size string) {
	n, err := conf.ParseSize(size)
	if err != nil {
		r.Logf(log.Error, `invalid $limit_rate "%s"`, size)
		return
	}
	r.limitRate = conf.Setting[int64]{}
	_ = r.limitRate.Set(n) // it was cleared just before
}

// A Pacer lets an answer through no faster than it may go.
type Pacer interface {
	// Pieces sends n bytes by calls of send, which is to send the next so many.
	Pieces(n int64, send func(n int64) error) error
}

// PaceHead has p set the pace of the head as well, where the protocol knows of such
// a thing. It is called by a filter of the head.
func (r *Request) PaceHead(p Pacer) { r.pacer = p }

// paceHead sends the head, which begins at x.out[before], piece by piece. The last
// one stays in the buffer, and counts when it is on its way with what follows.
func (x *exchange) paceHead(before int) error {
	head := x.out[before:]
	x.out = x.out[:before]
	left := x.req.headSize
	err := x.req.pacer.Pieces(int64(len(head)), func(n int64) error {
		x.out = append(x.out, head[:n]...)
		if head = head[n:]; len(head) == 0 {
			return nil
		}
		head = slices.Clone(head) // the buffer's memory is used again
		x.req.sent, left = x.req.sent+n, left-n
		return x.flush()
	})
	x.req.sent += left
	return err
}

// Pause holds the answer back for d while others are served. What is in the
// connection's buffer is sent before. An error means that the exchange is broken,
// or the client has closed its side: as in nginx, that ends the answer.
func (r *Request) Pause(d time.Duration) error {
	if err := r.wire.Flush(); err != nil {
		return err
	}
	err := r.conn.Sleep(d)
	if err == io.EOF {
		r.Logf(log.Info, "client prematurely closed connection")
	}
	return err
}
