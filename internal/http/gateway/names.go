package gateway

import (
	"strings"

	"github.com/baton-project/baton/internal/wire/h1"
)

// Names are those of lines of the request that are not simply passed on. The zero value
// is empty.
type Names struct {
	known  uint64
	others []string // in lower case
}

// Put puts name in.
func (n *Names) Put(name string) {
	if id := h1.HeaderIDOf(name); id != h1.HOther {
		n.known |= 1 << id
	} else {
		n.others = append(n.others, strings.ToLower(name))
	}
}

// Has reports whether a field with that name, and ID, is one of them.
func (n *Names) Has(name string, id h1.HeaderID) bool {
	if id != h1.HOther {
		return n.known>>id&1 != 0
	}
	for _, low := range n.others {
		if h1.EqualFold(name, low) {
			return true
		}
	}
	return false
}
