package set_test

import (
	"testing"

	"github.com/baton-project/baton/internal/modules"
	"github.com/baton-project/baton/internal/stream/streamtest"
)

// Each set counts from where it stands on; what map made of a variable before
// stays, and a variable that only another server sets is empty.
func TestSet(t *testing.T) {
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{Stream: `
		map $mapped $seen { default "[$mapped]"; }
		map $remote_addr $mapped { default of_map; }
		server { listen {{plain}}; set $a one; set $b "$a two"; set $a three; return "$a $b"; }
		server { listen {{map}}; set $mapped of_set; return "$mapped $seen"; }
		server { listen {{other}}; return "<$a>"; }
	`})
	for name, want := range map[string]string{"plain": "three one two", "map": "of_set [of_set]", "other": "<>"} {
		if got := s.Say(name, ""); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestRejected(t *testing.T) {
	for _, text := range []string{"set a b;", "set $a;", "set $a b c;", "set $remote_addr b;", "set $a $nothing;", "set $ b;"} {
		streamtest.CompareRejected(t, modules.Stream(), "server { listen {{a}}; return x; "+text+" }")
	}
	streamtest.CompareRejected(t, modules.Stream(), "set $a b;")
}
