package fastcgi_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/wire/fastcgi"
)

func appendParam(dst []byte, name, value string) []byte {
	var p fastcgi.Params
	dst = p.Begin(dst, len(name))
	at := len(dst)
	dst = p.Between(append(dst, name...))
	start := len(dst)
	return p.End(append(dst, value...), at, start)
}

func request(dst []byte, keep bool, params ...string) ([]byte, error) {
	dst, mark := fastcgi.OpenParams(fastcgi.AppendBegin(dst, keep))
	for i := 0; i < len(params); i += 2 {
		dst = appendParam(dst, params[i], params[i+1])
	}
	return fastcgi.CloseParams(dst, mark)
}

func TestRequestIsWhatTheSpecificationShows(t *testing.T) {
	got, err := request(nil, true, "SERVER_PORT", "80", "SERVER_ADDR", "199.170.183.42")
	if err != nil {
		t.Fatal(err)
	}
	got = fastcgi.AppendStdin(got, 3)
	got = append(append(got, "abc"...), fastcgi.Padding(3)...)
	got = fastcgi.AppendStdin(got, 0)
	want := "\x01\x01\x00\x01\x00\x08\x00\x00" + "\x00\x01\x01\x00\x00\x00\x00\x00" +
		"\x01\x04\x00\x01\x00\x2a\x06\x00" + "\x0b\x02SERVER_PORT80" + "\x0b\x0eSERVER_ADDR199.170.183.42" + strings.Repeat("\x00", 6) +
		"\x01\x04\x00\x01\x00\x00\x00\x00" +
		"\x01\x05\x00\x01\x00\x03\x05\x00abc\x00\x00\x00\x00\x00" + "\x01\x05\x00\x01\x00\x00\x00\x00"
	if string(got) != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestLongNamesAndValues(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 129, 300, 20000} {
		for _, m := range []int{0, 1, 127, 128, 131, 30000} {
			name, value := strings.Repeat("n", n), strings.Repeat("v", m)
			got := appendParam([]byte("x"), name, value)
			want := append(lengthOf(lengthOf([]byte("x"), n), m), name+value...)
			if !bytes.Equal(got, want) {
				t.Errorf("%d, %d: %.20q, want %.20q", n, m, got, want)
			}
		}
	}
}

func lengthOf(dst []byte, n int) []byte {
	if n > 127 {
		return binary.BigEndian.AppendUint32(dst, uint32(n)|1<<31)
	}
	return append(dst, byte(n))
}

func TestParametersHaveToFitIntoOneRecord(t *testing.T) {
	if _, err := request(nil, false, "a", strings.Repeat("b", fastcgi.MaxRecord-6)); err != nil {
		t.Error(err)
	}
	_, err := request(nil, false, "a", strings.Repeat("b", fastcgi.MaxRecord-5))
	if err == nil || err.Error() != "fastcgi request record is too big: 65536" {
		t.Error(err)
	}
}

func TestRequestDoesNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 4096)
	long := strings.Repeat("v", 200)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := request(buf, false, "SCRIPT_FILENAME", long, "QUERY_STRING", ""); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func record(kind byte, content string, padding int) string {
	return string([]byte{1, kind, 0, 1, byte(len(content) >> 8), byte(len(content)), byte(padding), 0}) +
		content + strings.Repeat("\x00", padding)
}

// tell writes down what a response says, with what belongs together put together.
// The response comes in pieces of step bytes, and the last byte of each content is
// given back once.
func tell(raw string, step int) (story string, left int) {
	var r fastcgi.Response
	var out strings.Builder
	last := fastcgi.More
	for len(raw) > 0 {
		piece := []byte(raw[:min(step, len(raw))])
		for {
			e, content, n := r.Next(piece)
			if more := len(content) - 1; more > 0 {
				r.Unread(1)
				content, n = content[:more], n-1
			}
			piece, raw = piece[n:], raw[n:]
			if e == fastcgi.More {
				if len(piece) != 0 {
					return "More left something", 0
				}
				break
			}
			if e != last {
				out.WriteString("|" + [...]string{"", "out:", "err:", "closed", "end", "complete", "broken: "}[e])
			}
			last = e
			out.Write(content)
			switch e {
			case fastcgi.Broken:
				return out.String() + r.Err(), len(raw)
			case fastcgi.Complete:
				return out.String(), len(raw)
			}
		}
	}
	return out.String(), 0
}

