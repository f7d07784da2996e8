package http

import (
	"strings"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/heirs"
	"github.com/baton-project/baton/internal/tls"
)

// securePrefix begins the kinds of records of connections on which TLS is spoken,
// or will be, in the place of plainPrefix. They are kinds of their own, because
// who does not know them must not take them for the others.
const (
	plainPrefix  = "http/1"
	securePrefix = "https/1"
)

// secureKind is the kind with TLS of one without.
func secureKind(kind string) string { return securePrefix + strings.TrimPrefix(kind, plainPrefix) }

// plainKind is the kind without TLS of any.
func plainKind(kind string) (plain string, secure bool) {
	if rest, found := strings.CutPrefix(kind, securePrefix); found {
		return plainPrefix + rest, true
	}
	return kind, false
}

// secureState is the TLS of a connection on its way.
type secureState struct {
	Client *tls.State `cbor:"1,keyasint,omitempty"` // nil: before the handshake, or a tunnel's with TLS to the other end
	Name   string     `cbor:"2,keyasint,omitempty"` // secured.name
	Other  *tls.State `cbor:"3,keyasint,omitempty"` // of the other end of a tunnel
}

// guarded reports whether c cannot be handed over and drains as nginx's do: for
// what speaks HTTP/2, and where records are crypto/tls's affair.
func (c *Conn) guarded() bool {
	if s := c.secured; s != nil {
		return !s.stream.Movable() || s.stream.Info().Protocol == "h2"
	}
	return c.introduced && !c.greeted && c.said == nil // a header that says nothing leaves no trace
}

// secureState is the state of TLS on c, nil where there is none.
func (c *Conn) secureState() (s *secureState, err error) {
	made := new(secureState)
	switch {
	case c.secured != nil:
		made.Name = c.secured.name
		if made.Client, err = c.secured.stream.Export(); err != nil {
			return nil, errSecured
		}
	case c.site.ssl && c.greeted: // plain HTTP, to be refused
		return nil, errSecured
	case c.site.ssl:
	case c.kept == nil || c.kept.stream == nil:
		return nil, nil
	}
	if k := c.kept; k != nil && k.stream != nil {
		if made.Other, err = k.stream.Export(); err != nil {
			return nil, errSecured
		}
	}
	return made, nil
}

// states are those that are there, in the order of what travels apart.
func (s *secureState) states() (all []*tls.State) {
	for _, state := range []*tls.State{s.Client, s.Other} {
		if state != nil {
			all = append(all, state)
		}
	}
	return all
}

// pack puts the bulk where it travels; apart is nil when that is in s.
func (s *secureState) pack() (apart *fd.Owned, err error) {
	var bulk [][]byte
	total := 0
	for _, state := range s.states() {
		bulk = append(bulk, state.Bulk)
		total += len(state.Bulk)
	}
	if total <= heirs.Inline {
		return nil, nil
	}
	for _, state := range s.states() {
		state.Bulk = nil
	}
	return heirs.Apart(bulk...)
}

// files is how many files s has.
func (s *secureState) files() int {
	for _, state := range s.states() {
		if len(state.Bulk) < state.BulkSize() {
			return 1
		}
	}
	return 0
}

// unpack is the reverse of pack; apart is closed. s is valid.
func (s *secureState) unpack(apart *fd.Owned) error {
	var sizes []int
	for _, state := range s.states() {
		if len(state.Bulk) > 0 {
			apart.Close()
			return heirs.ErrState
		}
		sizes = append(sizes, state.BulkSize())
	}
	pieces, err := heirs.Together(apart, sizes...)
	for i, state := range s.states() {
		if err == nil {
			state.Bulk = pieces[i]
		}
	}
	return err
}

// valid says whether a connection of ours could have written s.
func (s *secureState) valid(kind string) bool {
	for _, state := range s.states() {
		if !state.Valid() {
			return false
		}
	}
	switch kind {
	case kindConn:
		return s.Other == nil
	case kindDownload:
		return s.Other == nil && s.Client != nil
	}
	return len(s.states()) > 0
}

// wants reports whether a connection of that kind goes on at a site with TLS.
func (s *secureState) wants(kind string) bool {
	return s != nil && (kind == kindConn || s.Client != nil)
}

// resecure gives c, whose site is certain, the TLS that it had; k is for the other
// end.
func (w *Worker) resecure(c *Conn, s *secureState, k *kept) error {
	if s.Other != nil {
		stream, err := w.streams.Import(s.Other)
		if err != nil {
			return heirs.ErrState
		}
		k.stream = stream
	}
	if s.Client == nil {
		return nil
	}
	made := &secured{server: c.site.server}
	if s.Name != "" {
		x := w.exchanges.Get().(*exchange)
		x.conn = c
		x.req.reset(c, x)
		if found := c.site.byHost.find(&x.req, s.Name); found != nil {
			made.server, made.name = found, s.Name
		}
		w.put(x)
	}
	from := made.server.tls
	if from == nil || from.Bare() {
		from = c.site.server.tls
	}
	if from == nil {
		return heirs.ErrNotListened
	}
	stream, err := from.Import(s.Client)
	if err != nil {
		return heirs.ErrState
	}
	stream.SetSocket(&c.Conn)
	made.stream, c.secured = stream, made
	return nil
}
