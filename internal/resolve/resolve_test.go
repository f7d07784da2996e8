package resolve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/baton-project/baton/internal/log"
	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client is a Resolver under test, and what it logs.
type client struct {
	*Resolver
	t    *testing.T
	file string
}

func newClient(t *testing.T, c Config, servers ...*nameServer) *client {
	t.Helper()
	for _, s := range servers {
		c.Servers = append(c.Servers, s.addr)
	}
	file := filepath.Join(t.TempDir(), "error.log")
	files := log.NewFiles()
	logger, err := files.Logger([]log.Spec{{Level: log.Info, Path: file}})
	if err == nil {
		err = files.Open()
	}
	if err != nil {
		t.Fatal(err)
	}
	r := New(&c, logger)
	t.Cleanup(files.Close)
	t.Cleanup(r.Close)
	return &client{r, t, file}
}

// lookup gives addresses as a text, or the error.
func (c *client) lookup(name string) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	addrs, _, err := c.LookupAddr(ctx, name)
	if err != nil {
		return err.Error()
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return strings.Trim(fmt.Sprint(addrs), "[]")
}

func (c *client) logged(want string) {
	c.t.Helper()
	text, err := os.ReadFile(c.file)
	if err != nil || !strings.Contains(string(text), want) {
		c.t.Errorf("no %q in %q, %v", want, text, err)
	}
}

func TestAddresses(t *testing.T) {
	s := startServer(t, zone(map[string][]dnsmessage.Resource{
		"four.test.":  a("four.test.", 60, "192.0.2.1", "192.0.2.2", "192.0.2.1"),
		"six.test.":   a("six.test.", 60, "2001:db8::1"),
		"both.test.":  a("both.test.", 60, "192.0.2.1", "2001:db8::1"),
		"none.test.":  nil,
		"alias.test.": cname("alias.test.", "Other.TEST.", 60),
		"other.test.": cname("other.test.", "both.test.", 60),
		"full.test.":  append(cname("full.test.", "four.test.", 60), a("four.test.", 60, "192.0.2.9")...),
		"loop.test.":  cname("loop.test.", "loop.test.", 60),
		"root.test.":  cname("root.test.", ".", 60),
		"gone.test.":  cname("gone.test.", "nowhere.test.", 60),
		"text.test.":  {{Header: header("text.test.", dnsmessage.TypeCNAME, 60), Body: &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("odd.test.")}}},
		"odd.test.":   nil,
	}))
	c := newClient(t, Config{}, s)
	for name, want := range map[string]string{
		"four.test": "192.0.2.1 192.0.2.1 192.0.2.2", "FOUR.test.": "192.0.2.1 192.0.2.1 192.0.2.2", "six.test": "2001:db8::1", "both.test": "192.0.2.1 2001:db8::1",
		"alias.test": "192.0.2.1 2001:db8::1", "full.test": "192.0.2.9", "192.0.2.77": "192.0.2.77", "::1": "::1",
		"none.test":  "none.test could not be resolved (3: Host not found)",
		"loop.test":  "loop.test could not be resolved (3: Host not found)",
		"root.test":  "root.test could not be resolved (3: Host not found)",
		"gone.test":  "gone.test could not be resolved (3: Host not found)",
		"text.test":  "text.test could not be resolved (3: Host not found)",
		"other.none": "other.none could not be resolved (3: Host not found)",
		"":           " could not be resolved (3: Host not found)", "a..b": "a..b could not be resolved (3: Host not found)", ".": ". could not be resolved (3: Host not found)",
		strings.Repeat("x", 64) + ".test": strings.Repeat("x", 64) + ".test could not be resolved (3: Host not found)",
		strings.Repeat("x.", 200):         strings.Repeat("x.", 200) + " could not be resolved (3: Host not found)",
	} {
		if got := c.lookup(name); got != want {
			t.Errorf("%s: %s; want %s", name, got, want)
		}
	}
}

func TestFamilies(t *testing.T) {
	s := startServer(t, zone(map[string][]dnsmessage.Resource{"both.test.": a("both.test.", 60, "192.0.2.1", "2001:db8::1")}))
	if got := newClient(t, Config{NoIPv6: true}, s).lookup("both.test"); got != "192.0.2.1" || s.asked.Load() != 1 {
		t.Errorf("%s after %d questions", got, s.asked.Load())
	}
	if got := newClient(t, Config{NoIPv4: true}, s).lookup("both.test"); got != "2001:db8::1" || s.asked.Load() != 2 {
		t.Errorf("%s after %d questions", got, s.asked.Load())
	}
}

