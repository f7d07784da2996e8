package gateway

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/upstream"
)

// Bind is the own address of connections to upstreams.
type Bind struct {
	at          *conf.Directive // Args[0] is the address; nil: the system chooses
	transparent bool
}

// setBind reads "address [transparent]" or "off".
func (s *Settings) setBind(d *conf.Directive) error {
	if d.Args[0] == "off" && len(d.Args) == 1 {
		return s.Bind.Set(Bind{})
	}
	b := Bind{at: d}
	if len(d.Args) == 2 {
		if d.Args[1] != "transparent" {
			return d.Errorf(`invalid parameter "%s"`, d.Args[1])
		}
		b.transparent = true
	}
	if _, err := upstream.ParseLocal(d.Args[0]); err != nil && !hasVariable(d.Args[0]) {
		return d.Errorf(`invalid address "%s"`, d.Args[0])
	}
	return s.Bind.Set(b)
}

// bind sets the own address.
func (x *Exchange) bind(out *poll.Outgoing) http.Result {
	if x.Pass.bind == nil {
		return http.Declined
	}
	text := x.Pass.bind.Eval(x.Request)
	if text == "" {
		return http.Declined
	}
	address, err := upstream.ParseLocal(text)
	if err != nil {
		x.Request.Logf(logError, `invalid local address "%s"`, text)
		return http.Declined
	}
	out.From, out.Transparent = address, x.Pass.Settings.Bind.V.transparent
	return http.Declined
}
