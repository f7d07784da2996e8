package sub

import (
	"strings"
	"testing"

	"github.com/baton-project/baton/fd"
)

// collector is the end of a chain of sinks.
type collector struct{ strings.Builder }

func (c *collector) Write(p []byte) error { _, _ = c.Builder.Write(p); return nil }

func (*collector) SendFile(*fd.Owned, int64, int64) error { return nil }
func (*collector) Flush() error                           { return nil }
func (*collector) Finish() error                          { return nil }

// However a body is cut into pieces, what comes out is the same; and a single text
// is replaced as package strings does it.
func FuzzPieces(f *testing.F) {
	f.Add("foo bar foofoo", "foo", "ba", uint8(3))
	f.Add("aaaaab", "aab", "aaab", uint8(1))
	f.Fuzz(func(t *testing.T, body, one, two string, size uint8) {
		if one == "" || two == "" {
			return
		}
		run := func(texts []string, size int) string {
			s := new(search)
			for _, text := range texts {
				s.add(text, nil)
			}
			out := new(collector)
			sink := newSink(nil, out, s, false)
			for rest := body; rest != ""; {
				n := min(size, len(rest))
				if err := sink.Write([]byte(rest[:n])); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			if err := sink.Finish(); err != nil {
				t.Fatal(err)
			}
			return out.String()
		}
		both := []string{one, two}
		if whole, cut := run(both, len(body)+1), run(both, int(size)+1); whole != cut {
			t.Errorf("whole %q, in pieces %q", whole, cut)
		}
		if lower(body) == body {
			if got, want := run(both[:1], int(size)+1), strings.ReplaceAll(body, lower(one), ""); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	})
}
