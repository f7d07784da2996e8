package match

import (
	"errors"
	"strings"
)

// Names finds a value by a name, without regard to the case of ASCII letters.
// The zero value is empty. It is filled while the configuration is read and is
// not written after that.
type Names[V any] struct {
	exact   map[string]V
	heads   map[string]V // ".example.com" for *.example.com and .example.com
	tails   map[string]V // "www.example." for www.example.*
	longest int          // length of the longest key of exact
}

// Errors of AddHost and AddExact.
var (
	ErrWildcard = errors.New("invalid hostname or wildcard")
	ErrConflict = errors.New("conflicting parameter")
)

// AddExact adds a name that stands for itself. It fails with ErrConflict when
// the name is there.
func (n *Names[V]) AddExact(name string, v V) error {
	name = strings.ToLower(name)
	n.longest = max(n.longest, len(name))
	return add(&n.exact, name, v)
}

// AddHost adds a host name, which may be "*.example.com", "www.example.*" or
// ".example.com", the last for the name itself and all below it.
func (n *Names[V]) AddHost(name string, v V) error {
	name = strings.ToLower(name)
	stars := strings.Count(name, "*")
	switch {
	case stars > 1 || strings.Contains(name, "..") || strings.IndexByte(name, 0) >= 0:
		return ErrWildcard
	case len(name) > 1 && name[0] == '.':
		if err := n.AddExact(name[1:], v); err != nil {
			return err
		}
		return add(&n.heads, name, v)
	case len(name) > 2 && strings.HasPrefix(name, "*."):
		return add(&n.heads, name[1:], v)
	case len(name) > 2 && strings.HasSuffix(name, ".*"):
		return add(&n.tails, name[:len(name)-1], v)
	case stars > 0:
		return ErrWildcard
	}
	return n.AddExact(name, v)
}

func add[V any](m *map[string]V, key string, v V) error {
	if _, taken := (*m)[key]; taken {
		return ErrConflict
	}
	if *m == nil {
		*m = make(map[string]V)
	}
	(*m)[key] = v
	return nil
}

// Find returns the value of name: of the name itself, else of the longest
// "*.example.com" above it, else of the longest "www.example.*".
func (n *Names[V]) Find(name string) (v V, ok bool) {
	if len(n.heads)+len(n.tails) == 0 && len(name) > n.longest {
		return v, false
	}
	var room [256]byte
	low := room[:0]
	if len(name) > len(room) {
		low = make([]byte, 0, len(name))
	}
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		low = append(low, c)
	}
	if v, ok = n.exact[string(low)]; ok {
		return v, true
	}
	if len(n.heads) > 0 {
		for i := range low {
			if low[i] == '.' {
				if v, ok = n.heads[string(low[i:])]; ok {
					return v, true
				}
			}
		}
	}
	if len(n.tails) > 0 {
		for i := len(low) - 2; i > 0; i-- {
			if low[i] == '.' {
				if v, ok = n.tails[string(low[:i+1])]; ok {
					return v, true
				}
			}
		}
	}
	return v, false
}
