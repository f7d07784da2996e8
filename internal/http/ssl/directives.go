package ssl

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
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
		shared := settings.NewServers(m.Env().Zones)
		m.TLS(func(l *conf.Level) (*tls.Server, error) { return shared.Find(conf.Get[Conf](l), l) })
		return settings.DeclareVariables[*http.Request](m)
	},
}
