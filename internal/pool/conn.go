package pool

import (
	"time"

	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls"
)

// A conn is a connection with a client or with a server, over TLS or without. It
// is to a client, a link and a bulkConn what poll.Conn is.
type conn struct {
	poll.Conn
	tls     *tls.Stream // nil: there is no TLS, or none yet
	writing bool        // a goroutine waits for room
}

// TryRead reads what is there.
func (c *conn) TryRead(b []byte) (int, error) {
	if c.tls != nil {
		return c.tls.TryRead(b)
	}
	return c.Conn.TryRead(b)
}

// Read waits until something is there.
func (c *conn) Read(b []byte) (int, error) {
	if c.tls != nil {
		return c.tls.Read(b)
	}
	return c.Conn.Read(b)
}

// TryWrite writes what there is room for. With poll.ErrAgain the rest is to be
// written by Write, even if it is nothing: records may wait to be sent.
func (c *conn) TryWrite(b []byte) (int, error) {
	if c.tls != nil {
		return c.tls.TryWrite(b)
	}
	return c.Conn.TryWrite(b)
}

// Write writes all of b.
func (c *conn) Write(b []byte) (int, error) {
	if c.tls != nil {
		return c.tls.Write(b)
	}
	return c.Conn.Write(b)
}

// Rest waits for more, unless something was read already that nobody has seen.
func (c *conn) Rest(deadline time.Duration) {
	if s := c.tls; s != nil {
		if s.Buffered() {
			c.ServeNow()
			return
		}
		if !c.writing {
			s.Rest()
		}
	}
	c.Conn.Rest(deadline)
}

// Close closes the connection; who is told so may not hear it.
func (c *conn) Close() error {
	if c.tls != nil {
		_ = c.tls.Close() // it cannot fail
		c.tls = nil
	}
	return c.Conn.Close()
}
