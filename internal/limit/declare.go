package limit

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/zone"
)

const noZones = "there is no shared memory for zones"

// DeclareOwn declares the zone of a directive that no other directive may name
// again, such as limit_req_zone. zones may be nil, which is an error.
func DeclareOwn(zones *zone.Set, d *conf.Directive, spec zone.Spec) (*zone.Zone, error) {
	if zones == nil {
		return nil, d.Errorf(noZones)
	}
	made, declared, err := zones.Declare(spec)
	switch {
	case err != nil:
		return nil, d.Errorf("%v", err)
	case declared:
		return nil, d.Errorf(`%s "%s" is already bound to key "%s"`, d.Name, made.Name, made.Key)
	}
	return made, nil
}

// Declare declares the zone of a directive, which others may name again, or, with
// a spec without a size, refers to one that another directive gives its size.
func Declare(zones *zone.Set, d *conf.Directive, spec zone.Spec) (*zone.Zone, error) {
	if zones == nil {
		return nil, d.Errorf(noZones)
	}
	if spec.Size == 0 {
		made, err := zones.Use(spec.Name, spec.Tag)
		if err != nil {
			return nil, d.Errorf("%v", err)
		}
		return made, nil
	}
	made, _, err := zones.Declare(spec)
	if err != nil {
		return nil, d.Errorf("%v", err)
	}
	return made, nil
}

// Miss notes that d refers to a zone which no directive has declared: an error
// when the zones are opened.
func Miss(zones *zone.Set, d *conf.Directive, name, tag string) error {
	if zones == nil {
		return d.Errorf(noZones)
	}
	if _, err := zones.Use(name, tag); err != nil {
		return d.Errorf("%v", err)
	}
	return nil
}
