package resp

import (
	"bytes"
	"strings"
	"testing"
)

var requests = []struct {
	in  string
	err error
}{
	{"*1\r\n$4\r\nPING\r\n", nil},
	{"*2\r\n$3\r\nGET\r\n$0\r\n\r\n", nil},
	{"*2\r\n$3\r\nGET\r\n$1\r\n\n\r\n", nil},
	{"*02\r\n$3\r\nGET\r\n$1\r\na\r\n", ErrCount},
	{"*2\r\n$03\r\nGET\r\n$1\r\na\r\n", ErrLength},
	{"*6\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n$1\r\ne\r\n$10\r\n0123456789\r\n", nil},
	{"PING\r\n", ErrInline},
	{"*0\r\n", ErrCount},
	{"*-1\r\n", ErrCount},
	{"*x\r\n", ErrCount},
	{"*4294967297\r\n", ErrCount},
	{"*1\r\n$4294967297\r\n", ErrLength},
	{"*1\r\n$-1\r\n", ErrLength},
	{"*1\r\n+OK\r\n", ErrDollar},
	{"*1\r\n$4\r\nPINGxx", ErrEnd},
	{"*1\n$4\r\nPING\r\n", ErrCount},
}

func TestRequest(t *testing.T) {
	for _, tt := range requests {
		for _, step := range []int{1, 2, 7, 1000} {
			var r Request
			in := []byte(tt.in)
			var done bool
			var err error
			for end := min(step, len(in)); ; end = min(end+step, len(in)) {
				done, err = r.Parse(in[:end])
				if done || err != nil || end == len(in) {
					break
				}
			}
			if err != tt.err || done != (tt.err == nil) || done && r.Size() != len(in) {
				t.Errorf("%q by %d: %v %v, %d bytes", tt.in, step, done, err, r.Size())
			}
			if err := skip(in, len(in)/2, step); err != tt.err && tt.err != ErrInline {
				t.Errorf("%q skipped by %d: %v", tt.in, step, err)
			}
		}
	}
}

// skip parses the first bytes and skips the rest.
func skip(in []byte, first, step int) error {
	var r Request
	if done, err := r.Parse(in[:first]); done || err != nil || r.Count == 0 {
		_, err = new(Request).Parse(in)
		return err
	}
	used := r.Detachable(first)
	r.Detach(used)
	for end := min(first+step, len(in)); ; end = min(end+step, len(in)) {
		n, done, err := r.Skip(in[used:end])
		used += n
		if done || err != nil || end == len(in) {
			return err
		}
	}
}

func TestArgs(t *testing.T) {
	in := []byte("*4\r\n$3\r\nDEL\r\n$1\r\na\r\n$0\r\n\r\n$2\r\n\r\n\r\n")
	var got []string
	Args(in, 1, func(_ int, at Span) { got = append(got, string(at.Of(in))) })
	if strings.Join(got, "|") != "a||\r\n" {
		t.Errorf("%q", got)
	}
	var r Request
	if done, err := r.Parse(in); !done || err != nil || string(r.Arg(1).Of(in)) != "a" {
		t.Errorf("%v %v", done, err)
	}
}

var answers = []struct {
	in string
	ok bool
}{
	{"+OK\r\n", true},
	{"+\r\n", true},
	{"-ERR x\r\n", true},
	{":-12\r\n", true},
	{"$-1\r\n", true},
	{"$0\r\n\r\n", true},
	{"$3\r\na\r\n\r\n", true},
	{"*-1\r\n", true},
	{"*0\r\n", true},
	{"*2\r\n*1\r\n:1\r\n$1\r\nx\r\n", true},
	{"*2\r\n*0\r\n*0\r\n", true},
	{"%1\r\n+a\r\n+b\r\n", false},
	{"_\r\n", false},
	{"$3\r\nabcd\r\n", false},
	{"+OK\n", false},
	{"$99999999999999\r\n", false},
}

func TestReply(t *testing.T) {
	for _, tt := range answers {
		for _, step := range []int{1, 2, 3, 100} {
			n, done, err := feed(new(Reply), []byte(tt.in), step)
			if ok := done && err == nil && n == len(tt.in); ok != tt.ok {
				t.Errorf("%q by %d: %d %v %v", tt.in, step, n, done, err)
			}
		}
	}
}

