package accesslog

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseFormat(t *testing.T) {
	for _, tt := range []struct {
		args   []string
		escape escape
		want   []piece
		err    string
	}{
		{args: []string{"plain"}, want: []piece{{text: "plain"}}},
		{args: []string{"a", "b$x", "${y}c"}, want: []piece{{text: "ab"}, {variable: "x"}, {variable: "y"}, {text: "c"}}},
		{args: []string{`$a-"$b"`}, want: []piece{{variable: "a"}, {text: `-"`}, {variable: "b"}, {text: `"`}}},
		{args: []string{"escape=json", "$a"}, escape: escapeJSON, want: []piece{{variable: "a"}}},
		{args: []string{"escape=none", "$a"}, escape: escapeNone, want: []piece{{variable: "a"}}},
		{args: []string{"escape=default", "$a"}, want: []piece{{variable: "a"}}},
		{args: []string{"x", "escape=json"}, want: []piece{{text: "xescape=json"}}},
		{args: []string{""}},
		{args: []string{"escape=xml", "$a"}, err: `unknown log format escaping "xml"`},
		{args: []string{"a$"}, err: `invalid parameter "$"`},
		{args: []string{"a${"}, err: `invalid parameter "${"`},
		{args: []string{"a$-b"}, err: `invalid parameter "$-b"`},
		{args: []string{"a${}b"}, err: `invalid parameter "${}b"`},
		{args: []string{"a${b"}, err: `the closing bracket in "b" variable is missing`},
		{args: []string{"a${b-c}"}, err: `the closing bracket in "b" variable is missing`},
	} {
		esc, got, err := parseFormat(tt.args)
		if tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("%q: error %v, want %s", tt.args, err, tt.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", tt.args, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(piece{})); diff != "" {
			t.Errorf("%q: %s", tt.args, diff)
		}
		if esc != tt.escape {
			t.Errorf("%q: escape %d, want %d", tt.args, esc, tt.escape)
		}
	}
}

// FuzzParseFormat checks that a format that is accepted holds the bytes it
// was given: its pieces, written out again, are the source.
func FuzzParseFormat(f *testing.F) {
	f.Add("$remote_addr - [$time_local] \"$request\"")
	f.Add("${a}b$c${d}")
	f.Add("escape=json")
	f.Add("$")
	f.Fuzz(func(t *testing.T, source string) {
		_, pieces, err := parseFormat([]string{"escape=none", source})
		if err != nil {
			return
		}
		var out strings.Builder
		for _, p := range pieces {
			if p.variable == "" {
				out.WriteString(p.text)
				continue
			}
			out.WriteString("$" + p.variable)
		}
		plain := strings.NewReplacer("${", "$", "}", "")
		if plain.Replace(out.String()) != plain.Replace(source) {
			t.Errorf("%q became %q", source, out.String())
		}
	})
}
