package poll

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/baton-project/baton/fd"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	before := descriptors()
	status := m.Run()
	if status == 0 {
		if after := descriptors(); after > before {
			println("descriptors leaked:", after-before)
			status = 1
		}
		if err := goleak.Find(); err != nil {
			println(err.Error())
			status = 1
		}
	}
	os.Exit(status)
}

// descriptors counts sockets, eventfds and files, not what Go's own poller or
// the test's framework may open once.
func descriptors() (n int) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name())); err == nil && strings.HasPrefix(target, "socket:") {
			n++
		}
	}
	return n
}

// handler is a Handler made of two functions.
type handler struct {
	serve, expire func(*Conn)
}

func (h handler) Serve(c *Conn)  { h.serve(c) }
func (h handler) Expire(c *Conn) { h.expire(c) }

// start runs a reactor until the test's end.
func start(t testing.TB) *Reactor {
	t.Helper()
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- r.Run() }()
	t.Cleanup(func() {
		r.Stop()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if err := r.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return r
}

// pair returns a busy Conn and the other end of its socket.
func pair(t testing.TB, r *Reactor, h Handler) (*Conn, net.Conn) {
	t.Helper()
	c := new(Conn)
	n, peer := rawPair(t)
	r.Add(c, n, h)
	t.Cleanup(func() { c.Close() })
	return c, peer
}

// rawPair returns a non-blocking TCP socket and its other end.
func rawPair(t testing.TB) (int, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	peer, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	f, err := accepted.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	o, err := fd.FromFile(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(o.Raw(), true); err != nil {
		t.Fatal(err)
	}
	return o.Take(), peer
}

// soon waits for a value.
func soon[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(30 * time.Second):
		t.Fatal("nothing happened for 30 s")
		panic("unreachable")
	}
}

// onLoop runs f on the reactor's goroutine and waits for it.
func onLoop(t testing.TB, r *Reactor, f func()) {
	t.Helper()
	done := make(chan struct{})
	r.Post(func() { f(); close(done) })
	soon(t, done)
}

func TestConnIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Conn{}); size > 136 {
		t.Fatalf("a Conn has %d bytes, want at most 136", size)
	}
}

func TestPostRunsInOrder(t *testing.T) {
	r := start(t)
	var got []int
	done := make(chan struct{})
	for i := range 100 {
		r.Post(func() { got = append(got, i) })
	}
	r.Post(func() { close(done) })
	soon(t, done)
	for i, v := range got {
		if i != v {
			t.Fatalf("order is %v", got)
		}
	}
}

func TestClockGoesOnWhileTheLoopSleeps(t *testing.T) {
	r := start(t)
	onLoop(t, r, func() {})
	from, at := r.Tick(), time.Now()
	time.Sleep(30 * time.Millisecond) // nothing wakes the loop
	if ms := r.Tick() - from; ms < 20 {
		t.Errorf("30 ms later the tick is %d ms later", ms)
	}
	if d := r.Now().Sub(at); d < 20*time.Millisecond {
		t.Errorf("30 ms later Now is %v later", d)
	}
}

func TestStopAndCloseTwice(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	r.Stop()
	if err := r.Run(); err != nil {
		t.Fatal(err)
	}
	r.Stop()
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	r.Stop()
}

func TestCloseOfTheReactorEndsWaitsAndRests(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- r.Run() }()
	resting, restingPeer := pair(t, r, nil)
	reading, _ := pair(t, r, nil)
	later, laterPeer := pair(t, r, nil)
	result := make(chan error, 1)
	go func() {
		_, err := reading.Read(make([]byte, 1))
		result <- err
	}()
	resting.Rest(0)
	waitUntil(t, "the read waits", func() bool { return hasWaiter(reading) })
	r.Stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	r.Close()
	if err := soon(t, result); err != ErrStopped {
		t.Errorf("read: %v, want ErrStopped", err)
	}
	later.Rest(0)
	for _, peer := range []net.Conn{restingPeer, laterPeer} {
		peer.SetReadDeadline(time.Now().Add(30 * time.Second))
		if n, err := peer.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
			t.Errorf("peer of a Conn at rest: %d bytes, %v, want its end", n, err)
		}
	}
}

func hasWaiter(c *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waiters != [2]*parker{}
}

func waitUntil(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("for 30 s it was not true that %s", what)
		}
	}
}
