package maps

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/variable/maps"
)

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[maps.Conf[*http.Request]]{
	Name:       "map",
	Doc:        "variables that depend on other variables",
	Directives: maps.Table[*http.Request](conf.Main),
	Main:       func(c *maps.Conf[*http.Request], m *http.MainBuilder) error { return c.Declare(m) },
}
