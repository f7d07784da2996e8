// Package limitconn is nginx's stream limit_conn module: it bounds how many
// sessions there are at once, per key. Package variable/limitconn does the work.
package limitconn

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/internal/variable/limitconn"
)

// Conf is what one level limits.
type Conf = limitconn.Conf[*stream.Session]

// tag is what zones of this feature are for.
const tag = "stream_limit_conn_zone"

// Feature joins the server by its line in internal/modules.
var Feature = stream.Feature[Conf]{
	Name:       "limit_conn",
	Doc:        "bounds how many sessions there are at once",
	Directives: limitconn.Table(conf.StreamMain, conf.StreamMain|conf.StreamServer, func(c *Conf) *Conf { return c }),
	Merge:      (*Conf).Merge,
	Main:       func(c *Conf, m *stream.MainBuilder) error { return c.DeclareZones(m, m.Env().Zones, tag) },
	Declare:    func(c *Conf, m *stream.MainBuilder) error { return c.CompileKeys(m) },
	Install: func(c *Conf, b *stream.Builder) error {
		l, err := c.Compile(b.Variable, b.Env().Zones, tag)
		if err != nil || l == nil {
			return err
		}
		b.Phase(stream.Preaccess, func(s *stream.Session) stream.Result {
			if l.Check(s) {
				return stream.Declined
			}
			return stream.StatusServiceUnavailable
		})
		b.OnResume(l.Resume)
		return nil
	},
}
