package charset

import (
	"strconv"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/http"
)

// pieceSize is how much of a body is translated at a time.
const pieceSize = 4 << 10

// A sink translates a body. recode appends the translation of p to dst and
// returns how much of p it took; what it leaves is the beginning of a character.
type sink struct {
	next   http.Sink
	r      *http.Request
	recode func(dst, p []byte) ([]byte, int)
	out    []byte
	held   []byte // the beginning of a character
}

func (s *sink) Write(p []byte) error {
	for len(s.held) > 0 && len(p) > 0 {
		s.held = append(s.held, p[0])
		p = p[1:]
		var took int
		s.out, took = s.recode(s.out[:0], s.held)
		s.held = s.held[:copy(s.held, s.held[took:])]
		if err := s.send(); err != nil {
			return err
		}
	}
	for len(p) > 0 {
		piece := p[:min(len(p), pieceSize)]
		var took int
		s.out, took = s.recode(s.out[:0], piece)
		if err := s.send(); err != nil {
			return err
		}
		p = p[took:]
		if took < len(piece) && len(piece) < pieceSize {
			s.held = append(s.held[:0], p...)
			return nil
		}
	}
	return nil
}

func (s *sink) send() error {
	if len(s.out) == 0 {
		return nil
	}
	return s.next.Write(s.out)
}

func (s *sink) SendFile(f *fd.Owned, off, n int64) error {
	return s.r.EachPiece(f, off, n, s.Write)
}

func (s *sink) Flush() error  { return s.next.Flush() }
func (s *sink) Finish() error { return s.next.Finish() }

// byTable is the recode of single bytes.
func byTable(table *[256]byte) func(dst, p []byte) ([]byte, int) {
	return func(dst, p []byte) ([]byte, int) {
		for _, b := range p {
			dst = append(dst, table[b])
		}
		return dst, len(p)
	}
}

// encode is the recode from single bytes to UTF-8.
func (t *translation) encode(dst, p []byte) ([]byte, int) {
	for _, b := range p {
		if b < 0x80 && len(t.encoded[b]) == 1 {
			dst = append(dst, t.encoded[b][0])
		} else {
			dst = append(dst, t.encoded[b]...)
		}
	}
	return dst, len(p)
}

// decode is the recode from UTF-8 to single bytes. Bytes of ASCII stay.
func (t *translation) decode(dst, p []byte) ([]byte, int) {
	took := 0
	for took < len(p) {
		if b := p[took]; b < 0x80 {
			dst = append(dst, b)
			took++
			continue
		}
		character, size, state := decode(p[took:])
		switch state {
		case partial:
			return dst, took
		case invalid:
			dst = append(dst, '?')
		default:
			if b, ok := t.decoded[character]; ok && b != 0 {
				dst = append(dst, b)
			} else {
				dst = append(strconv.AppendInt(append(dst, "&#"...), int64(character), 10), ';')
			}
		}
		took += size
	}
	return dst, took
}
