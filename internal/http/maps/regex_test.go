package maps_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

// quoted is text as an argument in double quotes.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// Each pattern is tried on each path, by both servers.
func TestPatternsAsNginx(t *testing.T) {
	patterns := []string{
		`^/$`, `^/a`, `a$`, `^/(.*)$`, `^/(.*?)/(.*)$`, `/([^/]+)/?$`, `\.(gif|jpe?g|png)$`, `\.php(/|$)`, `^/(\d+)-(\w+)`, `(\d)(\d)?(\d)?`, `^/(?:a|(b))c?`, `(a|ab)(c|bcd)(d*)`,
		`*.`, `*^/(A.*)$`, `*[a-c]X`, `*É`, `É`, `[é]`, `^/..$`, `^/.$`, `\x41`, `\n`, `\s`, `\h`, `\R`, `^/a\b`, `\Ba`, `\w+$`, `\W(\w+)\W`, `\D$`, `[[:alpha:]]+$`, `[[:^alpha:]](.)`, `[^\w/]`,
		`(?i)ABC`, `(?i:A)bc`, `(?i)a(?-i)B`, `(a(?i)b|c)d`, `(?x) / a # comment`, `(?s)a.b`, `a.b`, `(?m)^b$`, `^b$`, `a\Z`, `a\z`, `(?U)/(.+)b`, `/(.+?)b`, `a{2}`, `a{2,}b`, `a{,2}`, `a{1`, `x{0}a`, `()`, `a||b`,
		`(?<=/)b`, `(?<!/)b`, `a(?=b)`, `a(?!b)`, `^(?!/a)`, `^/(?!(a|b)).*$`, `^(?!.*\.php$).*$`, `(\w)\1`, `(?<ch>\w)\k<ch>`, `(?P<pc>\w)(?P=pc)`, `(\w)\g1`, `(\w)\g{-1}`, `*(\w)\1`, `a++b`, `a*+a`, `(?>a|ab)c`, `(?>ab|a)c`, `[^/]++$`,
		`^/(?<first>[^/]*)/(?<second>[^/]*)`, `^/(?'third'[^/]*)`, `\Q.b\E`, `\.b`, `\/a`, `[\]a]b`, `[]a]b`, `[a\-z]$`, `[a-]$`, `[-a]$`, `[\d-]$`, `\d{2,3}?`, `(/\w+){2}`, `^(/[^/]+)+$`, `\Aa|b\z`, `[\x00-\x1f]`, `[^\x00-\x7f]`, `\p{L}`, `\p{N}\PN`, `\p{^Lu}[\p{Ll}]`, `\p{Klingon}`, `\p{`, `\p`, `\K/a`, `\101`, `[\101]`, `\cA`, `\e`, `(?#comment)a`, `\Gx?/`, `\N`, `(?|(a)|(b))`, `(a)|(b)`, `a|*`, `(`, `a)`, `[a`, `a**`, `(?z)`, `[b-a]`, `\y`, `(?<a`, `(?<1>x)`,
	}
	paths := []string{
		"/", "/a", "/ab", "/abc", "/ABC", "/aB", "/abcd", "/b", "/c", "/a/b", "/a/b/", "/aab", "/aaab", "/x/y.gif", "/x.JPEG", "/index.php", "/index.php/x", "/12-ab", "/123", "/a.b", "/a.php.b",
		"/%0A", "/a%0A", "/a%0Ab", "/a%0Ab%0Ac", "/a%0A%0A", "/b%0D%0A", "/%C3%A9", "/%C3%89", "/%E9", "/a%20b", "/a%09b", "/hello", "/heLlo", "/a-", "/]b", "/a%7B1", "/a%7B,2%7D", "/%01x", "/%1B", "/A", "/aXb",
	}
	var kept []string
	for _, p := range patterns { // those that one refuses both refuse, apart from what is known
		site := httptest.Site{HTTP: "map $uri $x { " + quoted("~"+p) + " 1; }"}
		nginx, ours := httptest.RejectedByNginx(t, site), httptest.Rejected(t, modules.HTTP(), site)
		switch {
		case nginx == "" && ours == "":
			kept = append(kept, p)
		case nginx == "" && p == `(?|(a)|(b))`:
		case nginx != ours:
			t.Errorf("%s\nnginx: %s\nbaton: %s", p, nginx, ours)
		}
	}
	var text, tests strings.Builder
	var targets []string
	for i, p := range kept {
		fmt.Fprintf(&text, "map $uri $m%d { %s \"[$1][$2][$3]\"; default -; }\n", i, quoted("~"+p))
		fmt.Fprintf(&tests, "if ($arg_n = %d) { return 200 %s; }\n", i, quoted(fmt.Sprintf("$m%d,$first,$second,$third,$ch,$pc", i)))
		for _, path := range paths {
			targets = append(targets, fmt.Sprintf("%s?n=%d", path, i))
		}
	}
	text.WriteString("server { listen {{addr}}; types { } default_type text/plain; " + tests.String() + " }")
	httptest.Compare(t, modules.HTTP(), httptest.Site{HTTP: text.String()}, httptest.Gets(targets...))
}
