package poll

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/baton-project/baton/fd"
	"golang.org/x/sys/unix"
)

// portHandler is a PortHandler made of two functions.
type portHandler struct {
	readable, writable func(p *Port)
}

func (h portHandler) Readable(p *Port) { h.readable(p) }
func (h portHandler) Writable(p *Port) { h.writable(p) }

// bound returns a bound datagram socket as a descriptor.
func bound(t testing.TB, address string) (int, netip.AddrPort) {
	t.Helper()
	c, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Skip(err)
	}
	defer c.Close()
	file, err := c.(*net.UDPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	o, err := fd.FromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(o.Raw(), true); err != nil {
		t.Fatal(err)
	}
	return o.Take(), c.LocalAddr().(*net.UDPAddr).AddrPort()
}

// portEcho sends every datagram back from the address that it came to.
type portEcho struct {
	in     *Inbox
	out    *Outbox
	locals bool
	port   uint16
	t      testing.TB
	failed []error
}

func (e *portEcho) Readable(p *Port) {
	n, err := e.in.Receive(p, e.locals)
	if err != nil && err != ErrAgain {
		e.t.Error(err)
	}
	for i := range n {
		room := e.out.Room()
		if room == nil {
			continue
		}
		var from Sockaddr
		if e.locals {
			var ok bool
			if from, ok = e.in.To(i, e.port); !ok {
				e.t.Error("the kernel has not told the address")
			}
		}
		e.out.Put(copy(room, e.in.Data(i)), e.in.From(i), from, e)
	}
	p.Reactor().Post(e.out.Flush)
}

func (e *portEcho) Writable(*Port)       { e.out.Flush() }
func (e *portEcho) SendFailed(err error) { e.failed = append(e.failed, err) }

func startEcho(t testing.TB, r *Reactor, address string, locals bool) netip.AddrPort {
	t.Helper()
	n, at := bound(t, address)
	if locals {
		level, name := unix.IPPROTO_IP, unix.IP_PKTINFO
		if at.Addr().Is6() {
			level, name = unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO
		}
		if err := unix.SetsockoptInt(n, level, name, 1); err != nil {
			t.Fatal(err)
		}
	}
	p := new(Port)
	e := &portEcho{in: NewInbox(), out: NewOutbox(p), locals: locals, port: at.Port(), t: t}
	r.AddPort(p, n, e)
	t.Cleanup(func() { p.Close() })
	if err := p.Reading(true); err != nil {
		t.Fatal(err)
	}
	return at
}

func TestPortEchoes(t *testing.T) {
	r := start(t)
	at := startEcho(t, r, "127.0.0.1:0", false)
	ask := func(client int, sizes ...int) {
		c, err := net.Dial("udp", at.String())
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(time.Minute))
		got := make([]byte, maxDatagram)
		for _, size := range sizes {
			sent := bytes.Repeat([]byte{byte(client)}, size)
			if _, err := c.Write(sent); err != nil {
				t.Error(err)
				return
			}
			if n, err := c.Read(got); err != nil || !bytes.Equal(got[:n], sent) {
				t.Errorf("%d bytes came back as %d, %v", size, n, err)
				return
			}
		}
	}
	var clients sync.WaitGroup
	for client := range 8 {
		clients.Go(func() { ask(client, 0, 1, 100, 1400, 3) })
	}
	clients.Wait()
	ask(8, 9000, 65507, 3) // alone: of several such the socket's buffer would drop some
}

// An answer leaves from the address that the question came to.
func TestPortAnswersFromTheSameAddress(t *testing.T) {
	r := start(t)
	for listen, ask := range map[string]string{"0.0.0.0:0": "127.0.0.2", "[::]:0": "::1"} {
		t.Run(listen, func(t *testing.T) {
			at := startEcho(t, r, listen, true)
			asked := net.JoinHostPort(ask, strconv.Itoa(int(at.Port())))
			c, err := net.Dial("udp", asked)
			if err != nil {
				t.Skip(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(time.Minute))
			if _, err := c.Write([]byte("hello")); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, 8)
			if n, err := c.Read(got); err != nil || string(got[:n]) != "hello" {
				t.Errorf("%q, %v", got[:n], err)
			}
		})
	}
}

