package h1

import (
	"strings"
	"testing"
)

func TestKnownHeaders(t *testing.T) {
	for id := HHost; id < numHeaderIDs; id++ {
		name := id.Name()
		for _, spelled := range []string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:]} {
			if got := knownHeader([]byte(spelled)); got != id {
				t.Errorf("%q is taken for %q", spelled, got.Name())
			}
		}
		for i := range name {
			other := []byte(name)
			other[i] ^= 1
			if got := knownHeader(other); got == id {
				t.Errorf("%q is taken for %q", other, name)
			}
		}
	}
	for _, name := range []string{"x", "-", "host-", "Hos\x74x", "x-host"} {
		if got := knownHeader([]byte(name)); got != HOther {
			t.Errorf("%q is taken for %q", name, got.Name())
		}
	}
}
