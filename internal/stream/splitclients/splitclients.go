// Package splitclients is nginx's stream split_clients module: variables that
// split clients into groups. Package variable/splitclients does the work.
package splitclients

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/internal/variable/splitclients"
)

// Feature joins the server by its line in internal/modules.
var Feature = stream.Feature[splitclients.Conf[*stream.Session]]{
	Name:       "split_clients",
	Doc:        "variables that split clients into groups",
	Directives: splitclients.Table[*stream.Session](conf.StreamMain),
	Main:       func(c *splitclients.Conf[*stream.Session], m *stream.MainBuilder) error { return c.Declare(m) },
}
