package ssl

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/tls"
	"github.com/baton-project/baton/internal/tls/settings"
)

// Conf is what one level says.
type Conf = settings.Server

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[Conf]{
	Name:       "ssl",
	Doc:        "TLS for clients.",
	Directives: settings.ServerTable(conf.Main|conf.Server, func(c *Conf) *settings.Server { return c }),
	Merge:      (*Conf).Merge,
	Main: func(_ *Conf, m *http.MainBuilder) error {
		shared := settings.NewServers(settings.Env{Zones: m.Env().Zones, Logger: m.Env().Logger, Resolver: m.ResolverAt, Context: "HTTP"})
		m.OnStart(func(*log.Logger) func() { return shared.Stop })
		m.TLS(func(l *conf.Level) (*tls.Server, error) { return shared.Find(conf.Get[Conf](l), l) })
		return settings.DeclareVariables[*http.Request](m)
	},
	Declare: func(c *Conf, m *http.MainBuilder) error {
		return c.CompileNames(func(d *conf.Directive, text string) (func(any) string, error) {
			v, err := m.Compile(d, text)
			return func(r any) string { return strings.Clone(v.Eval(r.(*http.Request))) }, err
		})
	},
}
