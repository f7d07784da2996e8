package h2up

import (
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/wire/h2"
)

// A Head is the head of a request being made. The zero value is empty.
type Head struct{ block []byte }

// Begin begins a head for the method, with TLS or without, for a path and an
// authority; "" for none.
func (h *Head) Begin(method string, secure bool, path, authority string) {
	h.block = h.block[:0]
	if cap(h.block) > 64<<10 {
		h.block = nil
	}
	switch method {
	case "GET":
		h.block = append(h.block, 0x80|h2.NameMethod)
	case "POST":
		h.block = append(h.block, 0x80|h2.ValuePOST)
	default:
		h.block = h2.AppendNamed(h.block, h2.NameMethod, method)
	}
	scheme := byte(h2.NameScheme)
	if secure {
		scheme = h2.ValueHTTPS
	}
	h.block = append(h.block, 0x80|scheme)
	if path == "/" {
		h.block = append(h.block, 0x80|h2.NamePath)
	} else {
		h.block = h2.AppendNamed(h.block, h2.NamePath, path)
	}
	if authority != "" {
		h.block = h2.AppendNamed(h.block, h2.NameAuthority, authority)
	}
}

// Add adds a field, if it has a value.
func (h *Head) Add(name, value string) {
	if value != "" {
		h.block = h2.AppendField(h.block, name, value)
	}
}

// AddClient adds the fields of the client's that skip does not name.
func (h *Head) AddClient(r *http.Request, skip *gateway.Names) {
	buf := r.HeadBytes()
	for i := range r.Head.Headers {
		f := &r.Head.Headers[i]
		name := f.Name.View(buf)
		if !skip.Has(name, f.ID) {
			h.block = h2.AppendField(h.block, name, f.Value.View(buf))
		}
	}
}

// Append appends the frames. last says that no body follows.
func (h *Head) Append(dst []byte, last bool) []byte { return h2.AppendHead(dst, h.block, last) }
