package poll

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/baton-project/baton/fd"
	"golang.org/x/sys/unix"
)

// listener returns a listening socket and a non-blocking descriptor of it.
func listener(t testing.TB, network, address string) (net.Listener, *fd.Owned) {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	f, err := l.(interface{ File() (*os.File, error) }).File()
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
	t.Cleanup(func() { o.Close() })
	if network != "unix" { // accepted sockets inherit it
		if err := unix.SetsockoptInt(o.Raw(), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			t.Fatal(err)
		}
	}
	return l, o
}

func dupTo(from, to int) error {
	if err := unix.Dup3(from, to, unix.O_CLOEXEC); err != nil {
		return err
	}
	return unix.Close(from)
}

// counting accepts connections, closes them and reports each.
func counting(t *testing.T, r *Reactor, o *fd.Owned) (*Acceptor, chan Sockaddr, chan error) {
	t.Helper()
	accepted, failed := make(chan Sockaddr, 100), make(chan error, 100)
	a, err := r.Listen(o, func(n int, peer Sockaddr) {
		unix.Close(n)
		accepted <- peer
	}, func(err error) { failed <- err })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Stop)
	return a, accepted, failed
}

func dial(t *testing.T, a net.Addr) {
	t.Helper()
	c, err := net.Dial(a.Network(), a.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
}

func TestPausedAcceptorLeavesConnectionsInTheBacklog(t *testing.T) {
	r := start(t)
	l, o := listener(t, "tcp", "127.0.0.1:0")
	a, accepted, _ := counting(t, r, o)
	a.Pause(0)
	dial(t, l.Addr())
	onLoop(t, r, func() {})
	if len(accepted) != 0 {
		t.Fatal("a paused Acceptor accepted")
	}
	a.Resume()
	a.Resume()
	soon(t, accepted)

	a.Pause(20 * time.Millisecond)
	dial(t, l.Addr())
	soon(t, accepted)
}

func TestPauseInsideAcceptTakesNoMore(t *testing.T) {
	r := start(t)
	l, o := listener(t, "tcp", "127.0.0.1:0")
	for range 3 {
		dial(t, l.Addr())
	}
	accepted := make(chan bool, 10)
	var a *Acceptor
	onLoop(t, r, func() {
		var err error
		a, err = r.Listen(o, func(n int, _ Sockaddr) {
			unix.Close(n)
			a.Pause(0)
			accepted <- true
		}, func(error) {})
		if err != nil {
			t.Error(err)
		}
	})
	defer a.Stop()
	for range 3 {
		soon(t, accepted)
		onLoop(t, r, func() {})
		if len(accepted) != 0 {
			t.Fatal("a connection came after Pause")
		}
		a.Resume()
	}
}

func TestStoppedAcceptor(t *testing.T) {
	r := start(t)
	l, o := listener(t, "tcp", "127.0.0.1:0")
	a, accepted, _ := counting(t, r, o)
	if _, err := r.Listen(o, nil, nil); !errors.Is(err, unix.EEXIST) {
		t.Fatalf("second Listen: %v, want EEXIST", err)
	}
	a.Stop()
	a.Stop()
	a.Pause(time.Nanosecond)
	a.Resume()
	dial(t, l.Addr())
	onLoop(t, r, func() {})
	if len(accepted) != 0 {
		t.Fatal("a stopped Acceptor accepted")
	}
	_, accepted, _ = counting(t, r, o)
	soon(t, accepted)
}

// The timer of a pause must not outlive the reactor.
func TestCloseOfTheReactorStopsAcceptors(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	_, o := listener(t, "tcp", "127.0.0.1:0")
	a, _, _ := counting(t, r, o)
	a.Pause(time.Millisecond)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state != stopped || a.timer != nil {
		t.Fatal("the Acceptor goes on")
	}
}

func TestListenOnWhatIsNoSocket(t *testing.T) {
	r := start(t)
	f, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	o, err := fd.FromFile(f)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for range 2 {
		if _, err := r.Listen(o, nil, nil); !errors.Is(err, unix.EPERM) {
			t.Fatalf("Listen on a file: %v, want EPERM", err)
		}
	}
}

// With no descriptor left, accept fails at once and for ever: the Acceptor must
// say so once, not spin, and come back.
func TestOutOfDescriptors(t *testing.T) {
	r := start(t)
	l, o := listener(t, "tcp", "127.0.0.1:0")
	_, accepted, failed := counting(t, r, o)
	dial(t, l.Addr())
	soon(t, accepted)

	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(client)
	none := limit
	none.Cur = 0
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	connectErr := unix.Connect(client, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	failure := soon(t, failed)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if connectErr != nil {
		t.Fatal(connectErr)
	}
	if !errors.Is(failure, unix.EMFILE) || !IsExhausted(failure) {
		t.Fatalf("accept failed with %v, want EMFILE", failure)
	}
	soon(t, accepted)
	if len(failed) != 0 {
		t.Fatalf("and again: %v", <-failed)
	}
}

func TestSockaddrText(t *testing.T) {
	r := start(t)
	path := filepath.Join(t.TempDir(), "s")
	for _, test := range []struct {
		network, address, want string
		unix                   bool
	}{
		{"tcp4", "127.0.0.1:0", "127.0.0.1", false},
		{"tcp6", "[::1]:0", "::1", false},
		{"unix", path, "unix:", true},
	} {
		l, err := net.Listen(test.network, test.address)
		if err != nil {
			t.Logf("%s: %v", test.network, err) // no IPv6 on this machine
			continue
		}
		l.Close()
		l, o := listener(t, test.network, test.address)
		_, accepted, _ := counting(t, r, o)
		dial(t, l.Addr())
		got := soon(t, accepted)
		if got.String() != test.want || got.IsUnix() != test.unix || (got.Port() == 0) != test.unix {
			t.Errorf("%s: %q port %d", test.network, got, got.Port())
		}
		local, err := getsockname(o.Raw())
		if err != nil || local.String() != test.want {
			t.Errorf("%s: own address %q, %v", test.network, local, err)
		}
		if got := SockaddrFrom(addrPort(l.Addr())); !test.unix && got != local {
			t.Errorf("SockaddrFrom: %v port %d, want %v port %d", got, got.Port(), local, local.Port())
		}
	}
	var none Sockaddr
	if none.String() != "" || none.Addr().IsValid() {
		t.Error("the zero value is an address")
	}
}

func addrPort(a net.Addr) (p netip.AddrPort) {
	if tcp, ok := a.(*net.TCPAddr); ok {
		p = tcp.AddrPort()
	}
	return p
}
