package proxy

import (
	"net/netip"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/internal/upstream"
)

// bind is the own address of connections to upstreams.
type bind struct {
	at          *conf.Directive // Args[0] is the address; nil: the system chooses
	transparent bool
}

// setBind reads "address [transparent]" or "off".
func (c *Conf) setBind(d *conf.Directive) error {
	if c.Bind.IsSet() {
		return conf.ErrDuplicate
	}
	if d.Args[0] == "off" && len(d.Args) == 1 {
		return c.Bind.Set(bind{})
	}
	b := bind{at: d}
	if _, err := upstream.ParseLocal(d.Args[0]); err != nil && !hasVariable(d.Args[0]) {
		return d.Errorf(`invalid address "%s"`, d.Args[0])
	}
	if len(d.Args) == 2 {
		if d.Args[1] != "transparent" {
			return d.Errorf(`invalid parameter "%s"`, d.Args[1])
		}
		b.transparent = true
	}
	return c.Bind.Set(b)
}

// bindTo is the own address; nil: the system chooses.
func (p *pass) bindTo(s *stream.Session) *netip.AddrPort {
	text := p.bind.Eval(s)
	if text == "" {
		return nil
	}
	address, err := upstream.ParseLocal(text)
	if err != nil {
		s.Logf(log.Error, `invalid local address "%s"`, text)
		return nil
	}
	return &address
}
