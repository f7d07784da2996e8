package conf

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWords checks that words come out as nginx's ngx_conf_read_token has them.
func TestWords(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{`note a b;`, `note|a|b`},
		{`note "a b" 'c d' "";`, `note|a b|c d|`},
		{`note "a\"b" 'a\'b' a\"b "\\";`, `note|a"b|a'b|a"b|\`},
		{`note "\'" '\"' "\\\"n" '\\n';`, `note|'|"|\"n|\n`},
		{`note a\tb "x\ny" "\r" "\.\d";`, "note|a\tb|x\ny|\r|\\.\\d"},
		{`note a\ b \; \{ \};`, `note|a\ b|\;|\{|\}`},
		{`note a"b c'd;`, `note|a"b|c'd`},
		{`note a}b }x;`, ``}, // "}" begins nothing
		{`note a}b x};`, `note|a}b|x}`},
		{`note ${a}b$c{d};`, ``},
		{`note ${a}b x${c}y "$d{";`, `note|${a}b|x${c}y|$d{`},
		{`note ${a;`, `note|${a`},
		{`note # comment ; } {` + "\n a;", `note|a`},
		{`note a#b "#c" \#d;`, `note|a#b|#c|\#d`},
		{"note a\r\nb;", `note|a|b`},
		{"note a\rb;", `note|a|b`},
		{"note \"a\rb\" \"\\\r\";", "note|a\rb|\\\r"},
		{"note \xff\xfe \"\xe9\" \xc3\xa9;", "note|\xff\xfe|\xe9|\xc3\xa9"},
		{"note a\u00a0b \u2003 \ufeff;", "note|a\u00a0b|\u2003|\ufeff"},
		{"note \uf77d \"\uf700\" \\\xff;", "note|\uf77d|\uf700|\\\xff"},
		{"note a\vb \f;", "note|a\vb|\f"},
		{`note "a");`, `note|a|)`},
		{`note "{" ";" '}' "#";`, `note|{|;|}|#`},
		{`"note" a;`, `note|a`},
		{`n\ote;`, ``},
		{"note \"a\\\nb\" a\\\nb;", "note|a\\\nb|a\\\nb"},
		{`note (a = b) );`, `note|(a|=|b)|)`},
	} {
		tree, err := parseString(t, tc.text)
		if err != nil {
			if tc.want != "" {
				t.Errorf("%q: %v", tc.text, err)
			}
			continue
		}
		var got string
		if c := Own[web](tree.Root); c != nil {
			got = strings.Join(c.Lines, "\n")
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%q: -want +got\n%s", tc.text, diff)
		}
	}
}

func TestNestingIsBounded(t *testing.T) {
	deep := func(n int) error {
		_, err := parseString(t, "http { server { "+strings.Repeat("location / {\n", n)+strings.Repeat("}", n+2))
		return err
	}
	if err := deep(maxDepth - 2); err != nil {
		t.Error(err)
	}
	if err := deep(1_000_000); err == nil || err.Error() != "blocks are nested too deep in /c/main.conf:999" {
		t.Error(err)
	}
}
