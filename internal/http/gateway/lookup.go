package gateway

import (
	"errors"
	"net/netip"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/upstream"
)

// resolve looks up the name of a URL that was made at run time, and says that the
// request goes to its addresses.
func (x *Exchange) resolve(u *upstream.URL) http.Result {
	r := x.Request
	found, err := r.LookupAddr(u.Host, x.Pass.Settings.IgnoreClientAbort.V)
	switch {
	case errors.Is(err, http.ErrClientGone):
		return r.LostClient(false)
	case errors.Is(err, http.ErrNoResolver):
		r.Logf(log.Error, "no resolver defined to resolve %s", u.Host)
		return 502
	case err != nil:
		r.Logf(log.Error, "%s", err)
		return 502
	}
	addresses := make([]upstream.Address, len(found))
	for i, ip := range found {
		addresses[i] = upstream.TCP(netip.AddrPortFrom(ip, u.Port))
	}
	x.SetGroup(upstream.Single(u.Host, addresses, nil))
	return http.Declined
}
