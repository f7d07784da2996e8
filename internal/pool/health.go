package pool

import (
	"errors"
	"time"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/wire/resp"
)

// A server that was ejected comes back when its time is over and it has answered
// a question. All workers know of it by its line in shared memory, and whoever is
// the first to see that a check is due makes it.

// checkBound is how long a check may take when the pool has no timeout.
const checkBound = 5 * time.Second

// checked reports whether ejected servers of the pool are looked at before they
// come back.
func (p *livePool) checked() bool { return p.conf.AutoEjectHosts && p.conf.HealthCheck > 0 }

// watch makes checks that are due, and sees to it that it is called when the next
// one is. Needs the worker's mutex.
func (p *livePool) watch() {
	w := p.worker
	if !p.checked() || w.draining.Load() || w.ended {
		return
	}
	now := w.reactor.Now().UnixMilli()
	for _, s := range p.servers {
		if !s.board.isDown() {
			continue
		}
		at := s.board.checkAt()
		if at <= now {
			next := now + max(p.conf.HealthCheck.Milliseconds(), 1)
			if s.board.takeCheck(at, next) {
				go s.examine()
			}
			at = next
		}
		w.due(w.now + at - now)
	}
}

// examine asks the server, and lets it come back when it answers.
func (s *server) examine() {
	err := s.ask()
	p := s.pool
	w := p.worker
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended || err != nil || !s.board.isDown() {
		return
	}
	s.board.revive()
	p.board.line.generation.Add(1)
	w.main.logger.Logf(log.Notice, 0, "server %s of pool %s is back", s.conf.Name, p.conf.Name)
	w.flushLater()
}

// errAnswer says that a server has answered, and not well.
var errAnswer = errors.New("server is not ready")

// ask opens a connection, and wants an answer to a harmless question over it.
func (s *server) ask() error {
	p := s.pool
	bound := p.conf.Timeout
	if bound == 0 || bound > checkBound {
		bound = checkBound
	}
	c := &probe{}
	if err := s.dialWithin(&c.conn, c, bound); err != nil {
		return err
	}
	defer c.Close()
	c.SetReadTimeout(bound)
	c.SetWriteTimeout(bound)
	question, replies := "version\r\n", 1
	if p.conf.Redis {
		question = ""
		for _, word := range s.greeting(false) {
			question += word
			replies++
		}
		question += "*1\r\n$4\r\nPING\r\n"
	}
	if _, err := c.Write([]byte(question)); err != nil {
		return err
	}
	var b [1 << 10]byte
	n := 0
	for {
		m, err := c.Read(b[n:])
		if err != nil {
			return err
		}
		n += m
		lines, last := lastLine(b[:n])
		switch {
		case lines < replies && n < len(b):
		case lines != replies, p.conf.Redis && !ready(last), !p.conf.Redis && string(last[:min(len(last), 8)]) != "VERSION ":
			return errAnswer
		default:
			return nil
		}
	}
}

// ready reports whether a reply to PING is from a server that works. One that
// does not let us in answers all requests so; that is not for its being away.
func ready(line []byte) bool {
	return len(line) > 0 && (line[0] == '+' || line[0] == '-' && !resp.Transient(line) && !resp.Down(line))
}

// lastLine counts the complete lines of b, and returns the last one.
func lastLine(b []byte) (lines int, last []byte) {
	begin := 0
	for i, c := range b {
		if c == '\n' {
			lines++
			last, begin = b[begin:i+1], i+1
		}
	}
	return lines, last
}

// A probe is a connection of a check. It is never at rest.
type probe struct{ conn }

// Serve is for the reactor.
func (c *probe) Serve(*poll.Conn) { _ = c.Close() }

// Expire is for the reactor.
func (c *probe) Expire(*poll.Conn) { _ = c.Close() }
