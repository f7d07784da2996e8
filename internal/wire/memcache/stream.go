package memcache

import (
	"bytes"
	"errors"
)

// ErrStream is returned for bytes that are no reply.
var ErrStream = errors.New("invalid reply")

// maxLine is the longest line of a reply.
const maxLine = 4096

// A Stream is how far the reading of one reply is, which may be values. The zero
// Stream is at its beginning.
type Stream struct {
	// Values: it answers get or gets.
	Values bool
	left   int64 // of a value, with its CRLF
}

// Next reads on in b, which begins where the last call has ended. n is how many
// bytes of b are the reply's; a line is only taken as a whole.
func (s *Stream) Next(b []byte) (n int, done bool, err error) {
	for {
		if s.left > 0 {
			have := int64(len(b) - n)
			if have < s.left {
				if s.left-have < 2 {
					have = max(s.left-2, 0)
				}
				s.left -= have
				return n + int(have), false, nil
			}
			n += int(s.left)
			if b[n-1] != '\n' || n >= 2 && b[n-2] != '\r' {
				return n, false, ErrStream
			}
			s.left = 0
		}
		end := bytes.IndexByte(b[n:], '\n')
		if end < 0 {
			if len(b)-n > maxLine {
				return n, false, ErrStream
			}
			return n, false, nil
		}
		line := b[n : n+end+1]
		if len(line) < 3 || line[end-1] != '\r' {
			return n, false, ErrStream
		}
		n += end + 1
		if _, _, size, ok := ParseValue(line); ok {
			if !s.Values {
				return n, false, ErrStream
			}
			s.left = size + 2
			continue
		}
		if !known(line, s.Values) {
			return n, false, ErrStream
		}
		return n, true, nil
	}
}

// Left is how much of a value is known to be missing.
func (s *Stream) Left() int64 { return s.left }

// known reports whether a line is one that memcached answers with.
func known(line []byte, values bool) bool {
	word := line[:len(line)-2]
	if i := bytes.IndexByte(word, ' '); i >= 0 {
		word = word[:i]
	}
	switch string(word) {
	case "ERROR", "CLIENT_ERROR", "SERVER_ERROR":
		return true
	case "END":
		return values
	case "STORED", "NOT_STORED", "EXISTS", "NOT_FOUND", "DELETED", "TOUCHED", "OK", "VERSION":
		return !values
	}
	return !values && isNumber(word, false)
}

// Failed reports whether a line is an error.
func Failed(line []byte) bool {
	return bytes.HasPrefix(line, []byte("ERROR")) || bytes.HasPrefix(line, []byte("CLIENT_ERROR")) ||
		bytes.HasPrefix(line, []byte("SERVER_ERROR"))
}

// ParseValue reads the line "VALUE key flags bytes [cas]\r\n" that b begins with.
// n is its length, 0 when it is not complete.
func ParseValue(b []byte) (key []byte, n int, size int64, ok bool) {
	rest, is := bytes.CutPrefix(b, []byte("VALUE "))
	if !is {
		return nil, 0, 0, false
	}
	end := bytes.IndexByte(rest, '\n')
	if end < 1 || rest[end-1] != '\r' {
		return nil, 0, 0, false
	}
	w := words{b: rest[:end-1]}
	key = w.next()
	flags := w.next()
	size, ok = decimal(w.next())
	if !ok || !isNumber(flags, false) || size > MaxValue {
		return nil, 0, 0, false
	}
	return key, len("VALUE ") + end + 1, size, true
}

// Expect makes Rest read a value of size bytes.
func (s *Stream) Expect(size int64) { s.left = size + 2 }

// Rest reads on in b until the end of the value.
func (s *Stream) Rest(b []byte) (n int, done bool, err error) {
	have := int64(len(b))
	if have < s.left {
		if s.left-have < 2 {
			have = max(s.left-2, 0)
		}
		s.left -= have
		return int(have), false, nil
	}
	n = int(s.left)
	if b[n-1] != '\n' || n >= 2 && b[n-2] != '\r' {
		return n, false, ErrStream
	}
	s.left = 0
	return n, true, nil
}