func TestCodes(t *testing.T) {
	codes := map[string]dnsmessage.RCode{"two.test.": 2, "three.test.": 3, "four.test.": 4, "five.test.": 5}
	s := startServer(t, func(q dnsmessage.Question, _ bool) reply {
		if q.Type == dnsmessage.TypeA { // the other family makes up for nothing
			return reply{records: a(q.Name.String(), 60, "192.0.2.1")}
		}
		return reply{code: codes[q.Name.String()]}
	})
	c := newClient(t, Config{}, s)
	for name, want := range map[string]string{
		"two.test": "two.test could not be resolved (2: Server failure)", "three.test": "three.test could not be resolved (3: Host not found)",
		"four.test": "four.test could not be resolved (4: Unimplemented)", "five.test": "five.test could not be resolved (5: Operation refused)",
	} {
		if got := c.lookup(name); got != want {
			t.Errorf("%s", got)
		}
	}
}

func TestCache(t *testing.T) {
	s := startServer(t, zone(map[string][]dnsmessage.Resource{
		"long.test.": a("long.test.", 3600, "192.0.2.1", "192.0.2.2"), "never.test.": a("never.test.", 0, "192.0.2.3"),
		"alias.test.": cname("alias.test.", "long.test.", 7),
	}))
	c := newClient(t, Config{NoIPv6: true}, s)
	starts := map[netip.Addr]bool{}
	for range 200 {
		addrs, ttl, err := c.LookupAddr(t.Context(), "long.test")
		if err != nil || len(addrs) != 2 || ttl > time.Hour || ttl < 59*time.Minute {
			t.Fatal(addrs, ttl, err)
		}
		starts[addrs[0]] = true
	}
	if s.asked.Load() != 1 || len(starts) != 2 {
		t.Errorf("%d questions, %v come first", s.asked.Load(), starts)
	}
	if _, ttl, err := c.LookupAddr(t.Context(), "alias.test"); err != nil || ttl > 7*time.Second {
		t.Error(ttl, err)
	}
	if addrs, ttl, ok := c.Cached("Alias.test."); !ok || len(addrs) != 2 || ttl > 7*time.Second {
		t.Error(addrs, ttl, ok)
	}
	if addrs, _, ok := c.Cached("other.test"); ok {
		t.Error(addrs)
	}
	before := s.asked.Load()
	c.lookup("never.test")
	c.lookup("never.test")
	if got := s.asked.Load() - before; got != 2 {
		t.Errorf("%d questions with a TTL of 0", got)
	}
	kept := newClient(t, Config{NoIPv6: true, Valid: time.Hour}, s)
	before = s.asked.Load()
	kept.lookup("never.test")
	if _, ttl, _ := kept.LookupAddr(t.Context(), "never.test"); s.asked.Load()-before != 1 || ttl < 59*time.Minute {
		t.Errorf("%d questions with valid=, %v", s.asked.Load()-before, ttl)
	}
	if _, ttl, err := kept.LookupAddr(t.Context(), "x.test"); err == nil || ttl != time.Hour {
		t.Error(ttl, err)
	}
	if _, ttl, err := c.LookupAddr(t.Context(), "x.test"); err == nil || ttl != 10*time.Second {
		t.Error(ttl, err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := newClient(t, Config{Servers: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}})
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range 3 * maxCached {
		until := time.Now().Add(time.Hour)
		if i%2 == 0 {
			until = time.Now().Add(time.Millisecond)
		}
		c.remember(key{name: fmt.Sprint(i)}, result{until: until})
	}
	if len(c.cache) > maxCached || len(c.cache) < maxCached/2 {
		t.Errorf("%d names", len(c.cache))
	}
}

func TestTruncated(t *testing.T) {
	var long []string
	for i := range 300 {
		long = append(long, fmt.Sprintf("192.0.%d.%d", 2+i/200, i%200))
	}
	s := startServer(t, func(q dnsmessage.Question, tcp bool) reply {
		switch {
		case q.Type == dnsmessage.TypeAAAA:
			return reply{}
		case !tcp:
			return reply{truncated: true}
		}
		return reply{records: a(q.Name.String(), 60, long...)}
	})
	c := newClient(t, Config{}, s)
	if got := len(strings.Fields(c.lookup("long.test"))); got != 300 || s.tcp.Load() != 1 {
		t.Errorf("%d addresses, %d questions over TCP", got, s.tcp.Load())
	}
}

func TestOneQueryForAll(t *testing.T) {
	release := make(chan struct{})
	s := startServer(t, func(q dnsmessage.Question, _ bool) reply {
		<-release
		return reply{records: a(q.Name.String(), 0, "192.0.2.1")}
	})
	c := newClient(t, Config{NoIPv6: true}, s)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if got := c.lookup("x.test"); got != "192.0.2.1" {
				t.Error(got)
			}
		})
	}
	waitFor(t, func() bool { return c.askers("x.test") == 50 })
	close(release)
	wg.Wait()
	if s.asked.Load() != 1 {
		t.Errorf("%d questions", s.asked.Load())
	}
}

