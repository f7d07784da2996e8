package resolve

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Service is one SRV record with the addresses of its target.
type Service struct {
	Name                   string // of the target
	Priority, Weight, Port uint16 // the lowest priority comes first; the weight is at least 1
	Addresses              []netip.Addr
}

const (
	maxServices   = 256 // SRV records of a name; the others are left out
	targetsAtOnce = 8   // looked up side by side
)

// ServiceName is the name at which the SRV records of a host are: service is
// "http" for "_http._tcp.HOST", or something with a dot that stands before HOST
// as it is.
func ServiceName(service, host string) string {
	if strings.Contains(service, ".") {
		return service + "." + host
	}
	return "_" + service + "._tcp." + host
}

// LookupService returns what the SRV records at name say, by priority, with the
// addresses of each target, and how long all of it is good. Targets without
// addresses are left out. Errors are those of LookupAddr.
func (r *Resolver) LookupService(ctx context.Context, name string) ([]Service, time.Duration, error) {
	found, _, err := r.follow(ctx, name, true)
	if err != nil {
		return nil, r.failureTTL(), err
	}
	records := found.services
	services, failures := r.targets(ctx, records)
	until := found.until
	code, list := 0, make([]Service, 0, len(records))
	for i, err := range failures {
		var failed *Error
		switch {
		case err == nil:
			if end := services[i].until; end.Before(until) {
				until = end
			}
			list = append(list, services[i].Service)
		case !errors.As(err, &failed):
			return nil, r.failureTTL(), err
		case code == 0 || failed.Code == NotFound:
			code = failed.Code
		}
	}
	if len(list) == 0 {
		return nil, r.failureTTL(), &Error{name, code}
	}
	return list, time.Until(until), nil
}

// target is a Service and how long its addresses are good.
type target struct {
	Service
	until time.Time
}

// targets looks up the targets of records.
func (r *Resolver) targets(ctx context.Context, records []record) ([]target, []error) {
	found, failures := make([]target, len(records)), make([]error, len(records))
	var wg sync.WaitGroup
	for worker := range min(targetsAtOnce, len(records)) {
		wg.Go(func() {
			for i := worker; i < len(records); i += targetsAtOnce {
				to := records[i]
				addrs, ttl, err := r.LookupAddr(ctx, to.target)
				found[i] = target{Service{to.target, to.priority, to.weight, to.port, addrs}, time.Now().Add(ttl)}
				failures[i] = err
			}
		})
	}
	wg.Wait()
	return found, failures
}

// byPriority sorts records and leaves out what are too many.
func byPriority(records []record) []record {
	slices.SortStableFunc(records, func(a, b record) int { return int(a.priority) - int(b.priority) })
	return records[:min(len(records), maxServices)]
}
