package resp

import "bytes"

// maxElements bounds the elements of a reply that are still to come.
const maxElements = 1 << 40

// A Reply is how far the reading of one reply is. The zero Reply is at its
// beginning.
type Reply struct {
	// Kind is the first byte: + - : $ or *. It is 0 before the first line is
	// complete.
	Kind byte
	// V3 says that the reply may have the types of version 3 of the protocol,
	// but for what comes without having been asked for.
	V3 bool

	elements int64 // still to be read, the present one included
	left     int64 // of a bulk string, with its CRLF
}

// Next reads on in b, which begins where the last call has ended. n is how many
// bytes of b are the reply's; a line is only taken as a whole.
func (r *Reply) Next(b []byte) (n int, done bool, err error) {
	if r.Kind == 0 {
		r.elements = 1
	}
	for {
		if r.left > 0 {
			take := int64(len(b) - n)
			if take < r.left {
				keep := max(take, 0)
				if r.left-keep < 2 { // the CRLF is looked at in one piece
					keep = max(r.left-2, 0)
				}
				r.left -= keep
				return n + int(keep), false, nil
			}
			n += int(r.left)
			if b[n-1] != '\n' || n >= 2 && b[n-2] != '\r' {
				return n, false, ErrReply
			}
			r.left = 0
			if r.elements--; r.elements == 0 {
				return n, true, nil
			}
		}
		size, err := r.line(b[n:])
		if size == 0 || err != nil {
			return n, false, err
		}
		n += size
		if r.elements == 0 {
			return n, true, nil
		}
	}
}

// line reads one line; size is 0 when it is not complete.
func (r *Reply) line(b []byte) (size int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	kind := b[0]
	if r.V3 {
		kind = asVersion2(kind)
	}
	switch kind {
	case '+', '-', ':':
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			return 0, nil
		}
		if end < 2 && kind == ':' || b[end-1] != '\r' {
			return 0, ErrReply
		}
		r.elements--
		size = end + 1
	case '$', '*':
		if len(b) > 1 && b[1] == '-' && b[0] == kind {
			if len(b) < 5 {
				return 0, nil
			}
			if string(b[1:5]) != "-1\r\n" {
				return 0, ErrReply
			}
			r.elements--
			size = 5
			break
		}
		v, n, ok := number(b[1:], MaxBulk)
		if !ok {
			return 0, ErrReply
		}
		if n == 0 {
			return 0, nil
		}
		size = 1 + n
		if b[0] == '%' {
			v *= 2 // keys and values
		}
		if kind == '$' {
			r.left = v + 2
		} else if r.elements += v - 1; r.elements > maxElements {
			return 0, ErrTooDeep
		}
	default:
		return 0, ErrReply
	}
	if r.Kind == 0 {
		r.Kind = b[0]
	}
	return size, nil
}

// asVersion2 is the type of version 2 that is framed like one of version 3.
func asVersion2(kind byte) byte {
	switch kind {
	case '_', '#', ',', '(': // null, boolean, double, big number
		return '+'
	case '=', '!': // verbatim string, error with any bytes
		return '$'
	case '~', '%': // set, map
		return '*'
	}
	return kind
}

// Left is how much is known to be missing.
func (r *Reply) Left() int64 { return r.left }

// Transient reports whether the line of an error says that the server cannot
// answer at the moment, after which nutcracker gives the connection up.
func Transient(line []byte) bool {
	for _, word := range [...]string{"-OOM", "-BUSY", "-LOADING"} {
		if len(line) > len(word) && string(line[:len(word)]) == word && (line[len(word)] == ' ' || line[len(word)] == '\r') {
			return true
		}
	}
	return false
}

// Down reports whether the line of an error says that a replica has lost its
// master and does not answer.
func Down(line []byte) bool { return bytes.HasPrefix(line, []byte("-MASTERDOWN ")) }

// Moved reports whether the line of an error is a redirection of Redis Cluster.
func Moved(line []byte) bool {
	return bytes.HasPrefix(line, []byte("-MOVED ")) || bytes.HasPrefix(line, []byte("-ASK "))
}

// Integer reads a reply ":N\r\n".
func Integer(b []byte) (v int64, ok bool) {
	if len(b) < 4 || b[0] != ':' {
		return 0, false
	}
	v, _, ok = number(b[1:], 1<<62)
	return v, ok
}

// ArrayHead reads the first line of an array of known size.
func ArrayHead(b []byte) (v int64, n int, ok bool) {
	if len(b) == 0 || b[0] != '*' {
		return 0, 0, false
	}
	v, n, ok = number(b[1:], MaxArgs)
	return v, n + 1, ok && n > 0
}
