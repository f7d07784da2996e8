package gateway

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
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
	if _, err := upstream.ParseLocal(d.Args[0]); err != nil && !hasVariable(d.Args[0]) {
		return d.Errorf(`invalid address "%s"`, d.Args[0])
	}
	if len(d.Args) == 2 {
		if d.Args[1] != "transparent" {
			return d.Errorf(`invalid parameter "%s"`, d.Args[1])
		}
		b.transparent = true
	}
	return s.Bind.Set(b)
}

// bind finds out the own address, once for all attempts.
func (x *Exchange) bind() {
	if x.Pass.bind == nil {
		return
	}
	text := x.Pass.bind.Eval(x.Request)
	if text == "" {
		return
	}
	address, err := upstream.ParseLocal(text)
	if err != nil {
		x.Request.Logf(log.Error, `invalid local address "%s"`, text)
		return
	}
	x.local = address
}

func hasVariable(text string) bool { return strings.IndexByte(text, '$') >= 0 }
