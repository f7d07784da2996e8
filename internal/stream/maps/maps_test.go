package maps_test

import (
	"testing"

	"github.com/baton-project/baton/internal/modules"
	"github.com/baton-project/baton/internal/stream/streamtest"
)

func TestMap(t *testing.T) {
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{
		Files: map[string]string{"more.map": "included yes;\n"},
		Stream: `
		map $text $found { volatile; hostnames; default none; plain "as $text"; *.example wild; .dot.org dotted; ~^no(.*)$ "regex $1"; ~*^UP named; include {{dir}}/more.map; "" empty; }
		server { listen {{a}}; set $text plain; return $found; }
		server { listen {{b}}; set $text x.y.example; return $found; }
		server { listen {{c}}; set $text dot.org; return $found; }
		server { listen {{d}}; set $text nothing; return $found; }
		server { listen {{e}}; set $text upper; return $found; }
		server { listen {{f}}; set $text included; return $found; }
		server { listen {{g}}; set $text ""; return $found; }
		server { listen {{h}}; set $text else; return $found; }
	`})
	for name, want := range map[string]string{
		"a": "as plain", "b": "wild", "c": "dotted", "d": "regex thing", "e": "named", "f": "yes", "g": "empty", "h": "none",
	} {
		if got := s.Say(name, ""); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestRejected(t *testing.T) {
	for _, text := range []string{
		"map a b { }", "map $a;", "map $remote_addr b { }", "map $remote_addr $b { a; }", "map $remote_addr $b { a b c; }",
		"map $remote_addr $b { a b; a c; }", "map $remote_addr $b { default b; default c; }", "map $remote_addr $b { ~( c; }",
		"map $nothing $b { a b; }", "map $remote_addr $remote_port { a b; }", "map_hash_max_size x;",
	} {
		streamtest.CompareRejected(t, modules.Stream(), text+" server { listen {{a}}; return x; }")
	}
}
