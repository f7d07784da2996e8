package proxy

import (
	"errors"
	"io"
	"time"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/stream"
	core "github.com/baton-project/baton/internal/upstream"
	"golang.org/x/sys/unix"
)

// The ends of the tunnel.
const (
	client = iota
	server
)

// dig leaves the session to a tunnel.
func (r *relay) dig() stream.Result {
	s, t := r.s, &r.tunnel
	r.tie(t)
	if r.session.AtOnce() && r.session.Metric() == core.TimeToFirst {
		t.First = r.first
	}
	t.Pending[client] = s.TakeAhead()
	if over := s.Stream(); over != nil {
		t.Pending[client] = drained(over, t.Pending[client])
	}
	if r.bytes != nil {
		t.Pending[server] = drained(r.bytes, nil)
	}
	r.conn.SetReadTimeout(0)
	s.Awaits(nil)
	return s.Relay(t, r)
}

// tie makes the two connections the ends of a tunnel.
func (r *relay) tie(t *poll.Tunnel) {
	timeout := r.conf.Timeout.V
	piece := int(r.conf.BufferSize.V)
	t.Ends[client] = poll.End{Conn: &r.s.Conn, Timeout: timeout, Rate: r.rate(r.upload), Piece: piece}
	t.Ends[server] = poll.End{Conn: &r.conn.Conn, Timeout: timeout, Rate: r.rate(r.download), Piece: piece}
	if over := r.s.Stream(); over != nil {
		t.Ends[client].Stream = over
	}
	if r.bytes != nil {
		t.Ends[server].Stream = r.bytes
	}
	t.HalfClose = r.conf.HalfClose.V
	r.Thawed()
}

// Thawed gives the connections the timeouts that they have in a tunnel.
func (r *relay) Thawed() {
	r.s.SetWriteTimeout(r.conf.Timeout.V)
	r.conn.SetWriteTimeout(r.conf.Timeout.V)
}

// drained appends to dst what TLS has read already, as a tunnel waits for what
// comes from the socket.
func drained(from poll.Stream, dst []byte) []byte {
	var room [4096]byte
	for {
		n, err := from.TryRead(room[:])
		dst = append(dst, room[:n]...)
		if err != nil || n == 0 {
			return dst // the tunnel will see the error again
		}
	}
}

// first lets the group know that the upstream has begun to talk.
func (r *relay) first(t *poll.Tunnel, side int) {
	if side == server {
		r.session.Took(time.Duration(t.FirstAt(server)-r.began) * time.Millisecond)
	}
}

// Ended is called when the tunnel has ended.
func (r *relay) Ended(why poll.Ending) {
	r.noteFirst()
	if why.Side == server && !why.Writing && !stream.Interrupted(why.Err) && r.state().FirstByteTime < 0 {
		r.firstByte(r.s.Tick()) // its end is the first that was heard of it
	}
	r.conclude(why)
}

// noteFirst notes when the upstream began to talk, if that is not known yet.
func (r *relay) noteFirst() {
	if at := r.tunnel.FirstAt(server); at > 0 && r.state().FirstByteTime < 0 {
		r.firstByte(at)
	}
}

// firstByte notes when the upstream began to talk.
func (r *relay) firstByte(tick int64) {
	r.state().FirstByteTime = tick - r.began
	if r.metric() == core.TimeToFirst {
		r.session.Took(time.Duration(tick-r.began) * time.Millisecond)
	}
}

// metric is which time the group wants to know. A session that has moved may have
// none.
func (r *relay) metric() core.Metric {
	if r.session.Group() == nil {
		return core.NoMetric
	}
	return r.session.Metric()
}

// conclude logs how the session has ended, and ends it.
func (r *relay) conclude(why poll.Ending) {
	s := r.s
	switch {
	case errors.Is(why.Err, stream.ErrShutdown):
		s.Logf(log.Info, "shutdown timeout")
	case errors.Is(why.Err, poll.ErrTimeout):
		s.LogErr(log.Info, unix.ETIMEDOUT, "connection timed out")
	case why.Writing:
		r.logBroken(why, sendingClient, sendingUpstream, "send")
	default:
		if !errors.Is(why.Err, io.EOF) {
			r.logBroken(why, readingClient, readingUpstream, "recv")
		}
		who := "client"
		if why.Side == server {
			who = "upstream"
		}
		if s.LogEnabled(log.Info) {
			s.LogPlain(log.Info, "%s disconnected%s", who, r.appendBytes(nil))
		}
	}
	if r.metric() == core.TimeToLast {
		r.session.Took(time.Duration(s.Tick()-r.began) * time.Millisecond)
	}
	r.end()
	s.Finalize(stream.StatusOK)
}

// logBroken logs an error of one of the two sockets.
func (r *relay) logBroken(why poll.Ending, ofClient, ofServer, call string) {
	level, doing := log.Info, ofClient
	if why.Side == server {
		level, doing = log.Error, ofServer
	}
	var errno unix.Errno
	if !errors.As(why.Err, &errno) {
		return
	}
	if !core.Expected(errno) {
		level = log.Alert
	}
	r.s.Doing(doing)
	r.s.LogErr(level, errno, "%s() failed", call)
}
