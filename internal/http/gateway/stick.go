package gateway

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/upstream"
)

// A Sticker wants requests that belong together to go to the same peer of an
// upstream{}. Peers are named by [upstream.Peer.SID].
type Sticker interface {
	// Hint returns the peer that r should go to; "": any.
	Hint(r *http.Request) string
	// Chosen is called when r goes to a peer, which need not be that one.
	Chosen(r *http.Request, sid string)
	// Answered is called when the peer has sent the head of an answer that is
	// passed on.
	Answered(r *http.Request, sid string)
	// Served is called when the exchange with the peer ends, if it did not fail.
	Served(r *http.Request, sid string)
}

// Stick makes s the Sticker of the upstream{} that d stands in, and returns the
// name of that.
func Stick(d *conf.Directive, s Sticker) (name string, err error) {
	c, main := conf.Own[Conf](d.Level()), of(d.Level())
	if c == nil || c.config == nil {
		return "", d.Errorf(`"%s" directive is not allowed here`, d.Name)
	}
	if main.stickers == nil {
		main.stickers = make(map[*upstream.Config]Sticker)
	}
	main.stickers[c.config] = s
	return c.config.Name, nil
}

// sticker is that of where the request goes to; nil: there is none.
func (x *Exchange) sticker() Sticker {
	if len(x.Pass.conf.stickers) == 0 || x.target == nil || x.single != nil {
		return nil
	}
	return x.Pass.conf.stickers[x.target.Config()]
}