var stories = []struct{ raw, story string }{
	{record(6, "Status: 200\r\n\r\nbody", 4) + record(6, "", 0) + record(3, "\x00\x00\x00\x00\x00\x00\x00\x00", 0),
		"|out:Status: 200\r\n\r\nbody|closed|end|complete"},
	{record(6, "ab", 255) + record(7, "warn", 1) + record(6, "cd", 0) + record(7, "", 3) + record(6, "ef", 7) + record(3, "12345678", 9) + "next",
		"|out:ab|err:warn|out:cdef|end|complete"},
	{record(3, "", 0), "|end|complete"},
	{record(6, "ab", 0)[:9], "|out:a"},
	{record(3, "12345678", 2)[:17], "|end"},
	{"HTTP/1.1 200 OK", "|broken: upstream sent unsupported FastCGI protocol version: 72"},
	{"\x01\x05", "|broken: upstream sent invalid FastCGI record type: 5"},
	{"\x01\x06\x02", "|broken: upstream sent unexpected FastCGI request id high byte: 2"},
	{"\x01\x06\x00\x02", "|broken: upstream sent unexpected FastCGI request id low byte: 2"},
	{record(6, "x", 3) + "\x00", "|out:x|broken: upstream sent unsupported FastCGI protocol version: 0"},
}

func TestResponseInWhateverPieces(t *testing.T) {
	for _, c := range stories {
		for step := 1; step <= len(c.raw); step++ {
			if story, _ := tell(c.raw, step); story != c.story {
				t.Errorf("%q in pieces of %d: %q, want %q", c.raw, step, story, c.story)
			}
		}
	}
	if _, left := tell(stories[1].raw, 1000); left != 4 {
		t.Errorf("%d bytes left", left)
	}
}

func TestExpectingIsNeverTooMuch(t *testing.T) {
	raw := record(6, "hello", 3) + record(6, "", 0) + record(3, "12345678", 0)
	var r fastcgi.Response
	for raw != "" {
		n := r.Expecting()
		if n < 1 || n > len(raw) {
			t.Fatalf("%d of %q", n, raw)
		}
		piece := []byte(raw[:n])
		raw = raw[n:]
		for e := fastcgi.Stdout; e != fastcgi.More && e != fastcgi.Complete; {
			var n int
			e, _, n = r.Next(piece)
			piece = piece[n:]
		}
	}
	if r.Expecting() != 0 {
		t.Errorf("%d behind the end", r.Expecting())
	}
}

func TestTrimStderr(t *testing.T) {
	for in, want := range map[string]string{"PHP message: x. \r\n": "PHP message: x", "...": ".", "": "", "a": "a", " ": " "} {
		if got := string(fastcgi.TrimStderr([]byte(in))); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

// FuzzResponse checks that it does not matter in which pieces a response arrives.
func FuzzResponse(f *testing.F) {
	for _, c := range stories {
		f.Add(c.raw, uint8(3))
	}
	f.Fuzz(func(t *testing.T, raw string, step uint8) {
		whole, left := tell(raw, len(raw)+1)
		pieces, leftOfPieces := tell(raw, int(step)+1)
		if whole != pieces || left != leftOfPieces {
			t.Fatalf("whole %q, in pieces %q", whole, pieces)
		}
	})
}

// FuzzParams checks that parameters can be read again.
func FuzzParams(f *testing.F) {
	f.Add("SCRIPT_NAME", "/index.php", 0)
	f.Add("A", "b", 40000)
	f.Fuzz(func(t *testing.T, name, value string, more int) {
		value += strings.Repeat("x", max(0, min(more, 1<<16)))
		raw, err := request(nil, false, name, value)
		if err != nil {
			return
		}
		raw = raw[16:]
		n := int(binary.BigEndian.Uint16(raw[4:]))
		if (n+int(raw[6]))%8 != 0 || len(raw) != 8+n+int(raw[6])+8 {
			t.Fatalf("%q", raw)
		}
		content := raw[8 : 8+n]
		k, content := readLength(content)
		v, content := readLength(content)
		if string(content[:k]) != name || string(content[k:]) != value || v != len(value) {
			t.Fatalf("%q: %q", name, content)
		}
	})
}

func readLength(p []byte) (int, []byte) {
	if p[0] < 128 {
		return int(p[0]), p[1:]
	}
	return int(binary.BigEndian.Uint32(p) &^ (1 << 31)), p[4:]
}
