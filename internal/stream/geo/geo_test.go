package geo_test

import (
	"testing"

	"github.com/baton-project/baton/internal/modules"
	"github.com/baton-project/baton/internal/stream/streamtest"
)

func TestGeo(t *testing.T) {
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{
		Files: map[string]string{"nets.geo": "192.0.2.0/24 included;\n"},
		Stream: `
		geo $client { default far; 127.0.0.0/8 near; 127.0.0.2 nearer; ::1 six; }
		geo $told $net { default unknown; include {{dir}}/nets.geo; 10.0.0.0/8 ten; 10.1.0.0/16 ten_one; delete 192.0.2.0/24; 192.0.2.7 seven; 2001:db8::/32 six; }
		geo $told $range { ranges; default out; 10.0.0.0-10.0.0.9 low; 10.0.0.5-10.0.0.5 five; }
		server { listen {{a}}; set $told 10.1.2.3; return "$client $net $range"; }
		server { listen {{b}}; set $told 10.0.0.5; return "$net $range"; }
		server { listen {{c}}; set $told 192.0.2.7; return "$net $range"; }
		server { listen {{d}}; set $told 2001:db8::1; return "$net"; }
		server { listen {{e}}; set $told nonsense; return "$net"; }
	`})
	for name, want := range map[string]string{"a": "near ten_one out", "b": "ten five", "c": "seven out", "d": "six", "e": "unknown"} {
		if got := s.Say(name, ""); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestRejected(t *testing.T) {
	for _, text := range []string{
		"geo b { }", "geo $b { 1.2.3.4; }", "geo $b { 1.2.3.4 a b; }", "geo $b { x y; }", "geo $b { 1.2.3.4/33 a; }",
		"geo $b { ranges; 1.2.3.4-1.2.3.3 a; }", "geo $b { 1.2.3.4 a; ranges; }", "geo $b { proxy 1.2.3.4; }", "geo a $b { }",
	} {
		streamtest.CompareRejected(t, modules.Stream(), text+" server { listen {{a}}; return x; }")
	}
}
