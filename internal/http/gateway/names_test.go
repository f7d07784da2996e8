package gateway

import (
	"testing"

	"github.com/baton-project/baton/internal/wire/h1"
)

func TestNames(t *testing.T) {
	var n Names
	for _, name := range []string{"X-One", "user-agent", "TE"} {
		n.Put(name)
	}
	for name, want := range map[string]bool{
		"X-One": true, "x-one": true, "X-ONE": true, "User-Agent": true, "te": true, "X-Two": false, "Host": false, "X-On": false,
	} {
		if got := n.Has(name, h1.HeaderIDOf(name)); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