// Datagrams that cannot be sent stop nobody else's.
func TestOutboxGoesOnBehindAFailure(t *testing.T) {
	r := start(t)
	n, _ := bound(t, "127.0.0.1:0")
	p := new(Port)
	r.AddPort(p, n, portHandler{})
	defer p.Close()
	peer, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	to := SockaddrFrom(peer.LocalAddr().(*net.UDPAddr).AddrPort())
	nowhere := SockaddrFrom(netip.MustParseAddrPort("127.0.0.1:0")) // port 0 is EINVAL
	failed := &portEcho{}
	onLoop(t, r, func() {
		out := NewOutbox(p)
		for i := range batchSize + 4 {
			room := out.Room()
			at := to
			if i%3 == 1 {
				at = nowhere
			}
			out.Put(copy(room, strconv.Itoa(i)), at, Sockaddr{}, failed)
		}
		out.Flush()
		if out.Len() != 0 {
			t.Errorf("%d are left", out.Len())
		}
	})
	got := make([]byte, 8)
	peer.SetDeadline(time.Now().Add(time.Minute))
	for i := range batchSize + 4 {
		if i%3 == 1 {
			continue
		}
		if n, _, err := peer.ReadFrom(got); err != nil || string(got[:n]) != strconv.Itoa(i) {
			t.Fatalf("%d came as %q, %v", i, got[:n], err)
		}
	}
	onLoop(t, r, func() {
		if len(failed.failed) != 12 || !errors.Is(failed.failed[0], unix.EINVAL) {
			t.Errorf("failures: %v", failed.failed)
		}
	})
}

func TestDialPort(t *testing.T) {
	r := start(t)
	at := startEcho(t, r, "127.0.0.1:0", false)
	answers := make(chan string, 4)
	var p Port
	out := Outgoing{To: Endpoint{IP: at}, From: netip.MustParseAddrPort("127.0.0.3:0")}
	if err := r.DialPort(&p, &out, portHandler{readable: func(p *Port) {
		room := make([]byte, 16)
		n, err := p.Receive(room)
		if err != nil {
			answers <- err.Error()
			return
		}
		answers <- string(room[:n])
	}}); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if local, err := p.LocalAddr(); err != nil || local.String() != "127.0.0.3" {
		t.Errorf("from %v, %v", local, err)
	}
	if err := p.Send([]byte("one")); err != nil {
		t.Fatal(err)
	}
	select { // nobody wants to know yet
	case got := <-answers:
		t.Errorf("heard %q", got)
	case <-time.After(20 * time.Millisecond):
	}
	if err := p.Reading(true); err != nil {
		t.Fatal(err)
	}
	if got := soon(t, answers); got != "one" {
		t.Errorf("heard %q", got)
	}
	o := p.Detach()
	if p.Send(nil) != os.ErrClosed || p.Reading(true) != os.ErrClosed || p.Close() != os.ErrClosed || p.Detach() != nil {
		t.Error("a Port that was detached goes on")
	}
	var again Port
	r.AddPort(&again, o.Take(), portHandler{readable: func(p *Port) {
		room := make([]byte, 16)
		n, _ := p.Receive(room)
		answers <- "again " + string(room[:n])
	}})
	defer again.Close()
	if err := errors.Join(again.Reading(true), again.Send([]byte("two"))); err != nil {
		t.Fatal(err)
	}
	if got := soon(t, answers); got != "again two" {
		t.Errorf("heard %q", got)
	}
}

// The network says that nobody is there, which the next call tells.
func TestPortIsRefused(t *testing.T) {
	r := start(t)
	n, at := bound(t, "127.0.0.1:0")
	unix.Close(n)
	heard := make(chan error, 4)
	var p Port
	if err := r.DialPort(&p, &Outgoing{To: Endpoint{IP: at}}, portHandler{readable: func(p *Port) {
		_, err := p.Receive(make([]byte, 1))
		heard <- err
	}}); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := errors.Join(p.Reading(true), p.Send([]byte("hello"))); err != nil {
		t.Fatal(err)
	}
	if err := soon(t, heard); err != unix.ECONNREFUSED {
		t.Errorf("heard %v", err)
	}
}

