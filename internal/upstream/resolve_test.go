package upstream

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/resolve"
	"github.com/baton-project/baton/internal/zone"
)

// names is a Resolver of what a test says. asked gets a word per question, which
// waits for it.
type names struct {
	mu       sync.Mutex
	addrs    []netip.Addr
	services []resolve.Service
	err      error
	asked    chan string
}

func (n *names) question(ctx context.Context, name string) error {
	select {
	case n.asked <- name:
	case <-ctx.Done():
		return ctx.Err()
	}
	return n.err
}

func (n *names) LookupAddr(ctx context.Context, name string) ([]netip.Addr, time.Duration, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	err := n.question(ctx, name)
	return n.addrs, time.Hour, err
}

func (n *names) LookupService(ctx context.Context, name string) ([]resolve.Service, time.Duration, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	err := n.question(ctx, name)
	return n.services, time.Hour, err
}

// resolving compiles an upstream{} with a zone as a worker would; see zones.
func resolving(t *testing.T, z *zones, body string, n *names) *Set {
	t.Helper()
	set := new(zone.Set)
	ups, _, _, err := read("http { upstream u { zone z 64k; " + body + "} }")
	if err == nil {
		err = ups.Compile(Env{Resolver: n, Zone: func(_ *conf.Directive, spec zone.Spec) (*zone.Zone, error) {
			made, _, err := set.Declare(spec)
			return made, err
		}})
	}
	if err == nil {
		err = set.Open(z.first, nil)
	}
	if err == nil {
		err = set.Map()
	}
	if err != nil {
		t.Fatal(err)
	}
	if z.first == nil {
		z.first = set
	}
	t.Cleanup(set.Close)
	return ups
}

func addrs(texts ...string) (a []netip.Addr) {
	for _, t := range texts {
		a = append(a, netip.MustParseAddr(t))
	}
	return a
}

// present are the addresses of a group's peers, backups behind a "|".
func present(g *Group) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var b strings.Builder
	for _, ring := range []*ring{&g.roster.ordinary, &g.roster.backup} {
		for _, p := range ring.peers {
			b.WriteString(" " + p.Address.Name)
		}
		b.WriteString(" |")
	}
	return strings.TrimSpace(strings.TrimSuffix(b.String(), " | |"))
}

func eventually(t *testing.T, g *Group, want string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); present(g) != want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("peers are %q, want %q", present(g), want)
		}
	}
}

func TestResolve(t *testing.T) {
	var z zones
	n := &names{asked: make(chan string), addrs: addrs("127.0.0.9", "127.0.0.8")}
	set := resolving(t, &z, "server 127.0.0.1:80; server app.test:8080 resolve weight=3;", n)
	g := set.All()[0].Group()
	if got := present(g); got != "127.0.0.1:80" {
		t.Fatalf("before the first answer: %q", got)
	}
	stop := set.Start(nil)
	if name := <-n.asked; name != "app.test" {
		t.Errorf("asked for %s", name)
	}
	eventually(t, g, "127.0.0.1:80 127.0.0.8:8080 127.0.0.9:8080")

	// What a peer's connections and failures are stays when others come and go.
	var s Session
	g.Begin(&s, Key{})
	p, err := s.Next()
	if err != nil || p.Address.Name != "127.0.0.8:8080" || p.Server != "app.test:8080" {
		t.Fatalf("%v, %v", p, err)
	}
	src := g.sources[0]
	src.update(sorted([]answer{
		{false, 3, netip.MustParseAddrPort("127.0.0.7:8080"), "app.test:8080"},
		{false, 3, netip.MustParseAddrPort("127.0.0.8:8080"), "app.test:8080"},
	}))
	if got := present(g); got != "127.0.0.1:80 127.0.0.7:8080 127.0.0.8:8080" {
		t.Fatal(got)
	}
	s.Free(Failed)
	if _, err := s.Next(); err != ErrNoLive {
		t.Errorf("a session goes on with other peers: %v", err)
	}
	for range 12 {
		g.Begin(&s, Key{})
		if p, err := s.Next(); err != nil || p.Address.Name == "127.0.0.8:8080" {
			t.Fatalf("%v, %v: the failure is forgotten", p, err)
		}
		s.Free(Served)
	}

	// A peer that is gone while it is used.
	g.Begin(&s, Key{})
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	src.update(nil)
	s.Free(Served)
	if got := present(g); got != "127.0.0.1:80" {
		t.Fatal(got)
	}
	stop()

	// The next worker begins with what was found, and asks when that is no longer good;
	// what else is said of the server may be something else by now.
	src.store(sorted([]answer{{false, 3, netip.MustParseAddrPort("[::1]:8080"), "app.test:8080"}}), time.Now().Add(time.Hour))
	later := &names{asked: make(chan string)}
	set = resolving(t, &z, "server 127.0.0.1:80; server app.test:9090 resolve weight=2;", later)
	stop = set.Start(nil)
	g = set.All()[0].Group()
	eventually(t, g, "127.0.0.1:80 [::1]:9090")
	if p := g.roster.ordinary.peers[1]; p.weight != 2 || p.Server != "app.test:9090" {
		t.Errorf("%+v", p)
	}
	stop()
	src.store(nil, time.Time{})
	set = resolving(t, &z, "server 127.0.0.1:80; server app.test:9090 resolve;", later)
	stop = set.Start(nil)
	if name := <-later.asked; name != "app.test" {
		t.Errorf("asked for %s", name)
	}
	stop()
}

