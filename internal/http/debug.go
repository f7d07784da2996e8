package http

import (
	"net/netip"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
)

// The debug log follows a request in nginx's words. Nothing of it is written,
// and only Conn.debug is looked at, unless a log of the configuration has the
// debug level or debug_connection stands there.

// DebugClients are the clients whose connections are logged at the debug level,
// whatever the levels of the logs are (debug_connection).
type DebugClients struct {
	Networks []netip.Prefix
	Unix     bool
}

func (d *DebugClients) has(peer poll.Sockaddr) bool {
	if peer.IsUnix() {
		return d.Unix
	}
	for _, network := range d.Networks {
		if network.Contains(peer.Addr()) {
			return true
		}
	}
	return false
}

// setDebug decides what is logged of a connection that was just accepted.
func (c *Conn) setDebug() {
	m := c.worker.main
	c.debugged = m.env.DebugClients.has(c.peer)
	c.debug = m.debug || c.debugged
}

// logger is l as the connection sees it.
func (c *Conn) logger(l *log.Logger) *log.Logger {
	if c.debugged {
		return l.AtDebug()
	}
	return l
}

// debugf writes a debug line that belongs to no request. Callers look at c.debug
// first.
func (c *Conn) debugf(format string, args ...any) {
	c.logger(c.site.server.whole.logger).Logf(log.Debug, c.number, format, args...)
}

// debugAccept writes who came.
func (c *Conn) debugAccept(descriptor int) {
	peer := "unix:"
	if !c.peer.IsUnix() {
		peer = netip.AddrPortFrom(c.peer.Addr(), uint16(c.peer.Port())).String()
	}
	c.debugf("accept: %s fd:%d", peer, descriptor)
}

// debugServe writes why the connection woke up.
func (c *Conn) debugServe() {
	if c.idle {
		c.debugf("http keepalive handler")
		return
	}
	c.debugf("http wait request handler")
}

// descriptor is the number of the socket, for logs.
func (c *Conn) descriptor() (n int) {
	_ = c.FD(func(descriptor int) error {
		n = descriptor
		return nil
	})
	return n
}

// Debugging reports whether debug lines of the request are written: ask before
// [Request.Logf], as its arguments cost something.
func (r *Request) Debugging() bool { return r.conn.debug && r.LogEnabled(log.Debug) }

// debugLine writes what was read of the request line.
func (r *Request) debugLine() {
	r.Logf(log.Debug, `http request line: "%s"`, r.RequestLine())
	r.Logf(log.Debug, "http process request header line")
}

// debugHead writes what was read of the head.
func (r *Request) debugHead() {
	for i := range r.Head.Headers {
		line := &r.Head.Headers[i]
		r.Logf(log.Debug, `http header: "%s: %s"`, line.Name.View(r.head), line.Value.View(r.head))
	}
	r.Logf(log.Debug, "http header done")
	r.Logf(log.Debug, `http uri: "%s"`, r.URI)
	r.Logf(log.Debug, `http args: "%s"`, r.Args)
	r.Logf(log.Debug, `http exten: "%s"`, r.Exten)
}

// debugLocation writes which location was chosen.
func (r *Request) debugLocation(l *Location) {
	mark := ""
	switch l.kind {
	case exactLocation:
		mark = "="
	case regexLocation:
		mark = "~ "
	case namelessLocation:
		mark = "*"
	}
	r.Logf(log.Debug, `using configuration "%s%s"`, mark, l.text)
	r.Logf(log.Debug, "http cl:%d max:%d", r.Head.ContentLength, l.bodies.MaxSize.V)
}

var phaseNames = [phaseCount]string{
	PostRead: "post read", ServerRewrite: "server rewrite", Rewrite: "rewrite", Preaccess: "preaccess",
	Access: "access", Precontent: "precontent", Content: "content", Log: "log",
}

// debugPhase writes what the n-th handler of a phase said.
func (r *Request) debugPhase(p Phase, n int, rc Result) {
	switch {
	case rc == Declined:
		r.Logf(log.Debug, "%s phase: %d", phaseNames[p], n)
	case rc > 0:
		r.Logf(log.Debug, "%s phase: %d, status %d", phaseNames[p], n, rc)
	default:
		r.Logf(log.Debug, "%s phase: %d, done", phaseNames[p], n)
	}
}

// debugFile writes which file was opened.
func (r *Request) debugFile(path string, descriptor int) {
	r.Logf(log.Debug, `http filename: "%s"`, path)
	r.Logf(log.Debug, "http static fd: %d", descriptor)
}

// debugEnd writes what became of the request.
func (r *Request) debugEnd() {
	r.Logf(log.Debug, `http finalize request: %d, "%s?%s"`, r.Status(), r.URI, r.Args)
}
