package splitclients

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/variable/splitclients"
)

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[splitclients.Conf[*http.Request]]{
	Name:       "split_clients",
	Doc:        "variables that split clients into groups",
	Directives: splitclients.Table[*http.Request](conf.Main),
	Main:       func(c *splitclients.Conf[*http.Request], m *http.MainBuilder) error { return c.Declare(m) },
}
