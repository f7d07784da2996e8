package memcache

import (
	"bytes"
	"strings"
	"testing"
)

func TestParseRequest(t *testing.T) {
	long := strings.Repeat("k", 251)
	tests := []struct {
		in    string
		verb  Verb
		keys  string
		quiet bool
		value int64
		err   error
	}{
		{"get a\r\n", Get, "a", false, 0, nil},
		{"gets  a  b c \r\n", Gets, "a  b c", false, 0, nil},
		{"get\r\n", Get, "", false, 0, ErrFormat},
		{"get " + long + "\r\n", Get, "", false, 0, ErrFormat},
		{"set k 0 0 3\r\n", Set, "k", false, 5, nil},
		{"set k 0 -1 3 noreply\r\n", Set, "k", true, 5, nil},
		{"cas k 0 0 3 99\r\n", Set, "k", false, 5, nil},
		{"cas k 0 0 3\r\n", Set, "k", false, 5, ErrFormat},
		{"set k x 0 3\r\n", Set, "k", false, 5, ErrFormat},
		{"set k 0 0 x\r\n", Set, "k", false, -1, ErrFormat},
		{"set k 0 0 4294967297\r\n", Set, "k", false, -1, ErrFormat},
		{"incr k 1\r\n", Arith, "k", false, 0, nil},
		{"decr k -1\r\n", Arith, "k", false, 0, ErrFormat},
		{"delete k noreply\r\n", Delete, "k", true, 0, nil},
		{"delete k 0\r\n", Delete, "k", false, 0, ErrFormat},
		{"touch k -1\r\n", Touch, "k", false, 0, nil},
		{"version\r\n", Version, "", false, 0, nil},
		{"quit\r\n", Quit, "", false, 0, nil},
		{"get a\nb\r\n", Unknown, "", false, -1, ErrFormat},
		{"GET a\r\n", Unknown, "", false, 0, nil},
	}
	for _, tt := range tests {
		r, done, err := ParseRequest([]byte(tt.in))
		keys := tt.in[r.Keys[0]:r.Keys[1]]
		if err != nil {
			keys = tt.keys
		}
		if !done || r.Verb != tt.verb || keys != tt.keys || r.NoReply != tt.quiet || r.Value != tt.value || err != tt.err {
			t.Errorf("%q: %+v %q %v %v", tt.in, r, keys, done, err)
		}
		if _, done, _ := ParseRequest([]byte(tt.in[:len(tt.in)-1])); done {
			t.Errorf("%q is complete without its end", tt.in)
		}
	}
}

var replies = []struct {
	in     string
	values bool
	ok     bool
}{
	{"STORED\r\n", false, true},
	{"12\r\n", false, true},
	{"VERSION 1.6\r\n", false, true},
	{"SERVER_ERROR object too large for cache\r\n", false, true},
	{"END\r\n", true, true},
	{"END\r\n", false, false},
	{"STORED\r\n", true, false},
	{"VALUE a 0 3\r\nabc\r\nVALUE b 1 0 77\r\n\r\nEND\r\n", true, true},
	{"VALUE a 0 3\r\nabcd\r\nEND\r\n", true, false},
	{"nonsense\r\n", false, false},
}

func TestStream(t *testing.T) {
	for _, tt := range replies {
		for _, step := range []int{1, 2, 3, 1000} {
			n, done, err := feed(&Stream{Values: tt.values}, []byte(tt.in), step)
			if ok := done && err == nil && n == len(tt.in); ok != tt.ok {
				t.Errorf("%q by %d: %d %v %v", tt.in, step, n, done, err)
			}
		}
	}
}

// feed gives in to s, step bytes more each time.
func feed(s *Stream, in []byte, step int) (used int, done bool, err error) {
	for end := min(step, len(in)); ; end = min(end+step, len(in)) {
		n, done, err := s.Next(in[used:end])
		used += n
		if done || err != nil || end == len(in) {
			return used, done, err
		}
	}
}

func FuzzStream(f *testing.F) {
	for _, tt := range replies {
		f.Add([]byte(tt.in), tt.values, 1)
	}
	f.Fuzz(func(t *testing.T, in []byte, values bool, step int) {
		if step < 1 {
			step = 1
		}
		a, doneA, errA := feed(&Stream{Values: values}, in, len(in)+1)
		b, doneB, errB := feed(&Stream{Values: values}, in, step)
		if (errA == nil) != (errB == nil) || doneA != doneB || doneA && a != b {
			t.Errorf("at once %d %v %v, by %d %d %v %v", a, doneA, errA, step, b, doneB, errB)
		}
	})
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte("get a b\r\n"))
	f.Add([]byte("set k 0 0 3 noreply\r\nabc\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, done, err := ParseRequest(in)
		if !done || err != nil || r.Verb != Get {
			return
		}
		at := r.Keys[0]
		for {
			start, end, ok := r.NextKey(in, at)
			if !ok {
				break
			}
			if key := in[start:end]; len(key) == 0 || bytes.ContainsAny(key, " \r\n") {
				t.Errorf("key %q", key)
			}
			at = end
		}
	})
}
