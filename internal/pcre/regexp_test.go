package pcre

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// groups writes what a match captured: "no", or "[whole][1][2]" with "-" for
// groups that have no part in it.
func groups(t *testing.T, re *Regexp, subject string) string {
	t.Helper()
	bounds := make([]int, 2*(re.Groups()+1))
	ok, err := re.Match(subject, bounds)
	if err != nil {
		return err.Error()
	}
	without, _ := re.Match(subject, nil)
	if ok != without {
		t.Errorf("%q: %v with bounds, %v without", subject, ok, without)
	}
	if !ok {
		return "no"
	}
	var b strings.Builder
	for i := 0; i < len(bounds); i += 2 {
		if bounds[i] < 0 {
			b.WriteString("-")
			continue
		}
		fmt.Fprintf(&b, "[%s]", subject[bounds[i]:bounds[i+1]])
	}
	return b.String()
}

// That nginx says the same is tested by http/maps.
func TestMatch(t *testing.T) {
	for _, tt := range []struct{ pattern, subject, want string }{
		{`a|ab`, "ab", "[a]"},
		{`(a|ab)(c|bcd)(d*)`, "abcd", "[abcd][a][bcd][]"},
		{`(?:(a)|b)*`, "ab", "[ab][a]"},
		{`^/(.*)/([^/]*)$`, "/x/y/z", "[/x/y/z][x/y][z]"},
		{`(.*?)(\d+)`, "ab123", "[ab123][ab][123]"},
		{`a$`, "a\n", "[a]"},
		{`a$`, "a\n\n", "no"},
		{`a\z`, "a\n", "no"},
		{`a\Z`, "a\n", "[a]"},
		{`(?m)^b$`, "a\nb\nc", "[b]"},
		{`a.c`, "a\nc", "no"},
		{`(?s)a.c`, "a\nc", "[a\nc]"},
		{`^.$`, "é", "no"},
		{`^..$`, "é", "[é]"},
		{`^é+$`, "é\xa9", "[é\xa9]"},
		{`[é]`, "\xa9", "[\xa9]"},
		{`(?i)é`, "É", "no"},
		{`^www\p{N}+\pL\P{L}$`, "www42x-", "[www42x-]"},
		{`^[\p{Lu}\p{^L}]+$`, "A1_", "[A1_]"},
		{`^\p{L&}$`, "_", "no"},
		{`(?i)k`, "\u212a", "no"},
		{`(?i)STRASSE(?-i)x`, "strassex", "[strassex]"},
		{`(?i:A)b`, "ab", "[ab]"},
		{`(a(?i)b|c)d`, "aBd", "[aBd][aB]"},
		{`(a(?i)b|c)d`, "CD", "no"},
		{`(?i)[a-c]`, "B", "[B]"},
		{`(?i)[^a]`, "A", "no"},
		{`(?x) a b # c`, "ab", "[ab]"},
		{`a\h+b`, "a \tb", "[a \tb]"},
		{`\R`, "\r\n", "[\r\n]"},
		{`\x41\x{42}\103\o{104}\e?`, "ABCD", "[ABCD]"},
		{`[[:alpha:]_]+[[:^digit:]]`, "1_c-", "[_c-]"},
		{`[]a]+[^]a]`, "]a]b", "[]a]b]"},
		{`[\w-]+`, "a-b", "[a-b]"},
		{`\Qa.b*\E+`, "a.b**", "[a.b**]"},
		{`a{2,3}?`, "aaa", "[aa]"},
		{`a{,3}`, "a{,3}", "[a{,3}]"},
		{`a{2000}`, strings.Repeat("a", 2000), "[" + strings.Repeat("a", 2000) + "]"},
		{`\bfoo\b`, "a foo.", "[foo]"},
		{`(?U)a+`, "aaa", "[a]"},
		{`(?<year>\d{4})-(?P<month>\d\d)`, "on 2026-11", "[2026-11][2026][11]"},
		// what needs backtracking
		{`a(?=b)`, "ab", "[a]"},
		{`a(?!b)`, "abac", "[a]"},
		{`(?<=/)\w+$`, "/a/bc", "[bc]"},
		{`(?<!x)y`, "xyzy", "[y]"},
		{`^(?!.*\.php$).*$`, "/a.php", "no"},
		{`(\w)\1`, "hello", "[ll][l]"},
		{`(?<c>\w)\k<c>`, "hello", "[ll][l]"},
		{`(?i)(\w)\g{-1}`, "heLlo", "[Ll][L]"},
		{`a++b`, "aab", "[aab]"},
		{`a++ab`, "aaab", "no"},
		{`(?>a|ab)c`, "abc", "no"},
		{`(?=\bfoo\b)f`, "xfoo foo", "[f]"},
		{`(?=a)a$`, "a\n", "[a]"},
		{`(?=.)\xe9`, "\xe9", "[\xe9]"},
		{`(?<a>x)?(?=y)`, "y", "[]-"},
	} {
		re, err := Compile(tt.pattern, false)
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		if got := groups(t, re, tt.subject); got != tt.want {
			t.Errorf("%s on %q: %s, want %s", tt.pattern, tt.subject, got, tt.want)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	for pattern, want := range map[string]string{
		`(`:       `missing closing parenthesis in "("`,
		`a)b`:     `unmatched closing parenthesis in "a)b" at ")b"`,
		`a|*`:     `quantifier does not follow a repeatable item in "a|*" at "*"`,
		`a**`:     `quantifier does not follow a repeatable item in "a**" at "*"`,
		`[a`:      `missing terminating ] for character class in "[a"`,
		`[b-a]`:   `range out of order in character class in "[b-a]" at "a]"`,
		`a\`:      `\ at end of pattern in "a\"`,
		`a{3,2}`:  `numbers out of order in {} quantifier in "a{3,2}" at "}"`,
		`(?<a`:    `syntax error in subpattern name (missing terminator?) in "(?<a"`,
		`(?<1>a)`: `subpattern name must start with a non-digit in "(?<1>a)" at "1>a)"`,
		`\y`:      `unrecognized character follows \ in "\y" at "y"`,
		`(?z)`:    `unrecognized character after (? or (?- in "(?z)" at "z)"`,
		`(?R)`:    `recursion is not supported in "(?R)" at ")"`,
		`(a)\2`:   `reference to non-existent subpattern in "(a)\2" at "2"`,
	} {
		_, err := Compile(pattern, false)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || err.Error() != want {
			t.Errorf("%s: %v, want %s", pattern, err, want)
		}
	}
}

// A search that would take for ever is cut off, or does not take for ever.
func TestNothingHangs(t *testing.T) {
	subject := strings.Repeat("a", 5000)
	for pattern, want := range map[string]error{`^(a+)+$`: nil, `^(a|aa)+b`: nil, `^(a+)+(?=b)`: ErrTooLong} {
		re, err := Compile(pattern, false)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err = re.Match(subject, nil); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", pattern, err, want)
		}
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("%s took %v", pattern, took)
		}
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	for _, pattern := range []string{`^/a/(.*)\.php$`, `\.(gif|jpe?g|png)$`, `(\w+)/(\d+)`} {
		re, err := Compile(pattern, true)
		if err != nil {
			t.Fatal(err)
		}
		bounds := make([]int, 2*(re.Groups()+1))
		if n := testing.AllocsPerRun(100, func() { _, _ = re.Match("/a/some/path/123/index.php", bounds) }); n >= 1 {
			t.Errorf("%s: %v allocations", pattern, n)
		}
	}
}

// The matcher finds what package regexp finds, for patterns that mean the same
// to both.
func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{{`(a|ab)(c|bcd)*`, "abcdcd"}, {`a*?b+c{1,2}`, "aabbcc"}, {`^(?:x|(y))*\b`, "xyx y"}, {`[^a-c]+|b`, "bdx"}, {`(a*)*|b`, "aab"}, {`(?=a)a++\1`, "aab"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, subject string) {
		if len(pattern) > 100 || len(subject) > 100 {
			return
		}
		re, err := Compile(pattern, false)
		if err != nil {
			return
		}
		got := groups(t, re, subject)
		theirs, err := regexp.Compile(pattern)
		if err != nil || re.linear == nil || strings.ContainsAny(pattern, `$?[\`) || notASCII(pattern+subject) {
			return
		}
		want := "no"
		if at := theirs.FindStringSubmatchIndex(subject); at != nil {
			want = ""
			for i := 0; i < len(at); i += 2 {
				if at[i] < 0 {
					want += "-"
					continue
				}
				want += "[" + subject[at[i]:at[i+1]] + "]"
			}
		}
		if got != want {
			t.Errorf("%q on %q: %s, want %s", pattern, subject, got, want)
		}
	})
}

func notASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) >= 0
}

func BenchmarkMatch(b *testing.B) {
	for _, pattern := range []string{`^/path42/(.*)\.php$`, `\.(gif|jpg|jpeg|png|ico|css|js)$`, `^/([a-z]+)/([0-9]+)/(.*)$`, `bot|crawl|spider`, `(?i)mobile.*android`, `^(?!/static/)`} {
		re, err := Compile(pattern, false)
		if err != nil {
			b.Fatal(err)
		}
		bounds := make([]int, 2*(re.Groups()+1))
		for _, subject := range []string{"/some/path/of/a/request/index.html", "/path/42/file.css"} {
			b.Run(pattern+" "+subject[1:5], func(b *testing.B) {
				b.ReportAllocs()
				for range b.N {
					_, _ = re.Match(subject, bounds)
				}
			})
		}
	}
}
