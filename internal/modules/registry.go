package modules

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/core"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/pool"
	"github.com/baton-project/baton/internal/stream"
)

// Registry returns the tables of every directive that exists.
func Registry() *conf.Registry {
	r := conf.NewRegistry()
	core.Register(r)
	http.Register(r, HTTP())
	stream.Register(r, Stream())
	pool.Register(r)
	return r
}
