package poll

import (
	"io"
	"net"
	"testing"
	"time"
)

func TestServeIsCalledWhenReadable(t *testing.T) {
	r := start(t)
	got := make(chan string)
	h := handler{serve: func(c *Conn) {
		b := make([]byte, 10)
		n, err := c.Read(b)
		if err != nil {
			c.Close()
			close(got)
			return
		}
		got <- string(b[:n])
		c.Rest(0)
	}}
	c, peer := pair(t, r, h)
	c.Rest(0)
	for _, s := range []string{"one", "two", "three"} {
		io.WriteString(peer, s)
		if g := soon(t, got); g != s {
			t.Fatalf("served %q, want %q", g, s)
		}
	}
	peer.Close()
	soon(t, got) // the end is an event as well
}

// A request that fills the buffer to the last byte leaves the next one unread;
// no further edge will tell of it.
func TestRestWithUnreadBytesServesAgain(t *testing.T) {
	r := start(t)
	got := make(chan byte)
	h := handler{serve: func(c *Conn) {
		b := make([]byte, 1)
		if _, err := c.TryRead(b); err == nil {
			got <- b[0]
		}
		c.Rest(0)
	}}
	c, peer := pair(t, r, h)
	c.Rest(0)
	io.WriteString(peer, "abcdef")
	for _, want := range []byte("abcdef") {
		if g := soon(t, got); g != want {
			t.Fatalf("got %q, want %q", g, want)
		}
	}
}

// The last bytes and the end of the stream may come with one edge: a short read
// must then be followed by another.
func TestEndThatCameWithTheLastBytes(t *testing.T) {
	r := start(t)
	for _, early := range []bool{false, true} {
		got := make(chan error)
		h := handler{serve: func(c *Conn) {
			b := make([]byte, 10)
			n, err := c.Read(b)
			if err == nil && n == 3 {
				c.Rest(0)
				return
			}
			got <- err
			c.Close()
		}}
		c, peer := pair(t, r, h)
		if !early {
			c.Rest(0)
		}
		io.WriteString(peer, "end")
		peer.Close()
		if early {
			c.Rest(0)
		}
		if err := soon(t, got); err != io.EOF {
			t.Fatalf("got %v, want EOF", err)
		}
	}
}

func TestStartServes(t *testing.T) {
	r := start(t)
	got := make(chan string, 1)
	h := handler{serve: func(c *Conn) {
		b := make([]byte, 10)
		n, err := c.TryRead(b)
		if err == ErrAgain {
			c.Rest(time.Minute)
			return
		}
		got <- string(b[:n])
		c.Close()
	}}
	c, peer := pair(t, r, h)
	c.Start(time.Minute)
	io.WriteString(peer, "late")
	if g := soon(t, got); g != "late" {
		t.Fatalf("got %q", g)
	}
	c, peer = pair(t, r, h)
	io.WriteString(peer, "early")
	c.Start(time.Minute)
	if g := soon(t, got); g != "early" {
		t.Fatalf("got %q", g)
	}
}

func TestExpireAtRest(t *testing.T) {
	for range 100 {
		if d, ok := restTwice(t); ok {
			if d < 58*time.Millisecond {
				t.Fatalf("expired after %v, want 60 ms", d)
			}
			return
		}
	}
	t.Fatal("the first rest always ended before its time")
}

// restTwice says how long after being woken from its first rest a Conn expired,
// unless the machine was so busy that the first rest had ended by then.
func restTwice(t *testing.T) (d time.Duration, ok bool) {
	r := start(t)
	served, expired := make(chan bool, 1), make(chan time.Time, 1)
	h := handler{
		serve: func(c *Conn) {
			c.Read(make([]byte, 10))
			served <- true
			c.Rest(60 * time.Millisecond)
		},
		expire: func(c *Conn) {
			expired <- time.Now()
			c.Close()
		},
	}
	c, peer := pair(t, r, h)
	c.Rest(40 * time.Millisecond)
	time.Sleep(20 * time.Millisecond)
	from := time.Now()
	io.WriteString(peer, "x") // moves the deadline; the clock has whole milliseconds
	end := soon(t, expired)
	select {
	case <-served:
		return end.Sub(from), true
	default:
		return 0, false
	}
}

