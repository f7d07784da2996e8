package http

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
)

// A Tunnel is what becomes of a client's connection whose request was answered
// with 101, or 200 to CONNECT: bytes go to and fro between it and another one
// until one of them ends. Meanwhile there is no goroutine and there are no
// buffers. The request ends, and is logged, with the tunnel.
type Tunnel struct {
	// To is the other end, which is the holder's again when Ended is called.
	To poll.End
	// Holder is who has made the tunnel.
	Holder TunnelHolder
	// Stays: the tunnel cannot move to another worker.
	Stays bool

	poll poll.Tunnel
	conn *Conn
	// before is how many bytes of the client's the other end got before the tunnel
	// began: they had come with the request.
	before int64
	x      *exchange     // nil while the tunnel is at rest
	rest   restingTunnel // what is kept then
}

// A TunnelHolder knows the other end of a tunnel. Between Park and Resume, which
// is most of the time, the request's memory is used for others.
type TunnelHolder interface {
	// Park is called when the tunnel begins. What the holder has of the request,
	// and of what it has given it, is not there any more when Park has returned.
	Park()
	// Resume is called when the tunnel has ended: r is the request again.
	Resume(r *Request)
	// Ended is told how many bytes the client and the other end have sent. It
	// runs before the request is logged, on any goroutine.
	Ended(fromClient, fromOther int64)
	// Freeze is called instead of Ended when the tunnel moves to another worker:
	// To.Conn is closed without its socket, and the result goes to the
	// TunnelOwner there.
	Freeze(fromClient, fromOther int64) []byte
}

// Hold makes a tunnel of the client's connection. The head of the answer must have
// been sent. The handler returns what Hold returns, and does not touch r any more.
func (r *Request) Hold(t *Tunnel) Result {
	x, ok := r.wire.(*exchange)
	if !ok {
		r.Logf(log.Error, "connection upgrade in subrequest")
		return StatusClientClosed
	}
	r.keepAlive = false
	if x.flush() != nil {
		return Done
	}
	for x.conn.buffered() {
		x.makeRoom(len(x.in) + copySize)
		n, err := x.conn.TryRead(x.in[len(x.in):cap(x.in)])
		if err != nil {
			break // the tunnel will see it again
		}
		x.in = x.in[:len(x.in)+n]
	}
	if rest := x.in[x.at:]; len(rest) > 0 {
		write := t.To.Conn.Write
		if t.To.Stream != nil {
			write = t.To.Stream.Write
		}
		n, err := write(rest)
		x.at = len(x.in)
		r.received += int64(n)
		t.before = int64(n)
		if err != nil {
			r.LogErr(log.Info, err, "send() failed")
			return Done
		}
	}
	t.conn, t.x, r.tunnel = x.conn, x, t
	return Held
}

// Held is what Hold returns when it went well: the goroutine is done with the
// request, which goes on.
const Held Result = -4

// start begins the tunnel of a request that was held.
func (w *Worker) start(t *Tunnel) {
	c := t.conn
	moves := c.departs()
	c.SetWriteTimeout(t.x.req.loc.conn.SendTimeout.V)
	t.poll.Ends = [2]poll.End{{Conn: &c.Conn}, t.To}
	if c.secured != nil {
		t.poll.Ends[0].Stream = c.secured.stream
	}
	t.poll.Done = t.done
	t.park()
	w.mu.Lock()
	if w.tunnels == nil {
		w.tunnels = make(map[*Tunnel]struct{})
	}
	w.tunnels[t] = struct{}{}
	w.mu.Unlock()
	t.poll.Start()
	if !t.Stays && w.draining.Load() && moves {
		t.poll.Stop(errFrozen)
	}
}

// done ends the request.
func (t *Tunnel) done(_ *poll.Tunnel, why poll.Ending) {
	c := t.conn
	w := c.worker
	w.mu.Lock()
	delete(w.tunnels, t)
	w.mu.Unlock()
	x := t.resume()
	r := &x.req
	defer c.guard(x)
	c.SetHandler(c)
	if why.Err == errFrozen {
		t.freeze()
		return
	}
	t.log(r, why)
	fromClient, fromOther := t.poll.Moved(0), t.poll.Moved(1)
	r.received += fromClient
	r.sent += fromOther
	t.Holder.Ended(t.before+fromClient, fromOther)
	var errno unix.Errno
	r.finished = why.Err == io.EOF || !why.Writing && errors.As(why.Err, &errno)
	c.finish(x, false)
}

// log tells of an end that is none of the usual ones.
func (t *Tunnel) log(r *Request, why poll.Ending) {
	r.conn.doing = " while proxying upgraded connection"
	if why.Err == poll.ErrTimeout {
		who := "upstream"
		if why.Side == 0 || why.Writing && why.Side == 0 {
			who, r.timedOut = "client", true
		}
		r.Logf(log.Info, "%s timed out (110: Connection timed out)", who)
	}
	r.conn.doing = ""
}

// stopTunnels ends all tunnels of a worker that must not wait any longer.
func (w *Worker) stopTunnels() {
	w.mu.Lock()
	all := make([]*Tunnel, 0, len(w.tunnels))
	for t := range w.tunnels {
		all = append(all, t)
	}
	w.mu.Unlock()
	for _, t := range all {
		t.poll.Stop(errDraining)
	}
}
