// Package maps is nginx's stream map module: variables that depend on others.
// Package variable/maps does the work.
package maps

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/internal/variable/maps"
)

// Feature joins the server by its line in internal/modules.
var Feature = stream.Feature[maps.Conf[*stream.Session]]{
	Name:       "map",
	Doc:        "variables that depend on other variables",
	Directives: maps.Table[*stream.Session](conf.StreamMain),
	Main:       func(c *maps.Conf[*stream.Session], m *stream.MainBuilder) error { return c.Declare(m) },
}
