package pool

import (
	"bytes"
	"strconv"

	"github.com/baton-project/baton/internal/wire/memcache"
	"github.com/baton-project/baton/internal/wire/resp"
)

// A split is a request whose keys belong to several servers, with what came of
// it so far. It goes through the list of its client as one request.
type split struct {
	whole   *request
	kind    resp.Kind // of Redis; Unknown for memcached's get
	parts   []part
	keys    []splitKey
	text    []byte // memcached's request, for its keys
	pending int    // parts without their whole reply
	failed  string // why there is an error instead; "": there is none
	raw     bool   // failed is a line as it is sent
	at      int    // the key whose value is sent next
	begun   bool   // something was sent
	element resp.Reply
	value   memcache.Stream
	inValue bool
}

type splitKey struct {
	part int // from 1
	at   resp.Span
	next int // the next key of the part; 0: none
}

type part struct {
	server      *server
	first, last int    // its keys, from 1
	count       int    // of keys
	held        []byte // came
	from        int    // of it, what is not used begins here
	headed      bool   // its first line is used
	done        bool
}

// add puts a key to its server. It reports false when there is none.
func (s *split) add(p *livePool, key []byte, at resp.Span) bool {
	to := p.route(key)
	if to == nil {
		return false
	}
	n := 0
	for i := range s.parts {
		if s.parts[i].server == to {
			n = i + 1
			break
		}
	}
	if n == 0 {
		s.parts = append(s.parts, part{server: to})
		n = len(s.parts)
	}
	f := &s.parts[n-1]
	s.keys = append(s.keys, splitKey{part: n, at: at})
	number := len(s.keys)
	if f.last == 0 {
		f.first = number
	} else {
		s.keys[f.last-1].next = number
	}
	f.last = number
	f.count++
	return true
}

// splitRedis passes on a request with several keys.
func (c *client) splitRedis(cmd *resp.Command, b []byte) {
	s := c.worker.newSplit()
	s.kind = cmd.Kind
	reachable := true
	pair := resp.Span{}
	resp.Args(b, 1, func(i int, at resp.Span) {
		switch {
		case !reachable:
		case s.kind != resp.Pairs:
			reachable = s.add(c.pool, at.Of(b), at)
		case i%2 == 1:
			pair = at
		default:
			reachable = s.add(c.pool, pair.Of(b), resp.Span{Start: pair.Start, End: at.End})
		}
	})
	if !reachable {
		c.worker.dropSplit(s)
		c.answer(c.pool.errorReply(refused))
		return
	}
	c.begin(s)
	s.whole.note = c.note(b, c.req.Arg(1).Of(b), len(s.keys))
	for i := range s.parts {
		f := &s.parts[i]
		l := f.server.link(c)
		out, from := l.bytes(), len(l.bytes())
		words := f.count
		if s.kind == resp.Pairs {
			words *= 2
		}
		out = append(out, '*')
		out = appendInt(out, words+1)
		out = append(out, "\r\n$"...)
		out = appendInt(out, len(cmd.Name))
		out = append(out, "\r\n"...)
		out = append(out, cmd.Name...)
		out = append(out, "\r\n"...)
		for k := f.first; k != 0; k = s.keys[k-1].next {
			at := s.keys[k-1].at
			start := at.Start - 2 // the CRLF before
			for b[start] != '$' {
				start--
			}
			out = append(out, b[start:at.End+2]...)
		}
		l.out = out
		c.sendPart(s, i, l, len(out)-from)
	}
}

// begin puts the split into the client's list.
func (c *client) begin(s *split) {
	r := c.worker.request()
	r.client, r.split = c, s
	s.whole, s.pending = r, len(s.parts)
	s.element.V3 = c.v3
	c.push(r)
}

