// Package accesslog is nginx's stream log module: a line for each session that has
// ended. Package variable/accesslog does the work.
package accesslog

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/internal/variable/accesslog"
)

// Conf is the access logs of one level.
type Conf = accesslog.Conf[*stream.Session]

// style has no format that needs not be defined, and no log by default.
var style = accesslog.Style[*stream.Session]{
	Main: conf.StreamMain, In: conf.StreamMain | conf.StreamServer,
	Syntax: "path format [buffer=size] [gzip[=level]] [flush=time] [if=condition] | off", Default: "off",
}

// Feature joins the server by its line in internal/modules.
var Feature = stream.Feature[Conf]{
	Name:       "log",
	Doc:        "access logs of sessions",
	Directives: style.Table(),
	Merge:      (*Conf).Merge,
	Main:       func(c *Conf, m *stream.MainBuilder) error { return c.CheckFormats(m) },
	Declare:    func(c *Conf, m *stream.MainBuilder) error { return c.Name(m.Env().Files) },
	Install: func(c *Conf, b *stream.Builder) error {
		l, err := c.Compile(&style, b, accesslog.Place{Files: b.Env().Files, Caches: stream.Shared[accesslog.Caches](b)})
		if err != nil || l == nil {
			return err
		}
		b.Phase(stream.Log, func(s *stream.Session) stream.Result {
			l.Write(s)
			return stream.OK
		})
		return nil
	},
}
