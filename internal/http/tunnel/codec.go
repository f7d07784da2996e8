package tunnel

import (
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/cgi"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/wire/h1"
)

// plan is a Conf that is compiled for one location.
type plan struct {
	pass gateway.Pass
	aim  cgi.Aim
}

// install makes the content handler of a location with a tunnel_pass, and of
// blocks inside it.
func (c *Conf) install(b *http.Builder) (err error) {
	place, inherited := cgi.Find(b, func(c *Conf) *cgi.Place { return &c.place })
	if place == nil {
		return nil
	}
	p := new(plan)
	if p.aim, err = place.Compile(b); err != nil {
		return err
	}
	p.pass.Settings, p.pass.Module = &c.Settings, p
	return gateway.Install[Conf](b, &p.pass, inherited, func() gateway.Codec { return new(codec) })
}

// codec says nothing to the upstream and hears nothing: once there is a connection
// the bytes are the client's affair.
type codec struct{ plan *plan }

// Begin finds out where the connection goes to.
func (c *codec) Begin(x *gateway.Exchange) http.Result {
	if x.Request.Method != h1.CONNECT {
		return 405
	}
	c.plan = x.Pass.Module.(*plan)
	return c.plan.aim.Take(x, nil)
}

// Silent is for [gateway.Silent].
func (c *codec) Silent() {}

// ReadHead makes the answer.
func (c *codec) ReadHead(x *gateway.Exchange, _ []byte) (int, gateway.HeadResult) {
	x.Answer.Status, x.Answer.StatusLine, x.Answer.Upgrade = 200, "200 OK", true
	x.SetStatus(200)
	return 0, gateway.HeadDone
}

// TakesBody: there is none.
func (c *codec) TakesBody(*gateway.Exchange) (send, stream bool) { return false, false }

// AppendHead appends nothing.
func (c *codec) AppendHead(dst []byte, _ *gateway.Exchange, _ int64) ([]byte, http.Result) {
	return dst, http.Declined
}

// PieceHead appends nothing.
func (c *codec) PieceHead(dst []byte, _ int) []byte { return dst }

// PieceTail appends nothing.
func (c *codec) PieceTail(dst []byte, _ int) []byte { return dst }

// MaxPiece is 0: there are no pieces.
func (c *codec) MaxPiece() int { return 0 }

// AppendEnd appends nothing.
func (c *codec) AppendEnd(dst []byte) []byte { return dst }

// Restart has nothing to forget.
func (c *codec) Restart() {}

// StartBody: there is none.
func (c *codec) StartBody(*gateway.Exchange) bool { return false }

// ReadBody is not called.
func (c *codec) ReadBody(*gateway.Exchange, []byte) (int, []byte, gateway.BodyResult) {
	return 0, nil, gateway.BodyDone
}

// AtEnd is not called.
func (c *codec) AtEnd(*gateway.Exchange) bool { return true }

// Freeze implements [gateway.Mover]: there is no body.
func (c *codec) Freeze() (state []byte, ok bool) { return nil, false }

// Thaw implements [gateway.Mover].
func (c *codec) Thaw(*gateway.Exchange, []byte) bool { return false }

// FindTarget implements [gateway.Mover].
func (c *codec) FindTarget(x *gateway.Exchange) {
	c.plan = x.Pass.Module.(*plan)
	c.plan.aim.TakeFixed(x)
}
