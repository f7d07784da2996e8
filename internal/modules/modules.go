// Package modules is the list of the features that a baton has.
package modules

import (
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/access"
	"github.com/baton-project/baton/internal/http/accesslog"
	"github.com/baton-project/baton/internal/http/addition"
	"github.com/baton-project/baton/internal/http/authbasic"
	"github.com/baton-project/baton/internal/http/authrequest"
	"github.com/baton-project/baton/internal/http/autoindex"
	"github.com/baton-project/baton/internal/http/browser"
	"github.com/baton-project/baton/internal/http/charset"
	"github.com/baton-project/baton/internal/http/dav"
	"github.com/baton-project/baton/internal/http/earlyread"
	"github.com/baton-project/baton/internal/http/emptygif"
	"github.com/baton-project/baton/internal/http/fastcgi"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/http/geo"
	"github.com/baton-project/baton/internal/http/grpc"
	"github.com/baton-project/baton/internal/http/gunzip"
	"github.com/baton-project/baton/internal/http/gzip"
	"github.com/baton-project/baton/internal/http/gzipstatic"
	"github.com/baton-project/baton/internal/http/headers"
	"github.com/baton-project/baton/internal/http/index"
	"github.com/baton-project/baton/internal/http/limitconn"
	"github.com/baton-project/baton/internal/http/limitrate"
	"github.com/baton-project/baton/internal/http/limitreq"
	"github.com/baton-project/baton/internal/http/maps"
	"github.com/baton-project/baton/internal/http/memcached"
	"github.com/baton-project/baton/internal/http/mirror"
	"github.com/baton-project/baton/internal/http/notmodified"
	"github.com/baton-project/baton/internal/http/proxy"
	"github.com/baton-project/baton/internal/http/randomindex"
	"github.com/baton-project/baton/internal/http/ranges"
	"github.com/baton-project/baton/internal/http/realip"
	"github.com/baton-project/baton/internal/http/referer"
	"github.com/baton-project/baton/internal/http/rewrite"
	"github.com/baton-project/baton/internal/http/scgi"
	"github.com/baton-project/baton/internal/http/securelink"
	"github.com/baton-project/baton/internal/http/slice"
	"github.com/baton-project/baton/internal/http/splitclients"
	"github.com/baton-project/baton/internal/http/ssi"
	"github.com/baton-project/baton/internal/http/ssl"
	"github.com/baton-project/baton/internal/http/static"
	"github.com/baton-project/baton/internal/http/sticky"
	"github.com/baton-project/baton/internal/http/stubstatus"
	"github.com/baton-project/baton/internal/http/sub"
	"github.com/baton-project/baton/internal/http/tryfiles"
	"github.com/baton-project/baton/internal/http/tunnel"
	"github.com/baton-project/baton/internal/http/userid"
	"github.com/baton-project/baton/internal/http/uwsgi"
)

// HTTP lists the features of http{}. The order is the order in which handlers of
// one phase, and header filters, run.
func HTTP() []http.Module {
	return []http.Module{
		slice.Feature,       // before all other filters: they see the whole
		notmodified.Feature, // before all other filters: no work for what is not sent
		ssl.Feature,
		earlyread.Feature,
		realip.Feature, // before all that looks at the address
		geo.Feature,
		maps.Feature,
		splitclients.Feature,
		browser.Feature,
		referer.Feature,
		securelink.Feature,
		rewrite.Feature,
		limitreq.Feature,
		limitconn.Feature,
		access.Feature,
		authbasic.Feature,
		authrequest.Feature,
		tryfiles.Feature,
		gateway.Feature, // before every *_pass
		gateway.EarlyHints,
		sticky.Feature,
		proxy.Feature,
		fastcgi.Feature,
		scgi.Feature,
		grpc.Feature,
		uwsgi.Feature,
		memcached.Feature,
		tunnel.Feature,
		mirror.Feature,
		emptygif.Feature,
		stubstatus.Feature,
		randomindex.Feature,
		index.Feature,
		autoindex.Feature, // behind index
		dav.Feature,
		gzipstatic.Feature,
		static.Feature, // behind all other content handlers
		headers.Feature,
		userid.Feature,
		gunzip.Feature,
		addition.Feature,
		sub.Feature,
		charset.Feature,
		ssi.Feature,
		slice.MoreFeature,     // behind what changes the text of bodies
		addition.AfterFeature, // behind everything that belongs to the body
		gzip.Feature,          // behind what changes the text of bodies
		ranges.Feature,        // behind all other filters: cuts what the client would have got
		limitrate.Feature,     // behind ranges: counts what the client gets
		accesslog.Feature,
	}
}
