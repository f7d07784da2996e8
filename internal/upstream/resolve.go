package upstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/resolve"
)

// A Resolver looks up names at run time; see [resolve.Resolver]. Its methods may
// be called from any goroutine and wait until ctx ends. The time is how long the
// answer is good.
type Resolver interface {
	LookupAddr(ctx context.Context, name string) ([]netip.Addr, time.Duration, error)
	LookupService(ctx context.Context, name string) ([]resolve.Service, time.Duration, error)
}

// A source is a server directive whose addresses are looked up at run time.
type source struct {
	group    *Group
	number   int // among the group's
	server   Server
	resolver Resolver
	timeout  time.Duration

	peers []*Peer // as of the last answer; guarded by the group's mutex
}

// An answer is one address that a source was found to have.
type answer struct {
	backup  bool
	weight  int
	address netip.AddrPort
	server  string // what the hash methods call it
}

// Start keeps the addresses of servers with "resolve" up to date, in a worker
// whose zones are mapped. What it returns ends that and waits for it.
func (s *Set) Start(logger *log.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, c := range s.configs {
		if c.group == nil {
			continue
		}
		for _, src := range c.group.sources {
			stored, until := src.load()
			if stored != nil {
				src.update(stored)
			}
			running.Go(func() { src.follow(ctx, until, logger) })
		}
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// longestGood bounds what is believed of a time that somebody else has noted.
const longestGood = 24 * time.Hour

// follow asks when what is known is good no more, and then again and again until ctx
// ends.
func (src *source) follow(ctx context.Context, until time.Time, logger *log.Logger) {
	timer := time.NewTimer(min(max(time.Until(until), 0), longestGood))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		answers, good, err := src.ask(ctx)
		if ctx.Err() != nil {
			return
		}
		var failed *resolve.Error
		switch {
		case err == nil:
		case src.server.Service != "" && errors.As(err, &failed):
			logger.Logf(log.Error, 0, "service %s of %s could not be resolved (%s)",
				src.server.Service, src.server.Host, failed.Reason())
		default:
			logger.Logf(log.Error, 0, "%v", err)
		}
		// That a name does not exist is an answer: it has no addresses any more.
		if err == nil || isNotFound(err) {
			src.update(answers)
			src.store(answers, time.Now().Add(good))
			timer.Reset(max(good, 0) + time.Second)
		} else {
			timer.Reset(max(src.timeout, time.Second))
		}
	}
}

func isNotFound(err error) bool {
	var failed *resolve.Error
	return errors.As(err, &failed) && failed.Code == resolve.NotFound
}

// ask looks the source up once.
func (src *source) ask(ctx context.Context) (answers []answer, good time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, src.timeout)
	defer cancel()
	s := &src.server
	if s.Service == "" {
		found, good, err := src.resolver.LookupAddr(ctx, s.Host)
		for _, ip := range found {
			answers = append(answers, src.answer(ip))
		}
		return sorted(answers), good, err
	}
	services, good, err := src.resolver.LookupService(ctx, resolve.ServiceName(s.Service, s.Host))
	for _, found := range services {
		weight := s.Weight
		if weight == 1 {
			weight = max(int(found.Weight), 1)
		}
		backup := s.Backup || found.Priority != services[0].Priority
		for _, ip := range found.Addresses {
			answers = append(answers, answer{backup, weight, netip.AddrPortFrom(ip, found.Port), found.Name})
		}
	}
	return sorted(answers), good, err
}

// answer is an address of a name that is no service.
func (src *source) answer(ip netip.Addr) answer {
	s := &src.server
	return answer{s.Backup, s.Weight, netip.AddrPortFrom(ip, s.Port), s.Name}
}

// sorted puts answers into the order that all workers agree on. Several records may
// say the same, and then count as often.
func sorted(answers []answer) []answer {
	slices.SortStableFunc(answers, func(a, b answer) int {
		return cmp.Or(a.address.Compare(b.address), cmp.Compare(a.server, b.server), cmp.Compare(a.weight, b.weight))
	})
	return answers
}

// update puts the addresses that were found in the place of those before.
func (src *source) update(answers []answer) {
	g := src.group
	g.mu.Lock()
	defer g.mu.Unlock()
	peers, before := make([]*Peer, len(answers)), slices.Clone(src.peers)
	for i, a := range answers {
		peers[i] = src.peer(a, before)
	}
	if slices.Equal(peers, src.peers) {
		return
	}
	src.peers = peers
	g.rebuild()
}

// peer takes the peer that an address is already out of before, or makes one.
func (src *source) peer(a answer, before []*Peer) *Peer {
	s := src.server
	s.Name, s.Weight, s.Backup = a.server, a.weight, a.backup
	made := newPeers(&s, []Address{TCP(a.address)})[0]
	for i, p := range before {
		if p != nil && p.Address == made.Address && p.Server == made.Server && p.weight == made.weight && p.backup == made.backup {
			before[i] = nil
			return p
		}
	}
	return made
}

// rebuild makes a roster of the peers that are always there and those that were
// found. Needs g.mu, unless nobody else knows g yet.
func (g *Group) rebuild() {
	ordinary, backup := slices.Clip(g.ordinary), slices.Clip(g.backup)
	for _, src := range g.sources {
		for _, p := range src.peers {
			switch {
			case len(ordinary)+len(backup) >= maxShared && g.shared.place != nil:
			case p.backup:
				backup = append(backup, p)
			default:
				ordinary = append(ordinary, p)
			}
		}
	}
	g.setRoster(newRoster(g.method, ordinary, backup))
}

// setSources notes the servers that are to be looked up.
func (c *Config) setSources(g *Group, env *Env) error {
	for i := range c.Servers {
		if s := &c.Servers[i]; s.Resolve {
			g.sources = append(g.sources, &source{group: g, number: len(g.sources), server: *s})
		}
	}
	resolver := env.Resolver
	if r, ok := resolver.(*resolve.Resolver); ok && r == nil {
		resolver = nil
	}
	if c.ResolverAt != nil && env.NewResolver != nil && c.ZoneName != "" {
		var err error
		if resolver, err = env.NewResolver(c.ResolverAt, c.Resolver); err != nil {
			return err
		}
	}
	if len(g.sources) == 0 {
		return nil
	}
	switch {
	case c.ZoneName == "":
		return &conf.Error{Msg: fmt.Sprintf(`resolving names at run time requires upstream "%s" in %s:%d to be in shared memory`,
			c.Name, c.At.File, c.At.Line)}
	case resolver == nil:
		return at(c.At, `no resolver defined to resolve names at run time in upstream "%s"`, c.Name)
	}
	timeout := c.ResolverTimeout
	if !timeout.IsSet() {
		timeout.V = cmp.Or(env.ResolverTimeout, 30*time.Second)
	}
	for _, src := range g.sources {
		src.resolver, src.timeout = resolver, timeout.V
	}
	return nil
}
