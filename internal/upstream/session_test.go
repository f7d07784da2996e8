package upstream

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// next begins a session and returns its first peer's port, or "-".
func next(g *Group) (*Session, string) {
	s := new(Session)
	g.Begin(s, Key{})
	return s, port(s)
}

func port(s *Session) string {
	p, err := s.Next()
	if err != nil {
		return "-"
	}
	return p.Address.Name[strings.LastIndexByte(p.Address.Name, ':')+1:]
}

func TestMaxFails(t *testing.T) {
	c := newClock()
	g := group(t, "server 127.0.0.1:1 max_fails=2 fail_timeout=5; server 127.0.0.1:2;", Env{Now: c.now})
	fail := func(want bool) {
		t.Helper()
		for {
			s, p := next(g)
			if p == "1" {
				if got := s.Free(Failed); got != want {
					t.Fatalf("disabled: %v, want %v", got, want)
				}
				return
			}
			s.Free(Served)
		}
	}
	seen := func() (n int) {
		for range 10 {
			s, p := next(g)
			if p == "1" {
				n++
			}
			s.Free(Served)
		}
		return n
	}
	fail(false)
	fail(true)
	if n := seen(); n != 0 {
		t.Fatalf("a server that is out was used %d times", n)
	}
	c.pass(5 * time.Second)
	if n := seen(); n != 0 {
		t.Fatalf("used %d times after just fail_timeout", n)
	}
	c.pass(time.Second)
	if n := seen(); n == 0 {
		t.Fatal("not used again")
	}
	fail(false) // the failures from before are forgotten
}

func TestMaxConnsAndBackup(t *testing.T) {
	g := group(t, "server 127.0.0.1:1 max_conns=1; server 127.0.0.1:2 max_conns=1; server 127.0.0.1:3 backup max_conns=1;", Env{})
	a, p1 := next(g)
	b, p2 := next(g)
	c, p3 := next(g)
	d, p4 := next(g)
	if got := p1 + p2 + p3 + p4; got != "123-" {
		t.Fatalf("chosen: %s, want 123-", got)
	}
	if a.Tries() != 3 {
		t.Errorf("%d tries, want 3", a.Tries())
	}
	d.Free(Served)
	b.Free(Served)
	if e, p := next(g); p != "2" {
		t.Errorf("%s, want 2", p)
	} else {
		e.Free(Served)
	}
	a.Free(Served)
	c.Free(Served)
}

func TestOneServerIsNeverTakenOut(t *testing.T) {
	g := group(t, "server 127.0.0.1:1;", Env{})
	for range 3 {
		s, p := next(g)
		if p != "1" || s.Free(Failed) || s.Tries() != 0 {
			t.Fatalf("%s, %d tries", p, s.Tries())
		}
	}
	g = group(t, "server 127.0.0.1:1 max_fails=3; server 127.0.0.1:2 down;", Env{})
	s, p := next(g)
	s.Free(Failed)
	if p != "1" || port(s) != "-" {
		t.Error("a peer was tried twice in one session")
	}
}

func TestManyPeers(t *testing.T) {
	var body strings.Builder
	for i := range 300 {
		fmt.Fprintf(&body, "server 127.0.0.1:%d;", i+1)
	}
	g := group(t, body.String(), Env{})
	var s Session
	for range 2 {
		seen := make(map[string]bool)
		for g.Begin(&s, Key{}); s.Tries() > 0; s.Free(Failed) {
			seen[port(&s)] = true
		}
		if len(seen) != 300 || seen["-"] {
			t.Fatalf("%d servers were tried", len(seen))
		}
		g = group(t, body.String(), Env{})
	}
}

func TestSlowStart(t *testing.T) {
	c := newClock()
	g := group(t, "server 127.0.0.1:1 slow_start=10s fail_timeout=1; server 127.0.0.1:2;", Env{Now: c.now})
	share := func() (n int) {
		for range 200 {
			s, p := next(g)
			if p == "1" {
				n++
			}
			s.Free(Served)
		}
		return n
	}
	if n := share(); n != 100 {
		t.Fatalf("%d of 200 at first, want half", n)
	}
	for {
		s, p := next(g)
		if p == "1" {
			s.Free(Failed)
			break
		}
		s.Free(Served)
	}
	c.pass(3 * time.Second)
	for s, p := next(g); ; s, p = next(g) {
		s.Free(Served)
		if p == "1" {
			break
		}
	}
	var shares []int
	for range 4 {
		c.pass(2500 * time.Millisecond)
		shares = append(shares, share())
	}
	if shares[0] < 25 || shares[0] > 55 || shares[0] >= shares[1] || shares[1] >= shares[2] || shares[3] != 100 {
		t.Errorf("shares of 200 while it starts: %v", shares)
	}
}

func TestRandomFollowsWeights(t *testing.T) {
	for _, method := range []string{"random", "random two", "random two least_conn"} {
		g := group(t, method+"; server 127.0.0.1:1 weight=3; server 127.0.0.1:2; server 127.0.0.1:3 down;", Env{})
		n := 0
		for range 4000 {
			s, p := next(g)
			if p == "1" {
				n++
			} else if p != "2" {
				t.Fatalf("%s: %s", method, p)
			}
			s.Free(Served)
		}
		if method == "random" && (n < 2700 || n > 3300) {
			t.Errorf("%s: %d of 4000, want 3000", method, n)
		}
	}
	g := group(t, "random two; server 127.0.0.1:1; server 127.0.0.1:2;", Env{})
	got := make(map[string]int)
	for range 100 {
		_, p := next(g)
		got[p]++
	}
	if got["1"] < 45 || got["2"] < 45 {
		t.Errorf("two by connections: %v", got)
	}
}

