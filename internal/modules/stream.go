package modules

import (
	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/internal/stream/access"
	"github.com/baton-project/baton/internal/stream/accesslog"
	"github.com/baton-project/baton/internal/stream/geo"
	"github.com/baton-project/baton/internal/stream/limitconn"
	"github.com/baton-project/baton/internal/stream/maps"
	"github.com/baton-project/baton/internal/stream/pass"
	"github.com/baton-project/baton/internal/stream/proxy"
	"github.com/baton-project/baton/internal/stream/realip"
	"github.com/baton-project/baton/internal/stream/returns"
	"github.com/baton-project/baton/internal/stream/set"
	"github.com/baton-project/baton/internal/stream/splitclients"
	"github.com/baton-project/baton/internal/stream/ssl"
	"github.com/baton-project/baton/internal/stream/sslpreread"
	"github.com/baton-project/baton/internal/stream/upstream"
)

// Stream lists the features of stream{}. The order is the order in which handlers
// of one phase run.
func Stream() []stream.Module {
	return []stream.Module{
		realip.Feature, // before all that looks at the address
		geo.Feature,
		maps.Feature,
		splitclients.Feature,
		set.Feature,
		limitconn.Feature,
		access.Feature,
		ssl.Feature,
		sslpreread.Feature,
		returns.Feature,
		pass.Feature,
		upstream.Feature, // before proxy
		proxy.Feature,
		accesslog.Feature,
	}
}