func (c *client) askers(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if running := c.calls[key{name: name}]; running != nil {
		return running.askers
	}
	return 0
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come to it")
		}
	}
}

func TestCancel(t *testing.T) {
	s := startServer(t, func(dnsmessage.Question, bool) reply { return reply{silent: true} })
	c := newClient(t, Config{}, s)
	gone := errors.New("client is gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() {
		_, _, err := c.LookupAddr(ctx, "x.test")
		done <- err
	}()
	waitFor(t, func() bool { return c.askers("x.test") == 1 })
	cancel(gone)
	if err := <-done; !errors.Is(err, gone) {
		t.Error(err)
	}
	if c.askers("x.test") != 0 {
		t.Error("the query goes on")
	}
	late, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	if _, _, err := c.LookupAddr(late, "x.test"); err == nil || err.Error() != "x.test could not be resolved (110: Operation timed out)" {
		t.Error(err)
	}
	if _, _, err := c.LookupService(late, "x.test"); err == nil || err.Error() != "x.test could not be resolved (110: Operation timed out)" {
		t.Error(err)
	}
	go func() {
		_, _, err := c.LookupAddr(t.Context(), "x.test")
		done <- err
	}()
	waitFor(t, func() bool { return c.askers("x.test") == 1 })
	c.Close()
	if err := <-done; !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	if _, _, err := c.LookupAddr(t.Context(), "x.test"); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

func TestNextServer(t *testing.T) {
	mute := startServer(t, func(dnsmessage.Question, bool) reply { return reply{silent: true} })
	good := startServer(t, zone(map[string][]dnsmessage.Resource{"x.test.": a("x.test.", 0, "192.0.2.1")}))
	c := newClient(t, Config{NoIPv6: true}, mute, good)
	c.resend = 20 * time.Millisecond
	for range 4 { // begins with each in turn
		if got := c.lookup("x.test"); got != "192.0.2.1" {
			t.Error(got)
		}
	}
	if mute.asked.Load() < 2 || good.asked.Load() < 4 {
		t.Errorf("asked %d and %d times", mute.asked.Load(), good.asked.Load())
	}
}

func TestRefusedServer(t *testing.T) {
	good := startServer(t, zone(map[string][]dnsmessage.Resource{"x.test.": a("x.test.", 0, "192.0.2.1")}))
	c := newClient(t, Config{NoIPv6: true, Servers: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}}, good)
	c.resend = 50 * time.Millisecond
	if got := c.lookup("x.test"); got != "192.0.2.1" {
		t.Error(got)
	}
	c.logged("failed (111: Connection refused) while resolving, resolver: 127.0.0.1:1")
}

