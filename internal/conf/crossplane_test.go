package conf

import (
	"errors"
	"io"
	"strings"
	"testing"

	crossplane "github.com/nginxinc/nginx-go-crossplane"
)

// TestCrossplaneAgreesWithTheTables gives crossplane our tables, whose bits
// have to mean the same to it, and compares its verdict with that of the walk.
func TestCrossplaneAgreesWithTheTables(t *testing.T) {
	reg := testRegistry()
	match := func(name string) (masks []uint, known bool) {
		for _, e := range reg.byName[name] {
			masks = append(masks, uint(e.In)|uint(e.Args))
		}
		return masks, len(masks) > 0
	}
	for _, text := range []string{
		"tuning 1; http { server { location / { if (a) { flag on; } } } types { a b; } }",
		"note; note 1 2 3 4 5 6 7 8 9;",
		"nothing;",
		"server { }",
		"flag on;",
		"http { tuning 1; }",
		"http { location / { } }",
		"http { server { if (a) { } } }",
		"http { server { location / { if (a) { location /b { } } } } }",
		"http { server { location / { if (a) { size 1; } } } }",
		"http { server { location / { if (a) { server { } } } } }",
		"http a { }",
		"http;",
		"http { server { location; } }",
		"http { server { location { } } }",
		"http { server { location = / a { } } }",
		"http { one; }",
		"http { one 1 2; }",
		"http { one 1 { } }",
		"http { flag; }",
		"http { flag on off; }",
		"http { flag maybe; }",
	} {
		_, err := crossplane.Parse("/c/main.conf", &crossplane.ParseOptions{
			Open:                     func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
			SingleFile:               true,
			StopParsingOnError:       true,
			ErrorOnUnknownDirectives: true,
			DirectiveSources:         []crossplane.MatchFunc{match},
		})
		want := "accepted"
		var refused *crossplane.ParseError
		if errors.As(err, &refused) {
			want = refused.What
		}
		got := "accepted"
		var ours *Error
		if _, err := parseString(t, text); errors.As(err, &ours) {
			got = ours.Msg
		}
		if got != want {
			t.Errorf("%s\n ours       %s\n crossplane %s", text, got, want)
		}
	}
}
