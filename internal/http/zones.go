package http

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/limit"
	"github.com/baton-project/baton/internal/zone"
)

// OwnZone is [limit.DeclareOwn].
func (m *MainBuilder) OwnZone(d *conf.Directive, spec zone.Spec) (*zone.Zone, error) {
	return limit.DeclareOwn(m.env.Zones, d, spec)
}

// MissZone is [limit.Miss].
func (b *Builder) MissZone(d *conf.Directive, name, tag string) error {
	return limit.Miss(b.env.Zones, d, name, tag)
}

// Zone is [limit.Declare].
func (m *MainBuilder) Zone(d *conf.Directive, spec zone.Spec) (*zone.Zone, error) {
	return limit.Declare(m.env.Zones, d, spec)
}
