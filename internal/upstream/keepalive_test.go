package upstream

import (
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/poll"
)

// reactor runs until the test's end.
func reactor(t testing.TB) *poll.Reactor {
	t.Helper()
	r, err := poll.New()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- r.Run() }()
	t.Cleanup(func() {
		r.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		r.Close()
	})
	return r
}

// backend accepts connections and hands them out.
func backend(t testing.TB) (Address, chan net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conns := make(chan net.Conn, 100)
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns <- c
		}
	})
	t.Cleanup(func() {
		l.Close()
		accepting.Wait()
		close(conns)
		for c := range conns {
			c.Close()
		}
	})
	a := l.Addr().(*net.TCPAddr).AddrPort()
	return TCP(netip.AddrPortFrom(a.Addr().Unmap(), a.Port())), conns
}

func dial(t testing.TB, r *poll.Reactor, a Address) *Conn {
	t.Helper()
	c := &Conn{Address: a}
	if err := c.Dial(r, &poll.Outgoing{Timeout: 10 * time.Second}); err != nil {
		t.Fatal(err)
	}
	return c
}

// owned counts that it was closed.
type owned struct{ closed atomic.Int32 }

func (o *owned) Close() error { o.closed.Add(1); return nil }

// kept is how many connections a group keeps.
func kept(g *Group) int {
	g.idle.mu.Lock()
	defer g.idle.mu.Unlock()
	return g.idle.n
}

func waitKept(t *testing.T, g *Group, want int) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); kept(g) != want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d connections are kept, want %d", kept(g), want)
		}
	}
}

func TestKeepAndTake(t *testing.T) {
	r := reactor(t)
	a, conns := backend(t)
	g := group(t, "server 127.0.0.1; keepalive 2; keepalive_requests 3;", Env{})
	p := &Peer{Address: a}
	first, second, third := dial(t, r, a), dial(t, r, a), dial(t, r, a)
	second.Tag = "name"
	data := new(owned)
	first.Data = data
	for _, c := range []*Conn{first, second, third} {
		if !g.Keep(c) {
			t.Fatal("not kept")
		}
	}
	// The one that was not used for longest made room.
	if b, err := io.ReadAll(<-conns); len(b) != 0 || err != nil || data.closed.Load() != 1 {
		t.Errorf("%q, %v, its data was closed %d times", b, err, data.closed.Load())
	}
	if c := g.Take(p, "other"); c != nil {
		t.Error("took one with another tag")
	}
	if c := g.Take(&Peer{Address: TCP(netip.MustParseAddrPort("127.0.0.1:1"))}, ""); c != nil {
		t.Error("took one to another address")
	}
	if c := g.Take(p, "name"); c != second {
		t.Fatalf("took %p, want %p", c, second)
	}
	if c := g.Take(p, ""); c != third || !c.Quiet() {
		t.Fatalf("took %p, want %p", c, third)
	}
	if kept(g) != 0 || g.Take(p, "") != nil {
		t.Error("something is left")
	}
	// It can be used.
	if _, err := third.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	third.Requests = 3
	if g.Keep(third) {
		t.Error("kept after keepalive_requests")
	}
	second.Started = second.Started.Add(-2 * time.Hour)
	if g.Keep(second) {
		t.Error("kept after keepalive_time")
	}
	second.Close()
	third.Close()
}

func TestStaleConnectionsAreDropped(t *testing.T) {
	r := reactor(t)
	a, conns := backend(t)
	g := group(t, "server 127.0.0.1; keepalive 5;", Env{})
	keep := func() net.Conn {
		if !g.Keep(dial(t, r, a)) {
			t.Fatal("not kept")
		}
		return <-conns
	}
	keep().Close()
	waitKept(t, g, 0)
	peer := keep()
	io.WriteString(peer, "HTTP/1.1 408 \r\n\r\n")
	waitKept(t, g, 0)
	peer.Close()

	g.idle.timeout = 10 * time.Millisecond
	peer = keep()
	if b, err := io.ReadAll(peer); len(b) != 0 || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	waitKept(t, g, 0)
	peer.Close()

	g.idle.timeout = time.Hour
	peer = keep()
	g.CloseIdle()
	if b, err := io.ReadAll(peer); len(b) != 0 || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	peer.Close()
	c := dial(t, r, a)
	if g.Keep(c) {
		t.Error("kept after CloseIdle")
	}
	c.Close()
	(<-conns).Close()
}

// Connections are kept, taken, closed by the other end and thrown out, all at
// once, and each is closed in the end.
func TestKeepaliveStress(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	r := reactor(t)
	a, conns := backend(t)
	g := group(t, "server 127.0.0.1; keepalive 3; keepalive_timeout 1ms;", Env{})
	p := &Peer{Address: a}
	var wg, serving sync.WaitGroup
	stop := make(chan struct{})
	serving.Go(func() {
		for {
			select {
			case c := <-conns:
				serving.Go(func() {
					b := make([]byte, 8)
					for n := 0; ; n++ {
						if _, err := c.Read(b); err != nil || n == 3 {
							c.Close()
							return
						}
						io.WriteString(c, "y")
					}
				})
			case <-stop:
				return
			}
		}
	})
	for range 4 {
		wg.Go(func() {
			for range 300 {
				c := g.Take(p, "")
				if c == nil {
					c = &Conn{Address: a}
					if err := c.Dial(r, &poll.Outgoing{Timeout: 10 * time.Second}); err != nil {
						t.Error(err)
						return
					}
				}
				c.SetReadTimeout(10 * time.Second)
				_, err := c.Write([]byte("x"))
				if err == nil {
					var b [1]byte
					_, err = c.Read(b[:])
				}
				if err != nil && strings.Contains(err.Error(), "timed out") {
					t.Error(err)
				}
				if err != nil || !g.Keep(c) {
					c.Close()
				}
			}
		})
	}
	wg.Wait()
	g.CloseIdle()
	close(stop)
	serving.Wait()
}

func TestSetClosesAllIdle(t *testing.T) {
	r := reactor(t)
	a, conns := backend(t)
	set, _, _, err := read("http { upstream a { server 127.0.0.1; } upstream b { server 127.0.0.1; } }")
	if err == nil {
		err = set.Compile(Env{Keepalive: 32})
	}
	if err != nil {
		t.Fatal(err)
	}
	set.UseClock(r.Now)
	for _, c := range set.All() {
		if !c.Group().Local() || !c.Group().Keep(dial(t, r, a)) {
			t.Fatal("not kept")
		}
	}
	set.CloseIdle()
	for range set.All() {
		peer := <-conns
		if b, err := io.ReadAll(peer); len(b) != 0 || err != nil {
			t.Errorf("%q, %v", b, err)
		}
		peer.Close()
	}
}
