package core

import (
	"time"

	"github.com/baton-project/baton/internal/conf"
)

// orphans is what becomes of tunnels that nobody owns after a handover.
type orphans struct {
	close bool
	after time.Duration
}

func (c *Conf) setOrphans(d *conf.Directive) error {
	if c.Orphans.IsSet() {
		return conf.ErrDuplicate
	}
	var o orphans
	switch d.Args[0] {
	case "keep":
		if len(d.Args) > 1 {
			return d.Errorf("invalid parameter \"%s\"", d.Args[1])
		}
	case "close":
		o.close = true
		if len(d.Args) > 1 {
			var err error
			if o.after, err = conf.ParseMsec(d.Args[1]); err != nil {
				return d.Errorf("invalid time \"%s\"", d.Args[1])
			}
		}
	default:
		return d.Errorf("invalid value \"%s\" in \"%s\" directive, it must be \"keep\" or \"close\"", d.Args[0], d.Name)
	}
	return c.Orphans.Set(o)
}
