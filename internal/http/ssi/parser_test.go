package ssi

import (
	"fmt"
	"strings"
	"testing"
)

// events gives what the parser makes of a body that comes in pieces of a size:
// its text, with the commands and what is wrong with them in it.
func events(body string, size, limit int) string {
	var out, problems strings.Builder
	s := parser{limit: limit, failed: func(format string, args ...any) { fmt.Fprintf(&problems, format, args...) }}
	for rest := body; rest != ""; {
		piece := []byte(rest[:min(size, len(rest))])
		rest = rest[len(piece):]
		for len(piece) > 0 {
			n, held, text, e := s.next(piece)
			out.WriteString(opening[:held])
			out.Write(text)
			switch e {
			case command:
				fmt.Fprintf(&out, "{%s", s.name)
				for _, p := range s.params {
					fmt.Fprintf(&out, " %s=%q", p.name, p.value)
				}
				out.WriteString("}")
			case failure:
				out.WriteString("{error " + problems.String() + "}")
				problems.Reset()
			}
			piece = piece[n:]
		}
	}
	return out.String()
}

// However a body is cut into pieces, the parser finds the same; and text without
// commands stays what it is.
func FuzzParser(f *testing.F) {
	f.Add(`a <!--#echo var="uri" --> b`, uint8(3), uint8(20))
	f.Add(`<<!--#x y='z\'' -->><!--`, uint8(1), uint8(2))
	f.Add(`<!--#x y=z --><!--#if expr="$a = b" a="" -->`, uint8(2), uint8(9))
	f.Fuzz(func(t *testing.T, body string, size, limit uint8) {
		whole := events(body, len(body)+1, int(limit))
		if cut := events(body, int(size)+1, int(limit)); whole != cut {
			t.Errorf("whole %q, in pieces %q", whole, cut)
		}
		if !strings.Contains(body, "<!--#") && !strings.HasPrefix(body, whole) {
			t.Errorf("%q became %q", body, whole)
		}
	})
}
