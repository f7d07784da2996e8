package http

import (
	"io"
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
