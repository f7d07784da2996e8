package poll

import (
	"bytes"
	crand "crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"
	"unsafe"
)

// tunnel connects two peers by a started Tunnel. ended gets its end, after
// which the Conns are closed.
func tunnel(t testing.TB, r *Reactor, set func(*Tunnel)) (tn *Tunnel, a, b net.Conn, ended chan Ending) {
	t.Helper()
	tn = new(Tunnel)
	ended = make(chan Ending, 1)
	tn.Ends[0].Conn, a = pair(t, r, nil)
	tn.Ends[1].Conn, b = pair(t, r, nil)
	tn.Done = func(tn *Tunnel, why Ending) {
		tn.Ends[0].Conn.Close()
		tn.Ends[1].Conn.Close()
		ended <- why
	}
	if set != nil {
		set(tn)
	}
	tn.Start()
	return tn, a, b, ended
}

func within(t testing.TB, conns ...net.Conn) {
	t.Helper()
	for _, c := range conns {
		if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTunnelCarriesBothWays(t *testing.T) {
	tn, a, b, ended := tunnel(t, start(t), nil)
	within(t, a, b)
	for _, text := range []string{"ping", "another"} {
		got := make([]byte, len(text))
		for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
			io.WriteString(way[0], text)
			if _, err := io.ReadFull(way[1], got); err != nil || string(got) != text {
				t.Fatalf("%q, %v", got, err)
			}
		}
	}
	io.WriteString(b, "last")
	b.Close()
	if got, err := io.ReadAll(a); string(got) != "last" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	if why := soon(t, ended); why.Side != 1 || why.Writing || why.Err != io.EOF {
		t.Errorf("ended by %+v", why)
	}
	if tn.Moved(0) != 11 || tn.Moved(1) != 15 {
		t.Errorf("moved %d and %d, want 11 and 15", tn.Moved(0), tn.Moved(1))
	}
}

func TestTunnelHalfClose(t *testing.T) {
	_, a, b, ended := tunnel(t, start(t), func(tn *Tunnel) { tn.HalfClose = true })
	within(t, a, b)
	io.WriteString(a, "question")
	a.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(b); string(got) != "question" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	io.WriteString(b, "answer")
	b.Close()
	if got, err := io.ReadAll(a); string(got) != "answer" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	if why := soon(t, ended); why.Err != io.EOF {
		t.Errorf("ended by %+v", why)
	}
}

func TestTunnelTimeout(t *testing.T) {
	_, _, _, ended := tunnel(t, start(t), func(tn *Tunnel) { tn.Ends[1].Timeout = 20 * time.Millisecond })
	if why := soon(t, ended); why.Side != 1 || why.Writing || why.Err != ErrTimeout {
		t.Errorf("ended by %+v", why)
	}
}

// What has passed of a timeout in another process counts here.
func TestTunnelGoesOnBeingQuiet(t *testing.T) {
	tn, _, _, ended := tunnel(t, start(t), func(tn *Tunnel) {
		tn.Ends[1].Timeout, tn.Quiet = time.Hour, time.Hour-20*time.Millisecond
	})
	if why := soon(t, ended); why.Side != 1 || why.Err != ErrTimeout || tn.Idle() < time.Hour {
		t.Errorf("ended by %+v after %v", why, tn.Idle())
	}
}

// The timeout of one end counts from what came from either.
func TestTunnelTimeoutStartsAgain(t *testing.T) {
	r := start(t)
	tn, _, _, ended := tunnel(t, r, func(tn *Tunnel) { tn.Ends[1].Timeout = time.Hour })
	c := tn.Ends[1].Conn
	expire := func(since time.Duration) {
		waitUntil(t, "it is at rest", func() bool { return r.Evict(c) })
		tn.last.Store(r.Tick() - since.Milliseconds())
		tn.Expire(c)
	}
	expire(time.Minute)
	expire(59 * time.Minute)
	select {
	case why := <-ended:
		t.Fatalf("ended too early by %+v", why)
	default:
	}
	expire(time.Hour)
	if why := soon(t, ended); why.Side != 1 || why.Err != ErrTimeout {
		t.Errorf("ended by %+v", why)
	}
}

func TestTunnelStop(t *testing.T) {
	cause := errors.New("shutting down")
	t.Run("at rest", func(t *testing.T) {
		tn, _, _, ended := tunnel(t, start(t), nil)
		waitUntil(t, "both are at rest", func() bool { return resting(tn.Ends[0].Conn) && resting(tn.Ends[1].Conn) })
		tn.Stop(cause)
		if why := soon(t, ended); why.Err != cause {
			t.Errorf("ended by %+v", why)
		}
		tn.Stop(cause)
	})
	// Not a byte is lost: what the other end did not get is handed out.
	t.Run("in the middle", func(t *testing.T) {
		tn, a, b, ended := tunnel(t, start(t), nil)
		within(t, a, b)
		b.(*net.TCPConn).SetReadBuffer(16 << 10)
		data := make([]byte, 16<<20)
		crand.Read(data)
		wrote := make(chan int, 1)
		go func() {
			n, _ := a.Write(data)
			wrote <- n
		}()
		waitUntil(t, "the tunnel is full", func() bool {
			c := tn.Ends[1].Conn
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.waiters[writing] != nil
		})
		tn.Stop(cause)
		if why := soon(t, ended); why.Err != cause {
			t.Errorf("ended by %+v", why)
		}
		got, _ := io.ReadAll(b)
		a.Close()
		<-wrote
		got = append(got, tn.Unsent(0)...)
		if tn.Moved(0)+int64(len(tn.Unsent(0))) != int64(len(got)) || !bytes.Equal(got, data[:len(got)]) {
			t.Errorf("moved %d, unsent %d, got %d in all", tn.Moved(0), len(tn.Unsent(0)), len(got))
		}
	})
}

func resting(c *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == atRest
}

func TestIdleTunnelIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Tunnel{}) + 2*unsafe.Sizeof(Conn{}); size > 1024 {
		t.Errorf("an idle tunnel takes %d bytes", size)
	}
}

