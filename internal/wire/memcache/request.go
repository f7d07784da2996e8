package memcache

import (
	"bytes"
	"errors"
)

// A Verb is a command of the text protocol that a proxy passes on.
type Verb uint8

// The verbs.
const (
	Unknown Verb = iota
	Get
	Gets
	Set // and all others that bring a value
	Arith
	Delete
	Touch
	Version
	Quit
)

// What can be wrong with a request.
var (
	// ErrFormat is about one line; the next one may be good.
	ErrFormat = errors.New("bad command line format")
	// ErrData says that a value does not end where it should: nobody knows
	// where the next line begins.
	ErrData = errors.New("bad data chunk")
)

// MaxKey is the length of the longest key, and MaxValue that of the longest
// value.
const (
	MaxKey   = 250
	MaxValue = 1<<32 - 1
)

// A Request is one line, and the value that follows it.
type Request struct {
	Verb    Verb
	NoReply bool
	// Keys is where the keys of get and gets are, from the first to the last;
	// for others it is the key.
	Keys [2]int
	// Line is the length of the line with its CRLF, and Value that of the value
	// with its own; 0 for a verb without.
	Line  int
	Value int64
}

// ParseRequest reads the line that b begins with. done is false as long as it is
// not complete. After ErrFormat, r.Line and r.Value say what is to be skipped;
// Value is -1 when that is not known.
func ParseRequest(b []byte) (r Request, done bool, err error) {
	end := bytes.Index(b, []byte("\r\n"))
	if end < 0 {
		return r, false, nil
	}
	r.Line = end + 2
	line := words{b: b[:end]}
	if bytes.IndexByte(line.b, '\n') >= 0 {
		r.Value = -1 // memcached would see two lines
		return r, true, ErrFormat
	}
	verb := string(line.next()) // does not allocate: it is only compared
	switch verb {
	case "get":
		r.Verb = Get
	case "gets":
		r.Verb = Gets
	case "set", "add", "replace", "append", "prepend", "cas":
		r.Verb = Set
	case "incr", "decr":
		r.Verb = Arith
	case "delete":
		r.Verb = Delete
	case "touch":
		r.Verb = Touch
	case "version":
		r.Verb = Version
	case "quit":
		r.Verb = Quit
	default:
		return r, true, nil
	}
	switch r.Verb {
	case Get, Gets:
		err = r.parseKeys(&line)
	case Set:
		err = r.parseSet(&line, verb == "cas")
	case Arith, Touch:
		err = r.parseKey(&line)
		if n := line.next(); err == nil && (len(n) == 0 || !isNumber(n, r.Verb == Touch)) {
			err = ErrFormat
		}
		if err == nil {
			err = r.parseEnd(&line)
		}
	case Delete:
		if err = r.parseKey(&line); err == nil {
			err = r.parseEnd(&line)
		}
	default:
		if len(line.next()) > 0 {
			err = ErrFormat
		}
	}
	return r, true, err
}

func (r *Request) parseKey(line *words) error {
	key := line.next()
	if len(key) == 0 || len(key) > MaxKey || bytes.IndexByte(key, '\r') >= 0 {
		return ErrFormat
	}
	r.Keys = [2]int{line.at - len(key), line.at}
	return nil
}

func (r *Request) parseKeys(line *words) error {
	if err := r.parseKey(line); err != nil {
		return err
	}
	start := r.Keys[0]
	for key := line.next(); len(key) > 0; key = line.next() {
		if len(key) > MaxKey || bytes.IndexByte(key, '\r') >= 0 {
			return ErrFormat
		}
		r.Keys[1] = line.at
	}
	r.Keys[0] = start
	return nil
}

// parseSet reads "key flags expiry bytes [cas] [noreply]". What is wrong in it
// does not hide how long the value is, if that is right.
func (r *Request) parseSet(line *words, cas bool) error {
	r.Value = -1
	err := r.parseKey(line)
	flags, expiry, size := line.next(), line.next(), line.next()
	n, ok := decimal(size)
	if !ok || n > MaxValue {
		return ErrFormat
	}
	r.Value = n + 2
	if err == nil && (!isNumber(flags, false) || !isNumber(expiry, true)) {
		err = ErrFormat
	}
	if unique := []byte(nil); cas {
		if unique = line.next(); err == nil && !isNumber(unique, false) {
			err = ErrFormat
		}
	}
	if err == nil {
		err = r.parseEnd(line)
	}
	return err
}

func (r *Request) parseEnd(line *words) error {
	word := line.next()
	if string(word) == "noreply" {
		r.NoReply = true
		word = line.next()
	}
	if len(word) > 0 {
		return ErrFormat
	}
	return nil
}

// NextKey returns where the next of the keys of get is, from at on.
func (r *Request) NextKey(b []byte, at int) (start, end int, ok bool) {
	for at < r.Keys[1] && b[at] == ' ' {
		at++
	}
	if at >= r.Keys[1] {
		return 0, 0, false
	}
	end = at
	for end < r.Keys[1] && b[end] != ' ' {
		end++
	}
	return at, end, true
}

// words are the words of a line, separated by spaces.
type words struct {
	b  []byte
	at int // the end of the last word
}

// next returns the next word, or nothing.
func (w *words) next() []byte {
	for w.at < len(w.b) && w.b[w.at] == ' ' {
		w.at++
	}
	start := w.at
	for w.at < len(w.b) && w.b[w.at] != ' ' {
		w.at++
	}
	return w.b[start:w.at]
}

func isNumber(b []byte, signed bool) bool {
	if signed && len(b) > 1 && b[0] == '-' {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 20 {
		return false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func decimal(b []byte) (n int64, ok bool) {
	if !isNumber(b, false) {
		return 0, false
	}
	for _, c := range b {
		if n = n*10 + int64(c-'0'); n > 1<<40 {
			return 0, false
		}
	}
	return n, true
}
