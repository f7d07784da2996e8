package proxy

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/stream"
)

// paced is a session whose bytes go at a limited rate: a goroutine for each
// direction takes the tunnel's place.
type paced struct {
	r     *relay
	rates [2]int64 // bytes per second from each end; 0: no limit
	began int64    // second
	last  atomic.Int64
	first atomic.Int64 // tick when the upstream began to talk
	moved [2]atomic.Int64
	got   [2]int64 // read from each end; each is its goroutine's

	stop chan struct{} // closed in the end

	mu    sync.Mutex // guards what follows
	over  [2]bool
	ended bool
	why   poll.Ending
}

// errOver wakes the direction that goes on when the session has ended.
var errOver = errors.New("session is over")

// a byteStream is a connection, or TLS over it.
type byteStream interface {
	poll.Stream
	Read(b []byte) (int, error)
}

// parseSize reads a rate.
func parseSize(text string) (int64, error) { return conf.ParseSize(text) }

// pace relays with limits. It returns when the session is over.
func (r *relay) pace(up, down int64) stream.Result {
	p := &paced{r: r, rates: [2]int64{up, down}, began: r.s.Time().Unix(), stop: make(chan struct{})}
	r.paced = p
	p.last.Store(r.s.Tick())
	r.conn.SetWriteTimeout(r.conf.Timeout.V)
	r.s.SetWriteTimeout(r.conf.Timeout.V)
	var backward sync.WaitGroup
	backward.Go(func() { p.carry(server) })
	p.carry(client)
	backward.Wait()
	r.s.Count(p.moved[client].Load(), p.moved[server].Load())
	if at := p.first.Load(); at > 0 {
		r.firstByte(at)
	}
	r.paced = nil
	r.conclude(p.why)
	return stream.Done
}

func (p *paced) end(side int) (*poll.Conn, byteStream) {
	switch {
	case side == client && p.r.s.Stream() != nil:
		return &p.r.s.Conn, p.r.s.Stream()
	case side == client:
		return &p.r.s.Conn, &p.r.s.Conn
	case p.r.bytes != nil:
		return &p.r.conn.Conn, p.r.bytes
	}
	return &p.r.conn.Conn, &p.r.conn.Conn
}

// carry moves what comes from one end to the other until either ends.
func (p *paced) carry(side int) {
	_, from := p.end(side)
	other, to := p.end(1 - side)
	why, over := poll.Ending{}, false
	if side == client {
		if ahead := p.r.s.TakeAhead(); len(ahead) > 0 {
			p.got[side] = int64(len(ahead))
			why, over = p.pass(side, to, ahead)
		}
	}
	buffer := make([]byte, p.r.conf.BufferSize.V)
	for !over {
		why, over = p.step(side, from, to, buffer)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over[side] = true
	if p.ended {
		return
	}
	p.why = why
	if p.r.conf.HalfClose.V && !why.Writing && why.Err == io.EOF {
		if !p.over[1-side] {
			_ = other.ShutdownWrite() // when it fails, so does the next read from there
			return
		}
	}
	p.ended = true
	close(p.stop)
	p.r.s.Wake(errOver)
	p.r.conn.Wake(errOver)
}

// step waits until the rate allows, reads and writes once.
func (p *paced) step(side int, from, to byteStream, buffer []byte) (poll.Ending, bool) {
	conn, _ := p.end(side)
	size := int64(len(buffer))
	if rate := p.rates[side]; rate > 0 {
		limit := rate*(p.r.s.Time().Unix()-p.began+1) - p.got[side]
		if limit <= 0 {
			p.sleep(time.Duration(-limit*1000/rate+1) * time.Millisecond)
			return poll.Ending{}, false
		}
		size = min(size, limit)
	}
	idle := time.Duration(p.r.s.Tick()-p.last.Load()) * time.Millisecond
	left := p.r.conf.Timeout.V - idle
	if left <= 0 {
		return poll.Ending{Side: side, Err: poll.ErrTimeout}, true
	}
	conn.SetReadTimeout(left)
	n, err := from.Read(buffer[:size])
	if n == 0 {
		if err == poll.ErrTimeout {
			return poll.Ending{}, false // unless the other direction has been idle as well
		}
		return poll.Ending{Side: side, Err: err}, true
	}
	p.got[side] += int64(n)
	if why, over := p.pass(side, to, buffer[:n]); over {
		return why, true
	}
	if rate := p.rates[side]; rate > 0 {
		if pause := int64(n) * 1000 / rate; pause > 0 {
			p.sleep(time.Duration(pause) * time.Millisecond)
		}
	}
	return poll.Ending{}, false
}

// pass writes what was read.
func (p *paced) pass(side int, to byteStream, b []byte) (poll.Ending, bool) {
	now := p.r.s.Tick()
	if side == server {
		p.first.CompareAndSwap(0, now)
	}
	p.last.Store(now)
	n, err := to.Write(b)
	p.moved[side].Add(int64(n))
	p.last.Store(p.r.s.Tick())
	if err != nil {
		return poll.Ending{Side: 1 - side, Writing: true, Err: err}, true
	}
	return poll.Ending{}, false
}

// sleep holds a direction back.
func (p *paced) sleep(d time.Duration) {
	p.last.Store(p.r.s.Tick() + d.Milliseconds()) // proxy_timeout does not run meanwhile
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.stop:
	}
}
