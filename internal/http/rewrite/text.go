package rewrite

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/wire/h1"
)

// text is a replacement or a value: a [http.Value] in which captures are
// escaped where nginx does it, and which knows where its arguments begin.
type text struct {
	parts   []textPart
	hasArgs bool // there is a "?" in it
}

type textPart struct {
	value   *http.Value // literal text or one variable
	capture int         // instead of value: 1 to 9
	query   bool        // instead of both: the "?" before the arguments
}

// compileText compiles s, an argument of d. With split the first "?" separates
// path and arguments.
func compileText(b *http.Builder, d *conf.Directive, s string, split bool) (*text, error) {
	t := new(text)
	for s != "" {
		if split && !t.hasArgs && s[0] == '?' {
			t.parts = append(t.parts, textPart{query: true})
			t.hasArgs = true
			s = s[1:]
			continue
		}
		if len(s) > 1 && s[0] == '$' && '1' <= s[1] && s[1] <= '9' {
			t.parts = append(t.parts, textPart{capture: int(s[1] - '0')})
			s = s[2:]
			continue
		}
		n := pieceLen(s, split && !t.hasArgs)
		if s[0] != '$' && strings.Contains(s[:n], "?") {
			t.hasArgs = true
		}
		value, err := b.Compile(d, s[:n])
		if err != nil {
			return nil, err
		}
		t.parts = append(t.parts, textPart{value: value})
		s = s[n:]
	}
	return t, nil
}

// pieceLen is the length of the variable or the literal text that s starts with.
func pieceLen(s string, split bool) int {
	if s[0] != '$' {
		stop := "$"
		if split {
			stop = "$?"
		}
		if n := strings.IndexAny(s, stop); n >= 0 {
			return n
		}
		return len(s)
	}
	if strings.HasPrefix(s, "${") {
		if n := strings.IndexByte(s, '}'); n >= 0 {
			return n + 1
		}
		return len(s)
	}
	n := 1
	for n < len(s) && (s[n] == '_' || '0' <= s[n] && s[n] <= '9' || 'a' <= s[n]|0x20 && s[n]|0x20 <= 'z') {
		n++
	}
	return n
}

// eval builds the text in dst and tells where in it the arguments begin, -1
// when there are none. quote escapes captures everywhere, not only in the
// arguments.
func (t *text) eval(dst []byte, r *http.Request, quote bool) (out []byte, args int) {
	args = -1
	escape := uriWasEscaped(r)
	for i := range t.parts {
		p := &t.parts[i]
		switch {
		case p.query:
			args = len(dst)
		case p.capture == 0:
			dst = p.value.Append(dst, r)
		case escape && (quote || args >= 0):
			dst = h1.AppendEscaped(dst, r.Capture(p.capture), h1.EscapeArgs)
		default:
			dst = append(dst, r.Capture(p.capture)...)
		}
	}
	return dst, args
}

// uriWasEscaped reports whether the client's path had escapes, or a "+", so that
// what is captured from its decoded form has to be escaped again.
func uriWasEscaped(r *http.Request) bool {
	path, _ := h1.SplitArgs(r.Target())
	return strings.ContainsAny(path, "%+")
}

// unescapeRedirect undoes escapes of ordinary characters in the path of a
// Location that was put together from escaped and unescaped parts, in place.
func unescapeRedirect(s []byte) []byte {
	out := s[:0]
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '?' {
			return append(out, s[i:]...)
		}
		if c == '%' && i+2 < len(s) {
			if decoded, ok := hexByte(s[i+1], s[i+2]); ok {
				if decoded > '%' && decoded < 0x7f {
					out = append(out, decoded)
				} else {
					out = append(out, s[i:i+3]...)
				}
				i += 2
				continue
			}
		}
		out = append(out, c)
	}
	return out
}

func hexByte(high, low byte) (byte, bool) {
	h, ok1 := hexDigit(high)
	l, ok2 := hexDigit(low)
	return h<<4 | l, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}
