package pool

import (
	"strconv"

	"github.com/baton-project/baton/internal/pool/hashkit"
	"github.com/baton-project/baton/internal/pool/nutcracker"
)

// A livePool is a pool as one worker serves it. The worker's mutex guards it.
type livePool struct {
	worker  *Worker
	conf    *nutcracker.Pool
	servers []*server
	timeout int64  // ms; 0: none
	slowlog int64  // ms; 0: there is none
	address string // where clients come
	board   *board

	security *security

	ring       *hashkit.Ring
	generation int64 // of the ejections that ring has seen
	revival    int64 // ms since 1970 at which an ejected server comes back; 0: none
}

func newLivePool(w *Worker, entry *Pool) *livePool {
	conf := entry.Conf
	p := &livePool{worker: w, conf: conf, timeout: conf.Timeout.Milliseconds(),
		slowlog: conf.Slowlog.Milliseconds(), board: entry.newBoard(),
		address: w.main.addressOf(entry), security: &entry.security}
	for i := range conf.Servers {
		p.servers = append(p.servers, &server{
			pool: p, conf: &conf.Servers[i], index: i, board: p.board.servers[i],
			links: make([]*link, conf.ServerConnections*versions(conf)),
		})
	}
	p.rebuild()
	return p
}

// preconnect opens a connection to each server, and ignores failures.
func (p *livePool) preconnect() {
	if !p.conf.Preconnect {
		return
	}
	for _, s := range p.servers {
		s.open(0)
	}
}

func (p *livePool) close() {
	for _, s := range p.servers {
		for _, l := range s.all() {
			l.retire()
		}
		s.bulks.close()
	}
	p.board.leave()
}

// rebuild makes the ring of the servers that are not ejected.
func (p *livePool) rebuild() {
	p.generation = p.board.generation()
	p.revival = 0
	now := p.worker.reactor.Now().UnixMilli()
	p.ring = hashkit.NewRing(p.conf.Distribution, p.conf.Ring(), func(i int) bool {
		b := p.board.servers[i]
		until := b.ejectedUntil()
		if p.checked() && b.isDown() {
			return false
		}
		if !p.conf.AutoEjectHosts || until <= now {
			return true
		}
		if p.revival == 0 || until < p.revival {
			p.revival = until
		}
		return false
	})
	p.watch()
}

// route finds the server of a key; nil when all are ejected.
func (p *livePool) route(key []byte) *server {
	if p.conf.AutoEjectHosts && (p.generation != p.board.generation() ||
		p.revival != 0 && p.worker.reactor.Now().UnixMilli() >= p.revival) {
		p.rebuild()
	}
	if len(p.servers) == 1 {
		if p.conf.AutoEjectHosts && p.ring.Server(0) < 0 {
			return nil
		}
		return p.servers[0]
	}
	var hash uint32
	if len(key) > 0 {
		hash = p.conf.Hash(hashkit.Tagged(key, p.conf.HashTag))
	}
	if i := p.ring.Server(hash); i >= 0 {
		return p.servers[i]
	}
	return nil
}

// refused is what clients get when nobody is there to ask.
const refused = "Connection refused"

// errorReply is an error in the words of the protocol.
func (p *livePool) errorReply(why string) string {
	if p.conf.Redis {
		return "-ERR " + why + "\r\n"
	}
	return "SERVER_ERROR " + why + "\r\n"
}

// forward passes a request on to the server of key.
func (c *client) forward(key, b []byte) {
	s := c.pool.route(key)
	if s == nil {
		c.pool.board.pool.forwardError++
		c.answer(c.pool.errorReply(refused))
		return
	}
	l := s.link(c)
	l.out = append(l.bytes(), b...)
	r := c.worker.request()
	r.client, r.note = c, c.note(b, key, 1)
	c.push(r)
	l.send(r, len(b))
	l.full(c)
}

func appendInt(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }
