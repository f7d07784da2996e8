package conf

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzText holds the reader against a plain transcription of nginx's tokenizer: the same statements, words, lines, and
// the same fault.
func FuzzText(f *testing.F) {
	for _, seed := range []string{
		"a b;\nc { d 'e' \"f\"; }\n", "a \"b\\\"c\" d\\te;#x\nf;", "a ${b}c}d;", "map $a $b { include x; \"}\" 1; }",
		"if ($a = \"b\") { }", "a\r\nb\r;", "\xff\xfe;\u00a0 a\u2003b;", "types { a b c; { } }", "a \\", "a $\\{b;",
		"a \"b\"c;", "}", "a{a{a{", "'a';\"\";", "a '\\\r';", "${{;a${b;c}d;", "a#b;c #d\n;", "include \"a\"b;",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) >= maxWord {
			t.Skip("nginx's buffer is not transcribed")
		}
		want := transcribe(src)
		var got []string
		flatten(statementsOf("f", []byte(src)), &got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q: -nginx +ours\n%s", src, diff)
		}
	})
}

func flatten(list []*Directive, out *[]string) {
	for _, d := range list {
		if d.stop != nil {
			*out = append(*out, fmt.Sprintf("%s line %d", d.stop.Msg, d.stop.Line))
			return
		}
		*out = append(*out, fmt.Sprintf("%q block %v line %d", append([]string{d.Name}, d.Args...), d.IsBlock, d.Line))
		flatten(d.Block, out)
	}
}

// transcribe reads statements as ngx_conf_parse and ngx_conf_read_token do.
func transcribe(src string) (out []string) {
	var (
		words                               []string
		word                                []byte
		found, needSpace, comment, variable bool
		quoted                              bool
		quote                               byte
		lastSpace                           = true
		line, depth                         = 1, 0
	)
	fault := func(format string, args ...any) []string {
		return append(out, fmt.Sprintf(format, args...)+fmt.Sprintf(" line %d", line))
	}
	end := func(block bool) {
		out = append(out, fmt.Sprintf("%q block %v line %d", words, block, line))
		words, needSpace, lastSpace, variable, quote = nil, false, true, false, 0
		if block {
			depth++
		}
	}
	space := func(ch byte) bool { return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n' }
	for i := 0; i < len(src); i++ {
		ch := src[i]
		if ch == '\n' {
			line++
			comment = false
		}
		if comment {
			continue
		}
		if quoted {
			quoted = false
			word = append(word, ch)
			continue
		}
		if needSpace {
			switch {
			case space(ch):
				lastSpace, needSpace = true, false
				continue
			case ch == ';' || ch == '{':
				end(ch == '{')
				continue
			case ch == ')':
				lastSpace, needSpace = true, false
			default:
				return fault("unexpected \"%s\"", []byte{ch})
			}
		}
		if lastSpace {
			if space(ch) {
				continue
			}
			word = word[:0]
			switch ch {
			case ';', '{':
				if len(words) == 0 {
					return fault("unexpected \"%c\"", ch)
				}
				end(ch == '{')
				continue
			case '}':
				if len(words) != 0 || depth == 0 {
					return fault("unexpected \"}\"")
				}
				depth--
				continue
			case '#':
				comment = true
				continue
			case '\\':
				quoted, lastSpace = true, false
				word = append(word, ch)
				continue
			case '"', '\'':
				quote, lastSpace = ch, false
				continue
			case '$':
				variable = true
			}
			lastSpace = false
			word = append(word, ch)
			continue
		}
		if ch == '{' && variable {
			word = append(word, ch)
			continue
		}
		variable = false
		switch {
		case ch == '\\':
			quoted = true
		case ch == '$':
			variable = true
		case quote != 0:
			if ch == quote {
				quote, needSpace, found = 0, true, true
			}
		case space(ch) || ch == ';' || ch == '{':
			lastSpace, found = true, true
		}
		if !found {
			word = append(word, ch)
			continue
		}
		found = false
		words = append(words, resolve(word))
		if lastSpace && !space(ch) {
			end(ch == '{')
		}
	}
	switch {
	case len(words) > 0 || !lastSpace:
		return fault(`unexpected end of file, expecting ";" or "}"`)
	case depth > 0:
		return fault(`unexpected end of file, expecting "}"`)
	}
	return out
}

func resolve(src []byte) string {
	var dst []byte
	for i := 0; i < len(src); i++ {
		if src[i] == '\\' && i+1 < len(src) {
			switch src[i+1] {
			case '"', '\'', '\\':
				i++
			case 't':
				dst, i = append(dst, '\t'), i+1
				continue
			case 'r':
				dst, i = append(dst, '\r'), i+1
				continue
			case 'n':
				dst, i = append(dst, '\n'), i+1
				continue
			}
		}
		dst = append(dst, src[i])
	}
	return string(dst)
}

// FuzzParse looks for panics in the walk, and for errors that name no place.
func FuzzParse(f *testing.F) {
	f.Add("http { server { location / { note a; flag on; } } types { a b; include c; } }", "note a;")
	f.Add("include *; include main.conf; size 1k;", "tuning 1; include main.conf;")
	f.Fuzz(func(t *testing.T, text, globals string) {
		src := files{"/c/main.conf": text, "/c/c": "x y;\n"}
		_, err := Parse("/c/main.conf", src, testRegistry(), Options{Globals: globals})
		if e, ok := err.(*Error); err != nil && (!ok || e.Msg == "" || e.File == "") {
			t.Fatalf("%q, %q: %#v", text, globals, err)
		}
	})
}