func TestResolveService(t *testing.T) {
	n := &names{asked: make(chan string), services: []resolve.Service{
		{Name: "a.test", Priority: 1, Weight: 5, Port: 81, Addresses: addrs("127.0.0.1", "127.0.0.2")},
		{Name: "b.test", Priority: 2, Weight: 1, Port: 82, Addresses: addrs("127.0.0.3")},
	}}
	set := resolving(t, new(zones), "server app.test resolve service=http;", n)
	defer set.Start(nil)()
	if name := <-n.asked; name != "_http._tcp.app.test" {
		t.Errorf("asked for %s", name)
	}
	g := set.All()[0].Group()
	eventually(t, g, "127.0.0.1:81 127.0.0.2:81 | 127.0.0.3:82 |")
	// Records that say the same are peers of their own, and stay who they are.
	src, twice := g.sources[0], netip.MustParseAddrPort("127.0.0.1:81")
	src.update(sorted([]answer{{false, 5, twice, "a.test"}, {false, 5, twice, "a.test"}, {true, 1, netip.MustParseAddrPort("127.0.0.3:82"), "b.test"}}))
	if got := present(g); got != "127.0.0.1:81 127.0.0.1:81 | 127.0.0.3:82 |" || src.peers[0] == src.peers[1] {
		t.Errorf("%q", got)
	}
	before := src.peers
	src.update(sorted([]answer{{false, 5, twice, "a.test"}, {false, 5, twice, "a.test"}}))
	if !slices.Equal(src.peers, before[:2]) {
		t.Error("peers were made anew")
	}
	if p := g.roster.ordinary.peers[0]; p.weight != 5 || p.Server != "a.test" {
		t.Errorf("%+v", p)
	}
}

// That a name does not exist takes its servers away; that nobody answers does not.
func TestResolveFails(t *testing.T) {
	n := &names{asked: make(chan string)}
	set := resolving(t, new(zones), "server app.test:80 resolve;", n)
	g := set.All()[0].Group()
	g.sources[0].update([]answer{{false, 1, netip.MustParseAddrPort("127.0.0.1:80"), "x"}})
	n.err = &resolve.Error{Name: "app.test", Code: resolve.ServerFailure}
	stop := set.Start(nil)
	<-n.asked
	stop()
	if got := present(g); got != "127.0.0.1:80" {
		t.Errorf("after a failure: %q", got)
	}
	n.err = &resolve.Error{Name: "app.test", Code: resolve.NotFound}
	stop = set.Start(nil)
	<-n.asked
	eventually(t, g, "")
	stop()
}

func FuzzStoredAnswers(f *testing.F) {
	f.Add("1800000000\nfalse 1 127.0.0.1:80 a.test\ntrue 5 [::1]:1 b\n")
	f.Add("true 0 x y\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, until := decode(text)
		if again, same := decode(encode(got, until)); !slices.Equal(got, again) || !until.Equal(same) {
			t.Errorf("%q became %v until %v, then %v until %v", text, got, until, again, same)
		}
	})
}
