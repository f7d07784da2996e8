package pool

import (
	"strconv"
	"time"

	"github.com/baton-project/baton/internal/poll"
)

// Version is the release of twemproxy whose behaviour is followed.
const Version = "0.5.0"

// A statsConn is a connection over which the statistics were sent; it is closed
// when its client has read them.
type statsConn struct {
	poll.Conn
	text []byte
}

// statsBound is how long such a client may take.
const statsBound = 5 * time.Second

// Serve is for the reactor.
func (s *statsConn) Serve(*poll.Conn) {
	if s.text != nil {
		s.SetWriteTimeout(statsBound)
		_, err := s.Write(s.text)
		if s.text = nil; err != nil || s.ShutdownWrite() != nil {
			_ = s.Close() // nobody reads it
			return
		}
		s.Rest(statsBound)
		return
	}
	var b [512]byte
	for {
		switch _, err := s.TryRead(b[:]); err {
		case nil: // a request of HTTP, for instance
		case poll.ErrAgain:
			s.Rest(statsBound)
			return
		default:
			_ = s.Close() // it has read everything
			return
		}
	}
}

// Expire is for the reactor.
func (s *statsConn) Expire(*poll.Conn) { _ = s.Close() }

// answerStats sends the statistics to a connection just accepted.
func (w *Worker) answerStats(descriptor int) {
	s := &statsConn{text: w.Statistics()}
	w.reactor.Add(&s.Conn, descriptor, s)
	s.ServeNow()
}

// Statistics are those of all workers, as twemproxy writes them.
func (w *Worker) Statistics() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.reactor.Now()
	var total, current int64
	for _, p := range w.pools {
		p.board.publish()
		total += p.board.line.sums[5].Load()
		current += 1 + p.board.clients()
		for _, s := range p.board.servers {
			current += s.line.sums[3].Load()
		}
	}
	o := &object{}
	o.begin()
	o.text("service", "nutcracker")
	o.text("source", w.main.hostname)
	o.text("version", Version)
	o.number("uptime", w.reactor.Tick()/1000)
	o.number("timestamp", now.Unix())
	o.number("total_connections", total)
	o.number("curr_connections", current)
	for _, p := range w.pools {
		o.nest(p.conf.Name)
		line := p.board.line
		for i, name := range [...]string{"client_eof", "client_err", "client_connections", "server_ejects", "forward_error"} {
			o.number(name, line.sums[i].Load())
		}
		o.number("fragments", 0) // twemproxy never counts them
		for _, s := range p.servers {
			p.statistics(o, s)
		}
		o.end()
	}
	o.end()
	return append(o.b, '\n')
}

func (p *livePool) statistics(o *object, s *server) {
	line := s.board.line
	o.nest(s.conf.Name)
	for i, name := range [...]string{"server_eof", "server_err", "server_timedout", "server_connections"} {
		o.number(name, line.sums[i].Load())
	}
	o.number("server_ejected_at", line.ejectedAt.Load())
	for i, name := range [...]string{"requests", "request_bytes", "responses", "response_bytes"} {
		o.number(name, line.sums[4+i].Load())
	}
	var inQueue, inBytes, outQueue, outBytes int64
	for _, l := range s.all() {
		for r := l.head; r != nil; r = r.behind {
			if l.sent < r.end {
				inQueue++
				inBytes += int64(r.size)
			} else {
				outQueue++
				outBytes += int64(r.size)
			}
		}
	}
	o.number("in_queue", inQueue)
	o.number("in_queue_bytes", inBytes)
	o.number("out_queue", outQueue)
	o.number("out_queue_bytes", outBytes)
	o.end()
}

// An object is JSON in the making.
type object struct {
	b     []byte
	comma bool
}

func (o *object) begin() { o.b, o.comma = append(o.b, '{'), false }
func (o *object) end()   { o.b, o.comma = append(o.b, '}'), true }

func (o *object) key(name string) {
	if o.comma {
		o.b = append(o.b, ", "...)
	}
	o.b = append(appendJSON(o.b, name), ':')
	o.comma = true
}

func (o *object) nest(name string) {
	o.key(name)
	o.b = append(o.b, ' ')
	o.begin()
}

func (o *object) text(name, value string) {
	o.key(name)
	o.b = appendJSON(o.b, value)
}

func (o *object) number(name string, value int64) {
	o.key(name)
	o.b = strconv.AppendInt(o.b, value, 10)
}

// appendJSON appends a string of JSON; bytes that are no text are replaced.
func appendJSON(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ':
			b = append(b, "\\u00"...)
			b = append(b, "0123456789abcdef"[r>>4], "0123456789abcdef"[r&15])
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}