var answers3 = []struct {
	in string
	ok bool
}{
	{"_\r\n", true},
	{"#t\r\n", true},
	{",1.5\r\n", true},
	{",inf\r\n", true},
	{"(3492890328409238509324850943850943825024385\r\n", true},
	{"=7\r\ntxt:a\r\n\r\n", true},
	{"!3\r\na\nb\r\n", true},
	{"~2\r\n:1\r\n_\r\n", true},
	{"%2\r\n+a\r\n*1\r\n#f\r\n+b\r\n%0\r\n", true},
	{"%0\r\n", true},
	{"*2\r\n%1\r\n+a\r\n:1\r\n$1\r\nx\r\n", true},
	{"*-1\r\n", true},
	{"$-1\r\n", true},
	{"+OK\r\n", true},
	{"%-1\r\n", false},
	{"~-1\r\n", false},
	{"=-1\r\n", false},
	{"%x\r\n", false},
	{"_\n", false},
	{">2\r\n+a\r\n+b\r\n", false},
	{"|1\r\n+a\r\n+b\r\n:1\r\n", false},
	{"=3\r\nabcd\r\n", false},
}

func TestReplyOfVersion3(t *testing.T) {
	for _, tt := range answers3 {
		for _, step := range []int{1, 2, 3, 100} {
			n, done, err := feed(&Reply{V3: true}, []byte(tt.in), step)
			if ok := done && err == nil && n == len(tt.in); ok != tt.ok {
				t.Errorf("%q by %d: %d %v %v", tt.in, step, n, done, err)
			}
		}
	}
}

func feed(r *Reply, in []byte, step int) (used int, done bool, err error) {
	for end := min(step, len(in)); ; end = min(end+step, len(in)) {
		n, done, err := r.Next(in[used:end])
		used += n
		if done || err != nil || end == len(in) {
			return used, done, err
		}
	}
}

func TestCommands(t *testing.T) {
	forwarded := 0
	for i := range commands {
		c := &commands[i]
		if got := Find([]byte(strings.ToUpper(c.Name))); got != c {
			t.Errorf("%s is not found", c.Name)
		}
		if c.Kind < Ping || c.Kind == CommandInfo {
			forwarded++
		}
	}
	// With PING, AUTH, QUIT and MOVE these are the 137 that nutcracker knows.
	if forwarded != 133 {
		t.Errorf("%d commands are passed on", forwarded)
	}
	for _, name := range []string{"", "keys", "geT1", "\x07et", "MOVE", "move", strings.Repeat("x", 30)} {
		if Find([]byte(name)) != nil {
			t.Errorf("%q is found", name)
		}
	}
	for _, tt := range []struct {
		name  string
		count int
		fits  bool
	}{{"get", 2, true}, {"get", 3, false}, {"get", 1, false}, {"set", 2, true}, {"set", 1, false}, {"setex", 4, true},
		{"mset", 4, false}, {"mset", 5, true}, {"mget", 1, false}, {"eval", 3, false}} {
		if Find([]byte(tt.name)).Fits(tt.count) != tt.fits {
			t.Errorf("%s with %d", tt.name, tt.count)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	in, out := []byte(requests[3].in), []byte("*2\r\n:1\r\n$1\r\nx\r\n")
	name := []byte("ZREVRANGEBYSCORE")
	if n := testing.AllocsPerRun(100, func() {
		var r Request
		var p Reply
		_, _ = r.Parse(in)
		_, _, _ = p.Next(out)
		Find(name)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzReply(f *testing.F) {
	for _, tt := range answers {
		f.Add([]byte(tt.in), 1, false)
	}
	for _, tt := range answers3 {
		f.Add([]byte(tt.in), 1, true)
	}
	f.Fuzz(func(t *testing.T, in []byte, step int, v3 bool) {
		if step < 1 {
			step = 1
		}
		a, doneA, errA := feed(&Reply{V3: v3}, in, len(in)+1)
		b, doneB, errB := feed(&Reply{V3: v3}, in, step)
		if (errA == nil) != (errB == nil) || doneA != doneB || doneA && a != b {
			t.Errorf("at once %d %v %v, by %d %d %v %v", a, doneA, errA, step, b, doneB, errB)
		}
	})
}

func FuzzRequest(f *testing.F) {
	for _, tt := range requests {
		f.Add([]byte(tt.in), 5, 3)
	}
	f.Fuzz(func(t *testing.T, in []byte, first, step int) {
		var r Request
		done, err := r.Parse(in)
		if done {
			n := 0
			Args(in, 0, func(_ int, at Span) {
				n++
				if at.End > len(in) || !bytes.HasPrefix(in[at.End:], []byte("\r\n")) {
					t.Errorf("argument %v", at)
				}
			})
			if n != r.Count {
				t.Errorf("%d arguments of %d", n, r.Count)
			}
		}
		if first < 0 || first > len(in) {
			first = len(in)
		}
		if got := skip(in, first, max(step, 1)); (got == nil) != (err == nil) {
			t.Errorf("skipped %v, parsed %v", got, err)
		}
	})
}
