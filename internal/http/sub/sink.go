package sub

import (
	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/http"
)

// A sink replaces the texts of one body.
type sink struct {
	*search
	r    *http.Request
	next http.Sink

	once bool
	left int      // texts that are still looked for
	with []string // by target: what it is replaced with, once it was found
	done []bool   // by target: found, which with sub_filter_once is enough

	held []byte // what may be the beginning of a text
}

func newSink(r *http.Request, next http.Sink, s *search, once bool) *sink {
	n := len(s.targets)
	return &sink{search: s, r: r, next: next, once: once, left: n, with: make([]string, n), done: make([]bool, n)}
}

// Write replaces what is found in p, together with what was held back.
func (s *sink) Write(p []byte) error {
	if len(s.held) > 0 {
		s.held = append(s.held, p...)
		p = s.held
	}
	rest, err := s.replace(p)
	if err != nil {
		return err
	}
	s.held = append(s.held[:0], rest...)
	return nil
}

// replace sends p on with its texts replaced, apart from the beginning of one at
// its end, which it returns.
func (s *sink) replace(p []byte) (rest []byte, err error) {
	sent := 0
	for at := 0; at < len(p) && s.left > 0; at++ {
		if !s.starts[p[at]] {
			continue
		}
		found, state := s.match(p[at:])
		if state == none {
			continue
		}
		if err := s.send(p[sent:at]); err != nil {
			return nil, err
		}
		sent = at
		if state == partial {
			return p[sent:], nil
		}
		if err := s.send(s.replacement(found)); err != nil {
			return nil, err
		}
		sent += len(s.targets[found].text)
		at = sent - 1
	}
	return nil, s.send(p[sent:])
}

func (s *sink) send(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	return s.next.Write(p)
}

// matchState says what stands at the start of some bytes.
type matchState uint8

const (
	none    matchState = iota
	partial            // perhaps a text: more must come to tell
	full
)

// match looks for a text at the start of p, in the order of the configuration.
func (s *sink) match(p []byte) (found int, state matchState) {
	for i := range s.targets {
		if s.done[i] {
			continue
		}
		text := s.targets[i].text
		n := min(len(text), len(p))
		if !hasFold(p[:n], text) {
			continue
		}
		if n < len(text) {
			return i, partial
		}
		return i, full
	}
	return 0, none
}

// replacement is what takes the place of a target; it is made for the first one
// found.
func (s *sink) replacement(found int) []byte {
	if s.with[found] == "" {
		s.with[found] = s.targets[found].replacement.Eval(s.r)
	}
	if s.once {
		s.done[found] = true
		s.left--
	}
	return []byte(s.with[found])
}

func (s *sink) SendFile(f *fd.Owned, off, n int64) error {
	return s.r.EachPiece(f, off, n, s.Write)
}

func (s *sink) Flush() error { return s.next.Flush() }

// Finish sends what was held back: no text began there.
func (s *sink) Finish() error {
	if err := s.send(s.held); err != nil {
		return err
	}
	return s.next.Finish()
}

// hasFold reports whether p is the beginning of low, which is in lower case.
func hasFold(p []byte, low string) bool {
	for i, c := range p {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != low[i] {
			return false
		}
	}
	return true
}