// sendPart sends a part, whose size bytes are in the buffer of l.
func (c *client) sendPart(s *split, i int, l *link, size int) {
	r := c.worker.request()
	r.client, r.split, r.part = c, s, i+1
	r.values = s.kind == resp.Unknown
	l.send(r, size)
	l.full(c)
}

// take takes bytes of the reply to a part.
func (s *split) take(n int, b []byte) {
	c := s.whole.client
	if c == nil || s.failed != "" {
		return
	}
	f := &s.parts[n-1]
	if f.held == nil {
		f.held = c.worker.spareFor(len(b))
	}
	if f.from > readSize {
		f.held, f.from = append(f.held[:0], f.rest()...), 0
	}
	f.held = append(f.held, b...)
	c.held += len(b)
	if c.head == s.whole && (!s.begun || s.needs(n)) {
		s.advance()
	}
}

// needs reports whether the next byte for the client comes from that part.
func (s *split) needs(n int) bool {
	c := s.whole.client
	return c == nil || s.begun && c.head == s.whole && s.at < len(s.keys) && s.keys[s.at].part == n
}

// finish is the end of a part's reply.
func (s *split) finish(r *request) {
	f := &s.parts[r.part-1]
	f.done = true
	s.pending--
	s.after(r)
}

// fail says that there will be no reply to a part.
func (s *split) fail(r *request, why string) {
	if s.failed == "" {
		s.failed, s.raw = why, false
	}
	s.pending--
	s.after(r)
}

func (s *split) after(r *request) {
	c := s.whole.client
	w := r.worker()
	r.split = nil
	w.release(r)
	if s.pending == 0 && s.whole.note != nil {
		s.over(c)
	}
	switch {
	case c == nil:
		if s.pending == 0 {
			w.release(s.whole)
			w.dropSplit(s)
		}
	case s.failed != "" && s.begun:
		c.close()
	case s.pending == 0 && (s.kind == resp.Sum || s.kind == resp.SumIfMany || s.kind == resp.Pairs || s.failed != ""):
		s.conclude(c)
		if c.head == s.whole {
			c.advance()
		}
	case c.head == s.whole:
		c.advance()
	}
}

// worker is the one that r belongs to.
func (r *request) worker() *Worker { return r.split.parts[r.part-1].server.pool.worker }

// conclude makes the one line that answers a split, or its error.
func (s *split) conclude(c *client) {
	sum := int64(0)
	for i := range s.parts {
		f := &s.parts[i]
		c.held -= len(f.rest())
		if s.failed != "" {
			continue
		}
		if s.kind == resp.Pairs {
			if len(f.held) == 0 || f.held[0] != '+' {
				s.failed = "Invalid argument"
			}
			continue
		}
		n, isInteger := resp.Integer(f.held)
		if !isInteger {
			s.failed = "Invalid argument"
		}
		sum += n
	}
	for i := range s.parts {
		c.worker.keep(s.parts[i].held)
		s.parts[i].held, s.parts[i].from = nil, 0
	}
	r := s.whole
	r.held = c.worker.spare()
	switch {
	case s.failed != "" && s.raw:
		r.held = append(r.held, s.failed...)
	case s.failed != "":
		r.held = append(r.held, c.pool.errorReply(s.failed)...)
	case s.kind == resp.Pairs:
		r.held = append(r.held, ok...)
	default:
		r.held = append(strconv.AppendInt(append(r.held, ':'), sum, 10), "\r\n"...)
	}
	c.held += len(r.held)
	r.done = true
}

