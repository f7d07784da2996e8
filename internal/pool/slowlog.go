package pool

import (
	"bytes"
	"fmt"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/internal/log"
)

// A note is what the slow log needs to know of a request whose bytes are gone.
// There are none in pools without a slow log.
type note struct {
	at   int64 // tick at which the request was there
	text []byte
	next *note // of the free ones
}

const (
	// maxNote is how much of a key is noted.
	maxNote = 64
	// maxSlow is how many slow requests a worker logs in a second.
	maxSlow = 100
)

// slowLog is what a worker has logged lately.
type slowLog struct {
	free   *note
	second int64 // since the reactor's beginning
	said   int
	unsaid int
}

// note returns the note for a request in b whose first key is key and that has
// so many keys; nil when there is no slow log. Needs w.mu.
func (c *client) note(b, key []byte, keys int) *note {
	if c.pool.slowlog == 0 {
		return nil
	}
	w := c.worker
	n := w.slow.free
	if n == nil {
		n = new(note)
	} else {
		w.slow.free = n.next
	}
	n.at, n.next = w.now, nil
	name := b[:max(bytes.IndexAny(b, " \r"), 0)] // memcached's
	if c.pool.conf.Redis {
		name = c.req.Arg(0).Of(b)
	}
	n.text = fmt.Appendf(n.text[:0], "\"%s\"", printable(bytes.ToUpper(name)))
	if len(key) > 0 {
		n.text = fmt.Appendf(n.text, " %q", key[:min(len(key), maxNote)])
	}
	if keys > 1 {
		n.text = fmt.Appendf(n.text, " and %d more", keys-1)
	}
	return n
}

// over is the end of a request that was noted, and answered by s or for the reason
// why not.
func (s *server) over(r *request, why string) {
	s.pool.over(r.note, "server "+s.conf.Name, r.client, why)
	r.note = nil
}

// over is the same for a request that was split.
func (s *split) over(c *client) {
	p, whom := s.parts[0].server.pool, "server "+s.parts[0].server.conf.Name
	if n := len(s.parts); n > 1 {
		whom = strconv.Itoa(n) + " servers"
	}
	p.over(s.whole.note, whom, c, s.failed)
	s.whole.note = nil
}

// over takes n back. whom is who was asked, c is nil when the client has gone, and
// failed is why there is an error instead of an answer. Needs w.mu.
func (p *livePool) over(n *note, whom string, c *client, failed string) {
	w := p.worker
	if took := w.now - n.at; took >= p.slowlog {
		text := fmt.Sprintf("slow request: %d ms, %s, %s of pool %s", took, n.text, whom, p.conf.Name)
		if failed != "" {
			text += ", failed: " + printable([]byte(failed))
		}
		w.slow.say(w, text+c.peer())
	}
	n.next, w.slow.free = w.slow.free, n
}

// say logs a sentence, unless there were many in this second.
func (s *slowLog) say(w *Worker, text string) {
	if second := w.now / 1000; second != s.second {
		if s.unsaid > 0 {
			w.main.logger.Logf(log.Warn, 0, "%d more slow requests", s.unsaid)
		}
		s.second, s.said, s.unsaid = second, 0, 0
	}
	if s.said >= maxSlow {
		s.unsaid++
		return
	}
	s.said++
	w.main.logger.Log(log.Warn, 0, text)
}

// peer is ", client: " and the address of a client, as far as it can be had.
func (c *client) peer() (text string) {
	if c == nil || c.closed {
		return ""
	}
	_ = c.FD(func(descriptor int) error { // without an address there is less to read
		sa, err := unix.Getpeername(descriptor)
		switch sa := sa.(type) {
		case *unix.SockaddrInet4:
			text = ", client: " + netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)).String()
		case *unix.SockaddrInet6:
			text = ", client: " + netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port)).String()
		}
		return err
	})
	return text
}