// plainStream hides that the bytes are the Conn's own.
type plainStream struct{ *Conn }

// Many tunnels at once carry random amounts both ways, with short timeouts on
// the way, some of them by splice and some through a Stream, and all of it
// arrives.
func TestTunnelsLoseNothing(t *testing.T) {
	for _, processors := range []int{1, 4} {
		t.Run("", func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
			r := start(t)
			var wg sync.WaitGroup
			for i := range 16 {
				_, a, b, ended := tunnel(t, r, func(tn *Tunnel) {
					tn.HalfClose = true
					if i%3 == 0 {
						tn.Ends[0].Stream = plainStream{tn.Ends[0].Conn}
					}
				})
				within(t, a, b)
				for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
					wg.Go(func() { sendAndCompare(t, way[0], way[1]) })
				}
				wg.Go(func() {
					if why := <-ended; why.Err != io.EOF {
						t.Errorf("ended by %+v", why)
					}
				})
			}
			wg.Wait()
		})
	}
}

func sendAndCompare(t *testing.T, from, to net.Conn) {
	var wg sync.WaitGroup
	sent, got := sha256.New(), sha256.New()
	wg.Go(func() {
		for range 40 {
			b := make([]byte, rand.IntN(1<<(rand.IntN(12)+7))+1)
			crand.Read(b)
			sent.Write(b)
			if _, err := from.Write(b); err != nil {
				t.Error(err)
				break
			}
		}
		from.(*net.TCPConn).CloseWrite()
	})
	b := make([]byte, 32<<10)
	for {
		n, err := to.Read(b[:rand.IntN(len(b))+1])
		got.Write(b[:n])
		if err != nil {
			if err != io.EOF {
				t.Error(err)
			}
			break
		}
	}
	wg.Wait()
	if !bytes.Equal(sent.Sum(nil), got.Sum(nil)) {
		t.Error("something else arrived")
	}
}

