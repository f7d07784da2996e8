package geo

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/variable/geo"
)

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[geo.Conf[*http.Request]]{
	Name:       "geo",
	Doc:        "variables that depend on an address",
	Directives: geo.Table[*http.Request](conf.Main),
	Main:       func(c *geo.Conf[*http.Request], m *http.MainBuilder) error { return c.Declare(m) },
}
