package http

import (
	"context"
	"errors"
	"net/netip"

	"github.com/baton-project/baton/internal/resolve"
)

var (
	// ErrNoResolver is returned by [Request.LookupAddr] where the configuration
	// has no resolver: `no resolver defined to resolve NAME`.
	ErrNoResolver = errors.New("no resolver defined")
	// ErrClientGone is returned when the client has gone away meanwhile; see
	// [Request.LostClient].
	ErrClientGone = errors.New("client is gone")
)

// errResolved wakes the request's goroutine.
var errResolved = errors.New("the name was looked up")

// LookupAddr asks the resolver of the request's location for the addresses of a
// name, and holds the request back for at most resolver_timeout. The answers to
// requests before this one are sent first. Errors are a [resolve.Error],
// ErrNoResolver, and ErrClientGone: unless ignoreAbort, nothing is looked up for
// a client that is gone.
func (r *Request) LookupAddr(name string, ignoreAbort bool) ([]netip.Addr, error) {
	resolver, timeout := r.Resolver()
	if resolver == nil {
		if ip, err := netip.ParseAddr(name); err == nil && ip.Zone() == "" {
			return []netip.Addr{ip}, nil
		}
		return nil, ErrNoResolver
	}
	if addrs, _, ok := resolver.Cached(name); ok {
		return addrs, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if r.inBackground() || r.postAction {
		addrs, _, err := resolver.LookupAddr(ctx, name)
		return addrs, err
	}
	if r.wire.Flush() != nil {
		return nil, ErrClientGone
	}
	return r.awaitLookup(ctx, cancel, resolver, name, ignoreAbort)
}

// awaitLookup lets a goroutine look the name up while this one watches the
// client, and returns when both are done.
func (r *Request) awaitLookup(ctx context.Context, cancel func(), resolver *resolve.Resolver, name string, ignoreAbort bool) ([]netip.Addr, error) {
	var addrs []netip.Addr
	var failure error
	done := make(chan struct{})
	go func() {
		defer close(done) // last, so that no late nudge meets the next wait
		defer r.conn.Nudge(errResolved)
		addrs, _, failure = resolver.LookupAddr(ctx, name)
	}()
	deadline, _ := ctx.Deadline()
	err := r.conn.Sleep(deadline.Sub(r.Time()))
	gone := err != nil && !errors.Is(err, errResolved)
	if gone && (!ignoreAbort || errors.Is(err, errDraining)) {
		cancel()
	}
	<-done
	r.conn.Calm(errResolved)
	if gone && errors.Is(failure, context.Canceled) {
		return nil, ErrClientGone
	}
	return addrs, failure
}