func TestSplice(t *testing.T) {
	r := start(t)
	from, in := pair(t, r, nil)
	to, out := pair(t, r, nil)
	within(t, in, out)
	data := make([]byte, 5<<20)
	crand.Read(data)
	go func() {
		in.Write(data)
		in.Close()
	}()
	received := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(out)
		received <- b
	}()
	const first = 1<<20 + 3
	if n, err := to.Splice(from, first); n != first || err != nil {
		t.Fatalf("moved %d, %v", n, err)
	}
	if n, err := to.Splice(from, -1); n != int64(len(data)-first) || err != io.EOF {
		t.Fatalf("moved %d, %v", n, err)
	}
	to.Close()
	if got := soon(t, received); !bytes.Equal(got, data) {
		t.Errorf("%d bytes arrived, or others", len(got))
	}
}

func TestSpliceToAClosedPeer(t *testing.T) {
	r := start(t)
	from, in := pair(t, r, nil)
	to, out := pair(t, r, nil)
	out.(*net.TCPConn).SetLinger(0)
	out.Close()
	waitUntil(t, "the peer is gone", func() bool { _, err := to.Write([]byte("x")); return err != nil })
	io.WriteString(in, "for nobody")
	_, err := to.Splice(from, -1)
	var failed *SpliceError
	if !errors.As(err, &failed) || failed.Unsent != nil {
		t.Errorf("%v", err)
	}
}

// A tunnel that was stopped goes on after Restart as if it had not been: with what it
// had read and not written, and with the ends that were there already.
func TestTunnelRestarts(t *testing.T) {
	done := make(chan Ending, 1)
	tn, a, b, _ := tunnel(t, start(t), func(tn *Tunnel) {
		tn.HalfClose = true
		tn.Done = func(_ *Tunnel, why Ending) { done <- why }
	})
	within(t, a, b)
	text := randomBytes(8 << 20) // more than sockets take
	written := make(chan error, 1)
	go func() {
		_, err := a.Write(text)
		if err == nil {
			err = a.(*net.TCPConn).CloseWrite()
		}
		written <- err
	}()
	var got []byte
	room := make([]byte, 1<<20)
	for i := range 5 {
		for len(got) < (i+1)<<20 {
			n, err := b.Read(room)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, room[:n]...)
		}
		tn.Stop(io.ErrNoProgress)
		if why := soon(t, done); why.Err != io.ErrNoProgress {
			t.Fatalf("stopped because of %v", why.Err)
		}
		tn.Pending = [2][]byte{tn.Unsent(0), tn.Unsent(1)}
		tn.Restart()
	}
	rest, err := io.ReadAll(b) // to the end that was passed on
	if err != nil || !bytes.Equal(append(got, rest...), text) {
		t.Fatalf("%v, or other bytes", err)
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "the half to be closed", func() bool { return tn.HalfClosed(0) })
	tn.Stop(io.ErrNoProgress)
	soon(t, done)
	tn.Pending = [2][]byte{}
	tn.Restart()
	if _, err := b.Write([]byte("late")); err != nil {
		t.Fatal(err)
	}
	late := make([]byte, 4)
	if _, err := io.ReadFull(a, late); err != nil || string(late) != "late" {
		t.Fatalf("%q, %v", late, err)
	}
	b.Close()
	if why := soon(t, done); why.Side != 1 || why.Err != io.EOF {
		t.Errorf("ended %+v", why)
	}
	if tn.Moved(0) != int64(len(text)) || tn.Moved(1) != 4 {
		t.Errorf("%d and %d bytes", tn.Moved(0), tn.Moved(1))
	}
	for _, e := range tn.Ends {
		e.Conn.Close()
	}
}

// A tunnel that goes on with another one does not wait for an end that has sent all.
func TestTunnelWithAnEndThatIsShut(t *testing.T) {
	tn, a, b, ended := tunnel(t, start(t), func(tn *Tunnel) {
		tn.HalfClose, tn.Shut = true, [2]bool{true, false}
		tn.Pending[1] = []byte("before ")
	})
	within(t, a, b)
	if _, err := io.WriteString(b, "after"); err != nil {
		t.Fatal(err)
	}
	b.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(a); string(got) != "before after" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if why := soon(t, ended); why.Side != 1 || why.Err != io.EOF || tn.Moved(1) != 12 {
		t.Errorf("ended %+v after %d bytes", why, tn.Moved(1))
	}
}
