// Package geo is nginx's stream geo module: variables that depend on an address.
// Package variable/geo does the work.
package geo

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/internal/variable/geo"
)

// Feature joins the server by its line in internal/modules.
var Feature = stream.Feature[geo.Conf[*stream.Session]]{
	Name:       "geo",
	Doc:        "variables that depend on an address",
	Directives: geo.Table[*stream.Session](conf.StreamMain),
	Main:       func(c *geo.Conf[*stream.Session], m *stream.MainBuilder) error { return c.Declare(m) },
}
