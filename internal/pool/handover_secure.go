package pool

import (
	"errors"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/heirs"
	"github.com/baton-project/baton/internal/tls"
)

// bulkInline is how many bytes on their way through TLS travel in the record; more of
// them travel in a memory file. The keys never do.
const bulkInline = 2 << 10

var (
	errPlain   = errors.New("TLS is spoken at the address now")
	errSecured = errors.New("TLS is no longer spoken at the address")
)

// exportTLS puts the TLS of a client that is about to move into state, and what is
// large of it apart.
func (c *client) exportTLS(state *clientState) (kind string, apart []*fd.Owned, err error) {
	if c.pool.security.clients == nil {
		return kindClient, nil, nil
	}
	if c.tls == nil {
		return kindSecure, nil, nil
	}
	if state.TLS, err = c.tls.Export(); err != nil || len(state.TLS.Bulk) <= bulkInline {
		return kindSecure, nil, err
	}
	file, err := heirs.Apart(state.TLS.Bulk)
	if err != nil {
		return kindSecure, nil, err
	}
	state.TLS.Bulk = nil
	return kindSecure, []*fd.Owned{file}, nil
}

// unpack puts what has travelled apart back into s, and closes apart.
func (s *clientState) unpack(kind string, apart []*fd.Owned) error {
	defer fd.CloseAll(apart)
	if s.TLS == nil {
		if len(apart) > 0 {
			return heirs.ErrState
		}
		return nil
	}
	if kind != kindSecure || len(apart) > 1 || !s.TLS.Valid() {
		return heirs.ErrState
	}
	if len(apart) == 1 {
		pieces, err := heirs.Together(apart[0], s.TLS.BulkSize())
		if err != nil || len(s.TLS.Bulk) > 0 {
			return heirs.ErrState
		}
		s.TLS.Bulk = pieces[0]
	}
	if len(s.TLS.Bulk) != s.TLS.BulkSize() {
		return heirs.ErrState
	}
	return nil
}

// importTLS makes the stream of a client that comes to p; nil where there is none.
func (p *livePool) importTLS(kind string, s *clientState) (*tls.Stream, error) {
	clients := p.security.clients
	switch {
	case kind == kindClient && clients != nil:
		return nil, errPlain
	case kind == kindSecure && clients == nil:
		return nil, errSecured
	case s.TLS == nil:
		return nil, nil
	}
	made, err := clients.Import(s.TLS)
	if err != nil {
		return nil, heirs.ErrState
	}
	return made, nil
}
