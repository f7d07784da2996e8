package resolve

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/baton-project/baton/internal/log"
)

const (
	resendAfter = 5 * time.Second  // the next server is asked, and how long TCP may take
	failedFor   = 10 * time.Second // how long a failure is good, unless valid= says more
	maxCached   = 4096             // names remembered
	maxChain    = 50               // CNAMEs followed
)

// A Resolver looks names up by one resolver directive. Its methods may be called
// from any goroutine. It must be closed.
type Resolver struct {
	config *Config
	logger *log.Logger
	resend time.Duration
	turn   atomic.Uint32 // of the servers
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup // of the queries

	mu    sync.Mutex
	cache map[key]result
	calls map[key]*call
}

// key names what is remembered: the addresses of a name, or its SRV records.
type key struct {
	name    string
	service bool
}

// result is what is known of a name.
type result struct {
	code     int // why nothing is known; 0: something is
	addrs    []netip.Addr
	services []record
	cname    string
	until    time.Time // it is good
}

// A call is a query that runs.
type call struct {
	cancel context.CancelFunc
	askers int           // guarded by Resolver.mu; the last one to leave ends the query
	done   chan struct{} // closed when result is there
	result result
}

// New makes a Resolver that logs to logger what is wrong with answers. It opens
// nothing before something is asked.
func New(c *Config, logger *log.Logger) *Resolver {
	r := &Resolver{config: c, logger: logger, resend: resendAfter, cache: make(map[key]result), calls: make(map[key]*call)}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.turn.Store(^uint32(0))
	return r
}

// Close ends all queries, whose askers get os.ErrClosed, and returns when their
// sockets are closed.
func (r *Resolver) Close() {
	r.mu.Lock()
	r.cancel()
	r.mu.Unlock()
	r.wg.Wait()
}

// LookupAddr returns the addresses of a name, each once, and how long they are
// good. It waits until ctx ends: a deadline is an [Error] with TimedOut, as
// resolver_timeout is one. Other errors are an [Error], the reason for which ctx
// was canceled, and os.ErrClosed. Beside an [Error] stands how long it is good.
func (r *Resolver) LookupAddr(ctx context.Context, name string) ([]netip.Addr, time.Duration, error) {
	if ip, err := netip.ParseAddr(name); err == nil && ip.Zone() == "" {
		return []netip.Addr{ip}, r.config.Valid, nil
	}
	found, cached, err := r.follow(ctx, name, false)
	if err != nil {
		return nil, r.failureTTL(), err
	}
	return rotated(found.addrs, cached), time.Until(found.until), nil
}

// rotated is a copy of addrs; what is known already begins anywhere, so that each
// of several addresses gets its share.
func rotated(addrs []netip.Addr, cached bool) []netip.Addr {
	at := 0
	if cached && len(addrs) > 1 {
		at = rand.IntN(len(addrs))
	}
	return append(append(make([]netip.Addr, 0, len(addrs)), addrs[at:]...), addrs[:at]...)
}

func (r *Resolver) failureTTL() time.Duration {
	if r.config.Valid > 0 {
		return r.config.Valid
	}
	return failedFor
}

// follow looks a name up and then what it is another name of. The name may be
// somebody else's memory, so what is kept is a copy.
func (r *Resolver) follow(ctx context.Context, name string, service bool) (found result, cached bool, err error) {
	name = strings.Clone(name)
	k := key{strings.ToLower(strings.TrimSuffix(name, ".")), service}
	var until time.Time
	for range maxChain + 1 {
		if found, cached, err = r.lookup(ctx, k); err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				err = &Error{name, TimedOut}
			}
			return found, cached, err
		}
		if !until.IsZero() && until.Before(found.until) {
			found.until = until // the chain is as good as its weakest link
		}
		switch {
		case found.code != 0:
			return found, cached, &Error{name, found.code}
		case found.cname == "":
			return found, cached, nil
		}
		k.name, until = found.cname, found.until
	}
	return found, cached, &Error{name, NotFound}
}

// lookup finds what is remembered, joins the query that runs, or starts one.
func (r *Resolver) lookup(ctx context.Context, k key) (found result, cached bool, err error) {
	if err := context.Cause(ctx); err != nil {
		return found, false, err
	}
	r.mu.Lock()
	if r.ctx.Err() != nil {
		r.mu.Unlock()
		return found, false, os.ErrClosed
	}
	if found, cached = r.cache[k]; cached && time.Now().Before(found.until) {
		r.mu.Unlock()
		return found, true, nil
	}
	c := r.calls[k]
	if c == nil {
		c = r.start(k)
	}
	c.askers++
	r.mu.Unlock()
	select {
	case <-c.done:
		return c.result, false, nil
	case <-ctx.Done():
		r.leave(k, c)
		return found, false, context.Cause(ctx)
	case <-r.ctx.Done():
		return found, false, os.ErrClosed
	}
}

// start begins a query. The caller holds mu.
func (r *Resolver) start(k key) *call {
	ctx, cancel := context.WithCancel(r.ctx)
	c := &call{cancel: cancel, done: make(chan struct{})}
	r.calls[k] = c
	r.wg.Go(func() {
		defer cancel()
		found, ok := r.query(ctx, k)
		if !ok {
			return // nobody is left to be told
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.calls[k] == c {
			delete(r.calls, k)
		}
		if found.code == 0 {
			r.remember(k, found)
		}
		c.result = found
		close(c.done)
	})
	return c
}

// leave takes one asker off a query.
func (r *Resolver) leave(k key, c *call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c.askers--
	if c.askers > 0 {
		return
	}
	c.cancel()
	if r.calls[k] == c {
		delete(r.calls, k)
	}
}

// remember keeps what was found. When there is no room, what is no longer good
// makes some, and then anything, until a quarter is free: the next thousand need
// not look again.
func (r *Resolver) remember(k key, found result) {
	now := time.Now()
	if !now.Before(found.until) {
		delete(r.cache, k)
		return
	}
	if len(r.cache) >= maxCached {
		for other, old := range r.cache {
			if !now.Before(old.until) {
				delete(r.cache, other)
			}
		}
		for other := range r.cache {
			if len(r.cache) <= maxCached*3/4 {
				break
			}
			delete(r.cache, other)
		}
	}
	r.cache[k] = found
}

// Cached is LookupAddr if the answer is remembered: it does not wait.
func (r *Resolver) Cached(name string) (addrs []netip.Addr, ttl time.Duration, ok bool) {
	k := key{name: strings.ToLower(strings.TrimSuffix(name, "."))}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for range maxChain {
		found, cached := r.cache[k]
		left := found.until.Sub(now)
		if !cached || left <= 0 {
			return nil, 0, false
		}
		if ttl == 0 || left < ttl {
			ttl = left
		}
		if found.cname == "" {
			return rotated(found.addrs, true), ttl, true
		}
		k.name = found.cname
	}
	return nil, 0, false
}
