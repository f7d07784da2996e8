package poll

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func endpointOf(a net.Addr) Endpoint {
	if tcp, ok := a.(*net.TCPAddr); ok {
		p := tcp.AddrPort()
		return Endpoint{IP: netip.AddrPortFrom(p.Addr().Unmap(), p.Port())}
	}
	return Endpoint{Path: a.String()}
}

func TestDial(t *testing.T) {
	r := start(t)
	for network, address := range map[string]string{
		"tcp4": "127.0.0.1:0", "tcp6": "[::1]:0", "unix": filepath.Join(t.TempDir(), "s"),
	} {
		t.Run(network, func(t *testing.T) {
			l, err := net.Listen(network, address)
			if err != nil {
				t.Skip(err)
			}
			defer l.Close()
			go func() {
				peer, err := l.Accept()
				if err != nil {
					return
				}
				io.Copy(peer, peer)
				peer.Close()
			}()
			called := 0
			out := &Outgoing{To: endpointOf(l.Addr()), Timeout: 5 * time.Second, Setup: func(int) error { called++; return nil }}
			var c Conn
			if err := r.Dial(&c, out, nil); err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if called != 1 || !c.Quiet() {
				t.Errorf("Setup was called %d times, quiet: %v", called, c.Quiet())
			}
			c.SetReadTimeout(5 * time.Second)
			b := make([]byte, 8)
			for range 3 {
				if _, err := c.Write([]byte("hello")); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(&c, b[:5]); err != nil || string(b[:5]) != "hello" {
					t.Fatalf("%q, %v", b[:5], err)
				}
			}
			if network != "unix" {
				c.FD(func(n int) error {
					if on, err := unix.GetsockoptInt(n, unix.IPPROTO_TCP, unix.TCP_NODELAY); on == 0 || err != nil {
						t.Errorf("TCP_NODELAY: %d, %v", on, err)
					}
					return nil
				})
			}
		})
	}
}

func TestDialFromAnOwnAddress(t *testing.T) {
	r := start(t)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var c Conn
	out := &Outgoing{To: endpointOf(l.Addr()), From: netip.MustParseAddrPort("127.0.0.2:0"), Timeout: 5 * time.Second}
	if err := r.Dial(&c, out, nil); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	own, err := c.LocalAddr()
	if err != nil || own.String() != "127.0.0.2" || own.Port() == 0 {
		t.Errorf("own address %v port %d, %v", own, own.Port(), err)
	}
	out.From = netip.MustParseAddrPort("192.0.2.1:0")
	var d *DialError
	if err := r.Dial(new(Conn), out, nil); !errors.As(err, &d) || d.Call != "bind(192.0.2.1)" || d.Err != unix.EADDRNOTAVAIL {
		t.Errorf("%v, want EADDRNOTAVAIL of bind(192.0.2.1)", err)
	}
}

func TestDialFails(t *testing.T) {
	r := start(t)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := endpointOf(l.Addr())
	l.Close()
	missing := Endpoint{Path: filepath.Join(t.TempDir(), "none")}
	for _, test := range []struct {
		to      Endpoint
		errno   unix.Errno
		text    string
		refused bool
	}{
		{refused, unix.ECONNREFUSED, "connect() failed: connection refused", false},
		{missing, unix.ENOENT, "connect() failed: no such file or directory", true},
	} {
		var c Conn
		var d *DialError
		err := r.Dial(&c, &Outgoing{To: test.to, Timeout: 5 * time.Second}, nil)
		if !errors.As(err, &d) || d.Err != test.errno || err.Error() != test.text || d.Refused != test.refused {
			t.Errorf("%v: %v", test.to, err)
		}
		if err := c.Close(); err != os.ErrClosed {
			t.Errorf("Close after a failed Dial: %v", err)
		}
	}
	own := errors.New("own")
	if err := r.Dial(new(Conn), &Outgoing{To: refused, Setup: func(int) error { return own }}, nil); err != own {
		t.Errorf("%v, want what Setup returned", err)
	}
	if err := r.Dial(new(Conn), &Outgoing{}, nil); err == nil {
		t.Error("connected to nowhere")
	}
}

// full returns the address of a listener whose queue is full, so that a
// connection is neither made nor refused.
func full(t *testing.T) Endpoint {
	t.Helper()
	n, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(n) })
	if err := unix.Bind(n, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(n, 0); err != nil {
		t.Fatal(err)
	}
	s, err := getsockname(n)
	if err != nil {
		t.Fatal(err)
	}
	to := netip.AddrPortFrom(s.Addr(), uint16(s.Port()))
	c, err := net.Dial("tcp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return Endpoint{IP: to}
}

func TestDialWaits(t *testing.T) {
	r := start(t)
	to := full(t)
	var c Conn
	if err := r.Dial(&c, &Outgoing{To: to, Timeout: 30 * time.Millisecond}, nil); err != ErrTimeout {
		t.Errorf("%v, want ErrTimeout", err)
	}
	cause := errors.New("client went away")
	result := make(chan error, 1)
	go func() { result <- r.Dial(&c, &Outgoing{To: to}, nil) }()
	waitUntil(t, "Dial waits", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.waiters[writing] != nil
	})
	c.Wake(cause)
	if err := soon(t, result); err != cause {
		t.Errorf("%v, want the cause of Wake", err)
	}
}

func TestDialOfAClosedReactor(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	if err := r.Dial(new(Conn), &Outgoing{To: Endpoint{Path: "/none"}}, nil); err != ErrStopped {
		t.Errorf("%v, want ErrStopped", err)
	}
}