func TestEarlierDeadlineReplacesLaterOne(t *testing.T) {
	r := start(t)
	expired := make(chan bool, 1)
	h := handler{
		serve:  func(c *Conn) { c.Read(make([]byte, 10)); c.Rest(20 * time.Millisecond) },
		expire: func(c *Conn) { c.Close(); expired <- true },
	}
	c, peer := pair(t, r, h)
	c.Rest(time.Hour)
	io.WriteString(peer, "x")
	soon(t, expired)
}

func TestEvict(t *testing.T) {
	r := start(t)
	c, peer := pair(t, r, handler{})
	onLoop(t, r, func() {
		if r.Evict(c) {
			t.Error("a busy Conn was evicted")
		}
	})
	c.Rest(time.Hour)
	var all int
	onLoop(t, r, func() {
		r.Each(func(c *Conn) {
			all++
			if !r.Evict(c) || r.Evict(c) {
				t.Error("a Conn at rest must be evicted once")
			}
		})
	})
	if all != 1 {
		t.Fatalf("Each saw %d Conns, want 1", all)
	}
	// It is ours now: what arrives is not served, and can be read.
	io.WriteString(peer, "x")
	if n, err := c.Read(make([]byte, 10)); n != 1 || err != nil {
		t.Fatalf("read %d, %v", n, err)
	}
	c.Close()
	onLoop(t, r, func() {
		r.Each(func(*Conn) { t.Error("a closed Conn is still there") })
		if r.Evict(c) {
			t.Error("a closed Conn was evicted")
		}
	})
}

func TestDetachedSocketLivesOnWithoutTheReactor(t *testing.T) {
	r := start(t)
	served := make(chan bool, 10)
	h := handler{serve: func(c *Conn) { served <- true; c.Close() }}
	c, peer := pair(t, r, h)
	c.Rest(0)
	onLoop(t, r, func() { r.Evict(c) })
	o := c.Detach()
	if c.Detach() != nil {
		t.Fatal("a second Detach gave a descriptor")
	}
	io.WriteString(peer, "x")
	onLoop(t, r, func() {})
	if len(served) != 0 {
		t.Fatal("a detached socket was served")
	}
	var again Conn
	r.Add(&again, o.Take(), h)
	again.Rest(0)
	soon(t, served)
}

// A Conn of the same number must not get its predecessor's events.
func TestDescriptorReuse(t *testing.T) {
	r := start(t)
	c, _ := pair(t, r, handler{serve: func(*Conn) { t.Error("served without bytes") }})
	c.Rest(0)
	c.mu.Lock()
	number, generation := int(c.descriptor), c.generation
	c.mu.Unlock()
	onLoop(t, r, func() { r.Evict(c) })
	c.Close()
	var next Conn
	n, _ := rawPair(t)
	if n != number {
		if err := dupTo(n, number); err != nil {
			t.Fatal(err)
		}
	}
	r.Add(&next, number, handler{serve: func(*Conn) { t.Error("served by a stale event") }})
	next.Rest(0)
	onLoop(t, r, func() {
		if r.table.find(int32(number), generation).conn != nil {
			t.Error("a stale event finds the new Conn")
		}
		if c.ready(generation, ^uint32(0)) || next.ready(generation, ^uint32(0)) {
			t.Error("a stale event was taken")
		}
	})
	onLoop(t, r, func() { r.Evict(&next) })
	next.Close()
}

func TestAcceptedConnectionsAreServed(t *testing.T) {
	r := start(t)
	l, o := listener(t, "tcp", "127.0.0.1:0")
	h := handler{serve: func(c *Conn) {
		io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
		c.Close()
	}}
	a, err := r.Listen(o, func(n int, peer Sockaddr) {
		if peer.String() != "127.0.0.1" || peer.Port() == 0 {
			t.Errorf("peer is %v port %d", peer, peer.Port())
		}
		c := new(Conn)
		r.Add(c, n, h)
		c.Start(time.Minute)
	}, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	defer a.Stop()
	for range 20 {
		echoOnce(t, l.Addr())
	}
}

func echoOnce(t testing.TB, a net.Addr) {
	t.Helper()
	peer, err := net.Dial(a.Network(), a.String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	peer.SetDeadline(time.Now().Add(30 * time.Second))
	io.WriteString(peer, "ping")
	b := make([]byte, 4)
	if _, err := io.ReadFull(peer, b); err != nil || string(b) != "ping" {
		t.Fatalf("echo: %q, %v", b, err)
	}
}