func TestLeastConn(t *testing.T) {
	g := group(t, "least_conn; server 127.0.0.1:1 weight=2; server 127.0.0.1:2; server 127.0.0.1:3 backup;", Env{})
	got := make(map[string]int)
	for range 300 {
		_, p := next(g)
		got[p]++
	}
	if got["1"] != 200 || got["2"] != 100 {
		t.Errorf("%v, want 200 and 100", got)
	}
}

func TestLeastTime(t *testing.T) {
	c := newClock()
	g := group(t, "least_time header; server 127.0.0.1:1; server 127.0.0.1:2; server 127.0.0.1:3 backup;", Env{Now: c.now})
	got := make(map[string]int)
	for range 100 {
		s, p := next(g)
		got[p]++
		if s.Metric() != TimeToFirst {
			t.Fatal("another metric")
		}
		s.Took(map[string]time.Duration{"1": 300 * time.Millisecond, "2": 30 * time.Millisecond}[p])
		s.Free(Served)
	}
	if got["1"] > 2 || got["1"]+got["2"] != 100 {
		t.Errorf("of a slow and a fast one: %v", got)
	}
	var busy []string // ten at once: the fast one first, then there is enough to do
	for range 20 {
		_, p := next(g)
		busy = append(busy, p)
	}
	if busy[0] != "2" || !slices.Contains(busy, "1") {
		t.Errorf("many at once: %v", busy)
	}
}

func TestHint(t *testing.T) {
	for _, method := range []string{"", "least_conn;", "ip_hash;", "hash k;", "hash k consistent;", "random;"} {
		g := group(t, method+"server 127.0.0.1:1 route=a; server 127.0.0.1:2 route=b drain; server 127.0.0.1:3;", Env{})
		for range 5 {
			var s Session
			g.Begin(&s, Key{Hint: "b", Text: "x"})
			if p := port(&s); p != "2" {
				t.Errorf("%q: %s, want the hinted", method, p)
			}
			s.Free(Served)
			g.Begin(&s, Key{Text: "x"})
			if p := port(&s); p == "2" {
				t.Errorf("%q: a draining server was chosen", method)
			}
			s.Free(Served)
		}
	}
}

// Whatever happens, no session gets a peer twice, none that is down, never more
// connections than allowed, and what was taken can be given back.
func TestSessionsKeepTheRules(t *testing.T) {
	methods := []string{"", "least_conn;", "ip_hash;", "hash k;", "hash k consistent;", "random;", "random two;", "least_time last_byte;", "least_time header inflight;"}
	rapid.Check(t, func(t *rapid.T) {
		c := newClock()
		var body strings.Builder
		body.WriteString(rapid.SampledFrom(methods).Draw(t, "method"))
		n := rapid.IntRange(1, 6).Draw(t, "servers")
		limit := rapid.IntRange(0, 2).Draw(t, "max_conns")
		for i := range n {
			fmt.Fprintf(&body, "server 127.0.0.1:%d weight=%d max_conns=%d fail_timeout=1", i+1, rapid.IntRange(1, 4).Draw(t, "weight"), limit)
			if rapid.IntRange(0, 4).Draw(t, "down") == 0 {
				body.WriteString(" down")
			}
			body.WriteByte(';')
		}
		set, _, _, err := read("http { upstream u {" + body.String() + "} }")
		if err != nil {
			t.Fatal(err)
		}
		if err := set.Compile(Env{Now: c.now}); err != nil {
			t.Fatal(err)
		}
		g := set.All()[0].Group()
		conns := make(map[*Peer]int)
		for range rapid.IntRange(1, 20).Draw(t, "sessions") {
			var s Session
			g.Begin(&s, Key{Text: rapid.String().Draw(t, "key"), Client: netip.AddrFrom4([4]byte{10, 0, 0, byte(rapid.IntRange(0, 9).Draw(t, "ip"))})})
			tried := make(map[*Peer]bool)
			for {
				p, err := s.Next()
				if err != nil {
					break
				}
				if conns[p]++; limit > 0 && conns[p] > limit || p.down || n > 1 && tried[p] {
					t.Fatalf("peer %s with %d connections, tried %v", p.Address.Name, conns[p], tried[p])
				}
				tried[p] = true
				if rapid.IntRange(0, 3).Draw(t, "keep") == 0 {
					break // it stays in use
				}
				s.Free(Outcome(rapid.IntRange(0, 1).Draw(t, "outcome")))
				conns[p]--
				if s.Tries() == 0 {
					break
				}
			}
			c.pass(time.Duration(rapid.IntRange(0, 2).Draw(t, "pause")) * time.Second)
		}
	})
}

func TestNextDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, method := range []string{"", "least_conn;", "ip_hash;", "hash k;", "hash k consistent;", "random two;"} {
		for _, zoned := range []bool{false, true} {
			body := method + "server 127.0.0.1:1 weight=5 max_fails=0; server 127.0.0.1:2 max_fails=0; server 127.0.0.1:3 max_fails=0 max_conns=100;"
			g := group(t, body, Env{})
			if zoned {
				g, _ = new(zones).worker(t, body, nil)
			}
			key := Key{Text: "/some/key", Client: netip.MustParseAddr("10.1.2.3")}
			var s Session
			if n := testing.AllocsPerRun(100, func() {
				g.Begin(&s, key)
				if _, err := s.Next(); err != nil {
					t.Fatal(err)
				}
				s.Free(Failed)
				s.Next()
				s.Free(Served)
			}); n != 0 {
				t.Errorf("%q, zone %v: %v allocations", method, zoned, n)
			}
		}
	}
}