// What cannot be the answer is not taken for it.
func TestForged(t *testing.T) {
	s := startServer(t, zone(map[string][]dnsmessage.Resource{"x.test.": a("x.test.", 60, "192.0.2.1")}))
	s.mu.Lock()
	s.mangle = func(m []byte) [][]byte {
		change := func(f func([]byte)) []byte {
			other := slices.Clone(m)
			f(other)
			return other
		}
		return [][]byte{
			m[:5], nil, m[:20], m[:len(m)-3],
			change(func(b []byte) { b[1]++ }), change(func(b []byte) { b[2] &^= 0x80 }), change(func(b []byte) { b[13] = 'y' }),
			change(func(b []byte) { b[3] |= 1 }), change(func(b []byte) { b[3] |= 9 }), change(func(b []byte) { b[5] = 0 }), change(func(b []byte) { b[5] = 2 }),
			change(func(b []byte) { b[21] = 28 }), change(func(b []byte) { b[23] = 3 }),
			m, m,
		}
	}
	s.mu.Unlock()
	c := newClient(t, Config{NoIPv6: true}, s)
	if got := c.lookup("x.test"); got != "192.0.2.1" {
		t.Error(got)
	}
	for _, want := range []string{
		"short DNS response", "wrong ident ", "invalid UDP DNS response ", "unexpected DNS response for y.test", "DNS error (1: Format error), query id:",
		"DNS error (9: Unknown error), query id:", "invalid number of questions in DNS response", "unknown query class 3 in DNS response",
	} {
		c.logged(want)
	}
}

func TestServices(t *testing.T) {
	s := startServer(t, zone(map[string][]dnsmessage.Resource{
		"_http._tcp.x.test.": slices.Concat(srv("_http._tcp.x.test.", "b.test.", 2, 5, 82), srv("_http._tcp.x.test.", "a.test.", 1, 0, 81), srv("_http._tcp.x.test.", "none.test.", 1, 1, 1)),
		"own.x.test.":        cname("own.x.test.", "_http._tcp.x.test.", 60),
		"bad.test.":          srv("bad.test.", "none.test.", 1, 1, 1),
		"empty.test.":        nil,
		"a.test.":            a("a.test.", 30, "192.0.2.1", "2001:db8::1"),
		"b.test.":            cname("b.test.", "a.test.", 60),
	}))
	c := newClient(t, Config{}, s)
	for _, name := range []string{ServiceName("http", "x.test"), ServiceName("own.x", "test")} {
		list, ttl, err := c.LookupService(t.Context(), name)
		if err != nil || len(list) != 2 || ttl > 30*time.Second {
			t.Fatalf("%+v, %v, %v", list, ttl, err)
		}
		first, second := list[0], list[1]
		if first.Priority != 1 || first.Weight != 1 || first.Port != 81 || len(first.Addresses) != 2 || first.Name != "a.test" ||
			second.Priority != 2 || second.Weight != 5 || second.Port != 82 || len(second.Addresses) != 2 {
			t.Errorf("%+v", list)
		}
	}
	for name, want := range map[string]string{
		"bad.test": "bad.test could not be resolved (3: Host not found)", "empty.test": "empty.test could not be resolved (3: Host not found)",
		"nothing.test": "nothing.test could not be resolved (3: Host not found)",
	} {
		if _, _, err := c.LookupService(t.Context(), name); err == nil || err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLastAnswerNamesTheAlias(t *testing.T) {
	r := New(&Config{}, nil)
	defer r.Close()
	alias, none := &answer{cname: "y.test", ttl: time.Minute}, &answer{empty: true}
	if found := r.conclude(key{name: "x.test"}, []*answer{none, alias}); found.cname != "y.test" || found.code != 0 {
		t.Errorf("%+v", found)
	}
	if found := r.conclude(key{name: "x.test"}, []*answer{alias, none}); found.code != NotFound {
		t.Errorf("%+v", found)
	}
}

// A name may be a view of memory that its owner writes again.
func TestNameIsCopied(t *testing.T) {
	s := startServer(t, zone(map[string][]dnsmessage.Resource{"a.test.": a("a.test.", 60, "192.0.2.1"), "b.test.": a("b.test.", 60, "192.0.2.2")}))
	c := newClient(t, Config{NoIPv6: true}, s)
	memory := []byte("a.test")
	for range 50 {
		for _, tt := range []struct{ name, want string }{{"a.test", "192.0.2.1"}, {"b.test", "192.0.2.2"}, {"c.test", "c.test could not be resolved (3: Host not found)"}} {
			copy(memory, tt.name)
			if got := c.lookup(unsafe.String(&memory[0], len(memory))); got != tt.want {
				t.Fatalf("%s: %s", tt.name, got)
			}
		}
	}
}
