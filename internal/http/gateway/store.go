package gateway

import "github.com/baton-project/baton/internal/conf"

// setStore takes "off": answers are not kept as files that others serve.
func (s *Settings) setStore(d *conf.Directive) error {
	if d.Args[0] != "off" {
		return d.Errorf(`"%s" is not supported`, d.Name)
	}
	return s.Store.Set(false)
}

func (s *Settings) setStoreAccess(d *conf.Directive) error {
	return d.Errorf(`"%s" is not supported`, d.Name)
}
