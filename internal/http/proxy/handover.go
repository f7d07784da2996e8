package proxy

import (
	"github.com/fxamacker/cbor/v2"

	"github.com/baton-project/baton/internal/http/gateway"
)

// bodyState is where an answer's body stands that moves to another worker.
type bodyState struct {
	Mode  uint8 `cbor:"1,keyasint"`
	Left  int64 `cbor:"2,keyasint,omitempty"` // of a body of known size
	Chunk uint8 `cbor:"3,keyasint,omitempty"` // where in the grammar of chunks
	Size  int64 `cbor:"4,keyasint,omitempty"` // of a chunk, what is to come
}

// Freeze implements [gateway.Mover].
func (c *codec) Freeze() (state []byte, ok bool) {
	s := bodyState{Mode: uint8(c.mode), Left: c.left}
	if s.Chunk, s.Size, ok = c.chunks.Mark(); !ok || c.mode == noBody || c.behind {
		return nil, false
	}
	state, err := cbor.Marshal(&s)
	return state, err == nil
}

// Thaw implements [gateway.Mover].
func (c *codec) Thaw(x *gateway.Exchange, state []byte) bool {
	var s bodyState
	if cbor.Unmarshal(state, &s) != nil {
		return false
	}
	c.mode, c.left = bodyMode(s.Mode), s.Left
	switch c.mode {
	case bodyOfSize:
		return c.left > 0
	case bodyChunked:
		c.keepTrailers(x)
		return c.chunks.Restore(s.Chunk, s.Size)
	}
	return c.mode == bodyUntilClose
}

// FindTarget implements [gateway.Mover]. It is where the codec of an exchange that
// has moved begins.
func (c *codec) FindTarget(x *gateway.Exchange) {
	p := x.Pass.Module.(*plan)
	*c = c.fresh(p)
	if p.target != nil {
		x.SetTarget(p.target)
	}
}

// Told implements [gateway.Teller].
func (c *codec) Told() []string {
	if c.plan.target != nil {
		return nil
	}
	return []string{c.url.schema, c.url.host, c.url.header, c.url.port, c.url.uri}
}

// Tell implements [gateway.Teller].
func (c *codec) Tell(told []string) {
	if len(told) == 5 && c.plan.target == nil {
		c.url = address{schema: told[0], host: told[1], header: told[2], port: told[3], uri: told[4]}
	}
}
