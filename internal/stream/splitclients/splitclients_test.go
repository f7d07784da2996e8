package splitclients_test

import (
	"testing"

	"github.com/baton-project/baton/internal/modules"
	"github.com/baton-project/baton/internal/stream/streamtest"
)

// The groups are those of the real nginx: each text has its own for ever.
func TestSplitClients(t *testing.T) {
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{Stream: `
		split_clients $text $half { 50% one; * two; }
		split_clients $text $all { 100% all; }
		split_clients $text $none { 0.01% few; }
		server { listen {{a}}; set $text "10.0.0.1"; return "$half $all <$none>"; }
		server { listen {{b}}; set $text "b"; return "$half $all <$none>"; }
		server { listen {{c}}; set $text "cc"; return "$half $all <$none>"; }
	`})
	for name, want := range map[string]string{"a": "two all <>", "b": "two all <>", "c": "two all <>"} {
		if got := s.Say(name, ""); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestRejected(t *testing.T) {
	for _, text := range []string{
		"split_clients $remote_addr b { }", "split_clients $remote_addr $b { 50 a; }", "split_clients $remote_addr $b { 0% a; }",
		"split_clients $remote_addr $b { 60% a; 60% b; }", "split_clients $remote_addr $b { 101% a; }",
	} {
		streamtest.CompareRejected(t, modules.Stream(), text+" server { listen {{a}}; return x; }")
	}
}
