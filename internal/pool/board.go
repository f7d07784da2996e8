package pool

import (
	"hash/fnv"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/baton-project/baton/internal/pool/nutcracker"
	"github.com/baton-project/baton/internal/zone"
)

// What is known of a pool by all workers together is in a zone of lines: the
// first one is the pool's, and each server has two, found by its name, so that a
// server keeps them when others come and go. A worker adds what it has counted at
// the end of each turn.

// poolLine is the pool's line.
type poolLine struct {
	generation atomic.Int64 // of the ejections
	sums       [7]atomic.Int64
}

// serverLine are the lines of a server.
type serverLine struct {
	id        atomic.Uint64 // digest of the name; 0: nobody's
	failures  atomic.Int64  // one after the other
	until     atomic.Int64  // ejected until then, ms since 1970
	ejectedAt atomic.Int64  // us since 1970
	down      atomic.Int64  // 1: ejected until a check succeeds
	checkAt   atomic.Int64  // when it is due, ms since 1970
	sums      [10]atomic.Int64
}

var (
	_ [zone.LineSize]byte     = [unsafe.Sizeof(poolLine{})]byte{}
	_ [2 * zone.LineSize]byte = [unsafe.Sizeof(serverLine{})]byte{}
)

// poolCounts are counted by one worker; the names are those of the statistics.
type poolCounts struct {
	clientEOF, clientErr, _, serverEjects, forwardError int64
}

// A board is what one worker knows of a pool's counters.
type board struct {
	line    *poolLine
	pool    poolCounts // not published yet
	open    int64      // clients of this worker
	servers []*serverBoard
}

// A serverBoard is the same for a server.
type serverBoard struct {
	line *serverLine
	counts
	told counts // what was published
}

// counts are those of a server.
type counts struct {
	eof, err, timedout, connections, requests, requestBytes, responses, responseBytes int64
}

func (c *counts) all() [8]int64 {
	return [8]int64{c.eof, c.err, c.timedout, c.connections, c.requests, c.requestBytes, c.responses, c.responseBytes}
}

// newBoard finds the lines of a pool, and makes those of new servers. Without
// memory that is shared the worker counts alone.
func (e *Pool) newBoard() *board {
	b := &board{line: new(poolLine)}
	shared := e.zone.Mapped()
	if shared {
		e.zone.Lock()
		defer e.zone.Unlock()
		b.line = (*poolLine)(e.zone.Line(0))
	}
	for i := range e.Conf.Servers {
		line := new(serverLine)
		if shared {
			line = e.claim(&e.Conf.Servers[i])
		}
		b.servers = append(b.servers, &serverBoard{line: line})
	}
	return b
}

// at is the lines of a server by their number.
func (e *Pool) at(i int) *serverLine { return (*serverLine)(e.zone.Line(1 + 2*i)) }

// digest is what the lines of a server are found by.
func digest(s *nutcracker.Server) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s.Name)) // it never fails
	return h.Sum64() | 1
}

// find finds the lines of a server; nil when it has none.
func (e *Pool) find(s *nutcracker.Server) *serverLine {
	id := digest(s)
	for n := range nutcracker.MaxServers {
		line := e.at((int(id>>1) + n) % nutcracker.MaxServers)
		switch line.id.Load() {
		case id:
			return line
		case 0:
			return nil
		}
	}
	return nil
}

// claim finds the lines of a server, or makes them. Needs the zone's lock.
func (e *Pool) claim(s *nutcracker.Server) *serverLine {
	if line := e.find(s); line != nil {
		return line
	}
	id := digest(s)
	for range 2 {
		for n := range nutcracker.MaxServers {
			if line := e.at((int(id>>1) + n) % nutcracker.MaxServers); line.id.CompareAndSwap(0, id) {
				return line
			}
		}
		// There were that many servers in the course of time: all begin anew.
		for i := range nutcracker.MaxServers {
			e.at(i).id.Store(0)
		}
	}
	return new(serverLine)
}

// client counts one more client, or one less.
func (b *board) client(n int64) {
	b.open += n
	b.line.sums[2].Add(n)
	if n > 0 {
		b.line.sums[5].Add(n)
	}
}

// clients are those of all workers.
func (b *board) clients() int64 { return b.line.sums[2].Load() }

// publish adds what was counted since.
func (b *board) publish() {
	if p := &b.pool; *p != (poolCounts{}) {
		for i, n := range [...]int64{p.clientEOF, p.clientErr, 0, p.serverEjects, p.forwardError} {
			if n != 0 {
				b.line.sums[i].Add(n)
			}
		}
		*p = poolCounts{}
	}
	for _, s := range b.servers {
		if s.counts == s.told {
			continue
		}
		now, told := s.counts.all(), s.told.all()
		for i, n := range now {
			if n != told[i] {
				s.line.sums[i].Add(n - told[i])
			}
		}
		s.told = s.counts
	}
}

// leave takes what was open out of the sums.
func (b *board) leave() {
	b.publish()
	b.line.sums[2].Add(-b.open)
	b.open = 0
}

func (b *board) generation() int64 { return b.line.generation.Load() }

// ejected tells all workers that a server was ejected.
func (b *board) ejected() {
	b.pool.serverEjects++
	b.line.generation.Add(1)
}

// connection counts a connection more or less.
func (s *serverBoard) connection(n int64) { s.connections += n }

// ejectedUntil is in ms since 1970.
func (s *serverBoard) ejectedUntil() int64 { return s.line.until.Load() }

// well notes a good reply.
func (s *serverBoard) well() {
	if s.line.failures.Load() != 0 {
		s.line.failures.Store(0)
	}
}

// failed counts a failure, and ejects the server when there were too many: for a
// time, and then until a check succeeds if servers are checked.
func (s *serverBoard) failed(limit int, retry time.Duration, checked bool) (ejected bool) {
	if s.line.failures.Add(1) < int64(limit) {
		return false
	}
	now := time.Now()
	s.line.failures.Store(0)
	until := now.Add(retry).UnixMilli()
	s.line.until.Store(until)
	s.line.ejectedAt.Store(now.UnixMicro())
	if checked {
		s.line.checkAt.Store(until)
		s.line.down.Store(1)
	}
	return true
}

// isDown reports whether the server is ejected until a check succeeds.
func (s *serverBoard) isDown() bool { return s.line.down.Load() != 0 }

func (s *serverBoard) checkAt() int64 { return s.line.checkAt.Load() }

// takeCheck makes the check that is due at that time the caller's, and the next one
// due later.
func (s *serverBoard) takeCheck(at, next int64) bool { return s.line.checkAt.CompareAndSwap(at, next) }

// revive ends an ejection.
func (s *serverBoard) revive() {
	s.line.failures.Store(0)
	s.line.until.Store(0)
	s.line.down.Store(0)
}