// What is dealt with costs no memory.
func TestDatagramsDoNotAllocate(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("counts allocations")
	}
	r := start(t)
	at := startEcho(t, r, "0.0.0.0:0", true)
	c, err := net.Dial("udp", "127.0.0.1:"+strconv.Itoa(int(at.Port())))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	room := make([]byte, 64)
	ask := func() {
		c.Write(room)
		c.Read(room)
	}
	ask()
	if n := testing.AllocsPerRun(1000, ask); n > 1.5 { // Post of a method value is the test's own
		t.Errorf("%.2f allocations for each", n)
	}
}

// The right to read goes from process to process.
func TestClaim(t *testing.T) {
	if os.Getenv("POLL_CLAIMS") != "" {
		claimer(t)
		return
	}
	r := start(t)
	n, _ := bound(t, "127.0.0.1:0")
	p := new(Port)
	r.AddPort(p, n, portHandler{})
	if ok, err := p.TryClaim(); !ok || err != nil {
		t.Fatalf("%v, %v", ok, err)
	}
	var said lines
	said.arrived = make(chan string, 8)
	cmd := exec.Command(os.Args[0], "-test.run", "^TestClaim$")
	cmd.Env = append(os.Environ(), "POLL_CLAIMS=1")
	cmd.Stdout = &said
	if err := p.FD(func(n int) error {
		copied, err := unix.Dup(n)
		cmd.ExtraFiles = []*os.File{os.NewFile(uintptr(copied), "socket")}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	if got := soon(t, said.arrived); got != "waits" {
		t.Errorf("said %q", got)
	}
	p.Close()
	if got := soon(t, said.arrived); got != "reads" {
		t.Errorf("said %q", got)
	}
	cmd.ExtraFiles[0].Close()
}

func claimer(t *testing.T) {
	r := start(t)
	p := new(Port)
	r.AddPort(p, 3, portHandler{})
	defer p.Close()
	if ok, err := p.TryClaim(); ok || err != nil {
		t.Fatalf("claimed: %v, %v", ok, err)
	}
	os.Stdout.WriteString("waits\n")
	if err := p.Claim(); err != nil {
		t.Fatal(err)
	}
	os.Stdout.WriteString("reads\n")
}

// lines are what a process prints.
type lines struct {
	arrived chan string
	rest    string
}

func (l *lines) Write(b []byte) (int, error) {
	l.rest += string(b)
	for {
		line, rest, ok := strings.Cut(l.rest, "\n")
		if !ok {
			return len(b), nil
		}
		l.rest = rest
		if line == "waits" || line == "reads" {
			l.arrived <- line
		}
	}
}

func FuzzParseLocal(f *testing.F) {
	var room [controlSize]byte
	for _, at := range []string{"192.0.2.1:5", "[2001:db8::1]:5"} {
		n := appendLocal(room[:0], SockaddrFrom(netip.MustParseAddrPort(at)))
		f.Add(append([]byte{}, room[:n]...))
		f.Add(append([]byte{}, room[:n-5]...))
	}
	f.Fuzz(func(t *testing.T, control []byte) {
		s, ok := parseLocal(control, 7)
		if ok != (s != Sockaddr{}) || ok && s.Port() != 7 {
			t.Errorf("%v, %v", s, ok)
		}
	})
}

func TestLocalAddressInAControlMessage(t *testing.T) {
	var room [controlSize]byte
	n := appendLocal(room[:0], SockaddrFrom(netip.MustParseAddrPort("[2001:db8::1]:9")))
	if s, ok := parseLocal(room[:n], 9); !ok || s.String() != "2001:db8::1" {
		t.Errorf("%v, %v", s, ok)
	}
	if _, ok := parseLocal(room[:0], 9); ok {
		t.Error("found in nothing")
	}
}
