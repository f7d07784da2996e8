package accesslog

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/variable/accesslog"
)

// Conf is the access logs of one level.
type Conf = accesslog.Conf[*http.Request]

var style = accesslog.Style[*http.Request]{
	Main: conf.Main, In: conf.AnyLevel | conf.LocationIf | conf.LimitExcept,
	Combined: `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"`,
	Syntax:   "path [format [buffer=size] [gzip[=level]] [flush=time] [if=condition]] | off", Default: "logs/access.log combined",
	Writable: rootExists,
}

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[Conf]{
	Name:       "log",
	Doc:        "access logs",
	Directives: style.Table(),
	Merge:      (*Conf).Merge,
	Main:       func(c *Conf, m *http.MainBuilder) error { return c.CheckFormats(m) },
	Declare:    func(c *Conf, m *http.MainBuilder) error { return c.Name(m.Env().Files) },
	Install: func(c *Conf, b *http.Builder) error {
		l, err := c.Compile(&style, b, accesslog.Place{
			Files: b.Env().Files, Default: b.Env().AccessLog, Caches: http.Shared[accesslog.Caches](b)})
		if err != nil || l == nil {
			return err
		}
		b.Log(func(r *http.Request) http.Result {
			l.Write(r)
			return http.OK
		})
		return nil
	},
}
