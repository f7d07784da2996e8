package pool

import (
	"github.com/baton-project/baton/internal/wire/memcache"
	"github.com/baton-project/baton/internal/wire/resp"
)

// The replies of memcached to what it does not understand.
const (
	mcUnknown = "ERROR\r\n"
	mcFormat  = "CLIENT_ERROR bad command line format\r\n"
	mcData    = "CLIENT_ERROR bad data chunk\r\n"
	mcTooLong = "CLIENT_ERROR line too long\r\n"
)

// processMemcache passes on the requests in b.
func (c *client) processMemcache(b []byte) (used int) {
	for !c.stopped() {
		rest := b[used:]
		r, done, err := memcache.ParseRequest(rest)
		if !done {
			if len(rest) > maxWhole {
				c.refuse(mcTooLong)
				return len(b)
			}
			return used
		}
		if err != nil {
			if r.Value < 0 {
				c.refuse(mcFormat) // nobody knows where the next line begins
				return len(b)
			}
			if n := int64(r.Line) + r.Value; n > int64(len(rest)) {
				if n > readSize {
					c.refuse(mcFormat)
					return len(b)
				}
				return used
			}
			c.answer(mcFormat)
			used += r.Line + int(r.Value)
			continue
		}
		size := int64(r.Line) + r.Value
		if size > int64(len(rest)) {
			if size > readSize {
				used += c.largeMemcache(rest, &r)
			}
			return used
		}
		if r.Value > 0 && string(rest[size-2:size]) != "\r\n" {
			c.refuse(mcData)
			return len(b)
		}
		c.memcache(rest[:size], &r)
		if c.closed {
			return len(b)
		}
		used += int(size)
	}
	return used
}

// memcache handles one request, whose bytes are b.
func (c *client) memcache(b []byte, r *memcache.Request) {
	switch r.Verb {
	case memcache.Unknown:
		c.answer(mcUnknown)
	case memcache.Quit:
		c.ends = true
	case memcache.Get, memcache.Gets:
		start, end, _ := r.NextKey(b, r.Keys[0])
		if end != r.Keys[1] {
			c.splitMemcache(b, r)
			return
		}
		c.send(b[start:end], b, false, true)
	case memcache.Version:
		c.send(nil, b, false, false)
	default:
		c.send(b[r.Keys[0]:r.Keys[1]], b, r.NoReply, false)
	}
}

// send passes a request on to the server of key. Who wants no reply gets none.
func (c *client) send(key, b []byte, noReply, values bool) {
	s := c.pool.route(key)
	if s == nil {
		c.pool.board.pool.forwardError++
		if !noReply {
			c.answer(c.pool.errorReply(refused))
		}
		return
	}
	l := s.link(c)
	l.out = append(l.bytes(), b...)
	if noReply {
		l.send(nil, len(b))
		l.full(c)
		return
	}
	r := c.worker.request()
	r.client, r.values, r.note = c, values, c.note(b, key, 1)
	c.push(r)
	l.send(r, len(b))
	l.full(c)
}

// splitMemcache passes on a get with several keys.
func (c *client) splitMemcache(b []byte, r *memcache.Request) {
	s := c.worker.newSplit()
	s.kind = resp.Unknown
	s.text = append(s.text[:0], b...)
	for at := r.Keys[0]; ; {
		start, end, more := r.NextKey(b, at)
		if !more {
			break
		}
		if !s.add(c.pool, b[start:end], resp.Span{Start: start, End: end}) {
			c.worker.dropSplit(s)
			c.answer(c.pool.errorReply(refused))
			return
		}
		at = end
	}
	c.begin(s)
	s.whole.note = c.note(b, s.keys[0].at.Of(b), len(s.keys))
	verb := "get"
	if r.Verb == memcache.Gets {
		verb = "gets"
	}
	for i := range s.parts {
		f := &s.parts[i]
		l := f.server.link(c)
		out, from := l.bytes(), len(l.bytes())
		out = append(out, verb...)
		for k := f.first; k != 0; k = s.keys[k-1].next {
			out = append(append(out, ' '), s.keys[k-1].at.Of(b)...)
		}
		l.out = append(out, "\r\n"...)
		c.sendPart(s, i, l, len(l.out)-from)
	}
}
