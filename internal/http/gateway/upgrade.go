package gateway

import (
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls"
)

// upgrade makes the two connections a tunnel.
func (x *Exchange) upgrade() http.Result {
	r := x.Request
	if r.SendHeader() != nil {
		return http.Done
	}
	if rest := x.head[x.start:]; len(rest) > 0 {
		if r.Write(rest) != nil {
			return http.Done
		}
	}
	if err := x.passBuffered(); err != nil {
		return http.Done
	}
	x.unwatch()
	x.conn.Wake(nil)
	x.tunnel = &tunnel{x: x, pass: x.Pass}
	t := &http.Tunnel{
		To:     poll.End{Conn: &x.conn.Conn, Timeout: x.Pass.Settings.ReadTimeout.V},
		Holder: x.tunnel,
	}
	if s, secure := x.up.(*tls.Stream); secure {
		t.To.Stream, t.Stays = s, !s.Movable()
	}
	x.conn.SetWriteTimeout(x.Pass.Settings.SendTimeout.V)
	rc := r.Hold(t)
	if rc != http.Held {
		x.tunnel = nil
	}
	return rc
}
