package http

import (
	"errors"
	"io"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/wire/proxyproto"
)

// greet reads what comes on a connection before the first request: the header of
// the PROXY protocol, where "listen ... proxy_protocol" asks for one. What has
// come behind it stands in x.in, for whoever reads next. It reports false when
// the connection is at rest or closed, and x given back.
func (c *Conn) greet(x *exchange) bool {
	c.locate()
	if c.site.proxied && !c.introduced && !c.readProxied(x) {
		return false
	}
	if c.site.ssl && c.secured == nil && !c.shake(x) {
		return false
	}
	c.greeted = true
	return true
}

// readProxied reads the header as nginx does: it is there as a whole at the first
// read, or the connection is closed. client_header_timeout, from accept, bounds
// how long it and the first request take together.
func (c *Conn) readProxied(x *exchange) bool {
	n, err := len(x.in), error(nil) // what came with a Passage
	if n == 0 {
		n, err = c.TryRead(x.in[:min(cap(x.in), proxyproto.Max)])
	}
	if n == 0 {
		if errors.Is(err, poll.ErrAgain) {
			c.settle(x, c.restTime)
			return false
		}
		if errors.Is(err, io.EOF) {
			c.logf(log.Info, "client closed connection%s", readingProxied)
		} else {
			c.logf(log.Info, "recv() failed (%s)%s", log.ErrText(err), readingProxied)
		}
		c.leave(x)
		return false
	}
	header, size, err := proxyproto.Read(x.in[:n])
	if err != nil {
		var broken *proxyproto.Error
		if errors.As(err, &broken) && broken.Text != "" {
			c.logf(log.Error, "%s%s", broken.Text, readingProxied)
		}
		c.leave(x)
		return false
	}
	if header != nil && c.debug {
		c.debugf("PROXY protocol src: %s %d, dst: %s %d", header.Source, header.SourcePort, header.Destination, header.DestinationPort)
	}
	c.said, c.introduced = header, true
	x.in = x.in[:copy(x.in[:n], x.in[size:n])]
	x.firstByte = c.worker.reactor.Tick()
	return true
}

// leave closes a connection on which no request has begun.
func (c *Conn) leave(x *exchange) {
	x.leaveStats()
	c.worker.put(x)
	c.close(false)
}

// Proxied is what the header of the PROXY protocol has said about the client's
// connection; nil when there was none, or it said nothing.
func (r *Request) Proxied() *proxyproto.Header { return r.conn.said }
