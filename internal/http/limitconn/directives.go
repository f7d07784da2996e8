package limitconn

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/variable/limitconn"
)

// Conf is what one level limits.
type Conf struct {
	limitconn.Conf[*http.Request]
	Status conf.Setting[int]
}

// tag is what zones of this feature are for.
const tag = "limit_conn_zone"

// Feature joins the server by its line in internal/modules, behind limitreq.
var Feature = http.Feature[Conf]{
	Name: "limit_conn",
	Doc:  "bounds how many requests are handled at once",
	Directives: append(limitconn.Table(conf.Main, conf.AnyLevel, func(c *Conf) *limitconn.Conf[*http.Request] { return &c.Conf }), conf.Entry[Conf]{
		Name: "limit_conn_status", In: conf.AnyLevel, Args: conf.Take1, Default: "503",
		Set: conf.NumBetween(400, 599, func(c *Conf) *conf.Setting[int] { return &c.Status }),
	}),
	Merge: func(c, outer *Conf) error {
		c.Status.Inherit(outer.Status, 503)
		return c.Conf.Merge(&outer.Conf)
	},
	Main:    func(c *Conf, m *http.MainBuilder) error { return c.DeclareZones(m, m.Env().Zones, tag) },
	Declare: func(c *Conf, m *http.MainBuilder) error { return c.CompileKeys(m) },
	Install: func(c *Conf, b *http.Builder) error {
		l, err := c.Compile(b.Variable, b.Env().Zones, tag)
		if err != nil || l == nil {
			return err
		}
		refused := http.Result(c.Status.V)
		b.Phase(http.Preaccess, func(r *http.Request) http.Result {
			if l.Check(r) {
				return http.Declined
			}
			return refused
		})
		b.OnResume(l.Resume)
		return nil
	},
}