// advance sends the values whose turn it is. The split is the client's first
// request.
func (s *split) advance() {
	c := s.whole.client
	if s.failed != "" || s.kind != resp.Values && s.kind != resp.Unknown {
		return
	}
	if !s.begun && !s.heads() {
		if s.failed != "" && s.pending == 0 {
			s.conclude(c)
		}
		return
	}
	if !s.begun && s.kind == resp.Values {
		head := append(appendInt(append(c.worker.spare(), '*'), len(s.keys)), "\r\n"...)
		c.append(head)
		c.worker.keep(head)
	}
	s.begun = true
	for s.at < len(s.keys) && !c.closed {
		f := &s.parts[s.keys[s.at].part-1]
		next, err := s.pass(c, f)
		if err != nil {
			c.close()
			return
		}
		if !next {
			return
		}
		s.at++
	}
	if s.pending > 0 || c.closed {
		return
	}
	if s.kind == resp.Unknown {
		c.append([]byte("END\r\n"))
	}
	for i := range s.parts {
		c.held -= len(s.parts[i].rest()) // the last line
		c.worker.keep(s.parts[i].held)
		s.parts[i].held, s.parts[i].from = nil, 0
	}
	s.whole.done = true
}

// heads reports whether every part has begun to answer, and well.
func (s *split) heads() bool {
	all := true
	for i := range s.parts {
		f := &s.parts[i]
		switch {
		case f.headed:
		case s.kind == resp.Unknown:
			end := bytes.IndexByte(f.held, '\n')
			if end >= 0 && memcache.Failed(f.held) {
				s.failed, s.raw = string(f.held[:end+1]), true
				return false
			}
			if f.headed = end >= 0; !f.headed {
				all = false
			}
		default:
			if len(f.held) > 0 && f.held[0] != '*' {
				s.failed = "Invalid argument"
				return false
			}
			count, n, is := resp.ArrayHead(f.held)
			if is && int(count) != f.count {
				s.failed = "Invalid argument"
				return false
			}
			if f.headed = is; is {
				s.use(s.whole.client, f, n)
			} else {
				all = false
			}
		}
	}
	return all
}

// use drops the first n bytes of what a part holds.
func (s *split) use(c *client, f *part, n int) {
	c.held -= n
	if f.from += n; f.from == len(f.held) {
		f.held, f.from = f.held[:0], 0
	}
}

// rest is what came and is not used.
func (f *part) rest() []byte { return f.held[f.from:] }

// pass sends what is there of the next value; next says that it was all.
func (s *split) pass(c *client, f *part) (next bool, err error) {
	if s.kind == resp.Unknown {
		return s.passValue(c, f)
	}
	n, done, err := s.element.Next(f.rest())
	if err != nil {
		return false, err
	}
	if n > 0 {
		c.append(f.rest()[:n])
		if !c.closed {
			s.use(c, f, n)
		}
	}
	if done {
		s.element = resp.Reply{V3: c.v3}
	}
	return done, nil
}

// passValue is pass for memcached, where a server leaves out what it does not
// have.
func (s *split) passValue(c *client, f *part) (next bool, err error) {
	if !s.inValue {
		if bytes.IndexByte(f.rest(), '\n') < 0 {
			return false, nil
		}
		key, n, size, is := memcache.ParseValue(f.rest())
		at := s.keys[s.at].at
		if !is || !bytes.Equal(key, at.Of(s.text)) {
			return true, nil // a miss
		}
		s.inValue = true
		s.value = memcache.Stream{Values: true}
		s.value.Expect(size)
		c.append(f.rest()[:n])
		if c.closed {
			return false, nil
		}
		s.use(c, f, n)
	}
	n, done, err := s.value.Rest(f.rest())
	if err != nil {
		return false, err
	}
	if n > 0 {
		c.append(f.rest()[:n])
		if !c.closed {
			s.use(c, f, n)
		}
	}
	s.inValue = !done
	return done, nil
}

// forget says that the client has gone.
func (s *split) forget() {
	r := s.whole
	w := r.client.worker
	r.client = nil
	for i := range s.parts {
		w.keep(s.parts[i].held)
		s.parts[i].held, s.parts[i].from = nil, 0
	}
	if s.pending == 0 {
		w.dropSplit(s)
		w.release(r)
	}
}

// release gives a split back that was answered.
func (s *split) release() { s.whole.client.worker.dropSplit(s) }
