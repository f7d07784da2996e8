package listen

import (
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/freeport"
	"golang.org/x/sys/unix"
)

// acceptOne waits for a connection.
func acceptOne(t *testing.T, o *fd.Owned) *fd.Owned {
	t.Helper()
	poll := []unix.PollFd{{Fd: int32(o.Raw()), Events: unix.POLLIN}}
	if n, err := unix.Poll(poll, 30000); n != 1 || err != nil {
		t.Fatalf("nothing to accept: %v", err)
	}
	n, _, err := unix.Accept4(o.Raw(), unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	return fd.New(n)
}

// Accepted sockets have TCP_NODELAY without a call of their own, and the
// buffers and keep-alive of the listener.
func TestAcceptedSocketsInherit(t *testing.T) {
	s := newSite(t)
	spec := s.spec(freeTCP(t) + " so_keepalive=11:5:3 rcvbuf=20k")
	set := s.open(nil, 1, spec)
	set.Commit()
	defer set.Close(false)
	c := dial(t, spec.Address)
	defer c.Close()
	o := acceptOne(t, set.Listeners()[0].FD)
	defer o.Close()
	for _, want := range []struct{ level, name, value int }{
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 11},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 5},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
		{unix.SOL_SOCKET, unix.SO_RCVBUF, 2 * 20480},
	} {
		if got := option(t, o, want.level, want.name); got != want.value {
			t.Errorf("option %d/%d of an accepted socket is %d, want %d", want.level, want.name, got, want.value)
		}
	}
}

func TestOptionsOfTheListener(t *testing.T) {
	s := newSite(t)
	text := freeTCP(t)
	set := s.open(nil, 1, s.spec(text+" backlog=9 sndbuf=30k fastopen=4 deferred so_keepalive=off"))
	set.Commit()
	o := set.Listeners()[0].FD
	flags, err := unix.FcntlInt(uintptr(o.Raw()), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_NONBLOCK == 0 {
		t.Errorf("flags %#x, %v: not non-blocking", flags, err)
	}
	if flags, err := unix.FcntlInt(uintptr(o.Raw()), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("flags %#x, %v: not close-on-exec", flags, err)
	}
	check := func(deferred, wantBacklog int) {
		t.Helper()
		if got := option(t, o, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT); got != deferred {
			t.Errorf("TCP_DEFER_ACCEPT is %d, want %d", got, deferred)
		}
		if got := backlog(t, o); got != wantBacklog {
			t.Errorf("backlog is %d, want %d", got, wantBacklog)
		}
	}
	check(1, 9)
	for _, want := range []struct{ level, name, value int }{
		{unix.SOL_SOCKET, unix.SO_SNDBUF, 2 * 30720},
		{unix.IPPROTO_TCP, unix.TCP_FASTOPEN, 4},
		{unix.SOL_SOCKET, unix.SO_REUSEPORT, 0},
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0},
	} {
		if got := option(t, o, want.level, want.name); got != want.value {
			t.Errorf("option %d/%d is %d, want %d", want.level, want.name, got, want.value)
		}
	}

	// A reload changes them on the same socket, when it is committed.
	next := s.open(set, 1, s.spec(text+" backlog=33"))
	check(1, 9)
	next.Commit()
	if next.Listeners()[0].FD != o {
		t.Error("the address has another socket")
	}
	check(0, 33)
	again := s.open(next, 1, s.spec(text+" deferred"))
	again.Commit()
	check(1, DefaultBacklog)
	again.Close(false)
	if lines := s.logged(); len(lines) > 0 {
		t.Errorf("logged: %s", lines)
	}
}

func TestIPv6Only(t *testing.T) {
	s := newSite(t)
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here")
	}
	l.Close()
	port := strconv.Itoa(freeport.Reserve(t))
	set := s.open(nil, 1, s.spec("[::]:"+port), s.spec(port)) // both, side by side
	set.Commit()
	dial(t, TCP(s.spec("127.0.0.1:"+port).Address.IP())).Close()
	dial(t, TCP(s.spec("[::1]:"+port).Address.IP())).Close()
	set.Close(false)
	set = s.open(nil, 1, s.spec("[::]:"+port+" ipv6only=off"))
	set.Commit()
	dial(t, TCP(s.spec("127.0.0.1:"+port).Address.IP())).Close()
	set.Close(false)
}

func TestMultipath(t *testing.T) {
	s := newSite(t)
	n, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_MPTCP)
	if err != nil {
		t.Skip("no MPTCP here: ", err)
	}
	unix.Close(n)
	plain := s.spec(freeTCP(t))
	multi := plain
	multi.Options.Multipath = true
	set := s.open(nil, 1, plain)
	set.Commit()
	for _, spec := range []Spec{multi, plain} { // the protocol changes at a reload
		next := s.open(set, 1, spec)
		next.Commit()
		lent := next.Listeners()
		want := unix.IPPROTO_TCP
		if spec.Options.Multipath {
			want = unix.IPPROTO_MPTCP
		}
		if len(lent) != 1 || option(t, lent[0].FD, unix.SOL_SOCKET, unix.SO_PROTOCOL) != want {
			t.Errorf("multipath %v: %s", spec.Options.Multipath, names(lent))
		}
		c := dial(t, spec.Address)
		acceptOne(t, lent[0].FD).Close()
		c.Close()
		set = next
	}
	set.Close(false)
}

// Sockets from NGINX= are known by their addresses; what is of no use is closed.
func TestInherited(t *testing.T) {
	s := newSite(t)
	a, b := s.spec(freeTCP(t)+" reuseport deferred"), s.spec("unix:"+s.dir+"/s")
	dropped := s.spec("unix:" + s.dir + "/dropped")
	master := s.open(nil, 2, a, b, dropped)
	master.Commit()
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	var inherited []*fd.Owned
	for _, n := range dup(t, master.Listeners()) {
		inherited = append(inherited, n.FD)
	}
	file, err := udp.(*net.UDPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	packet, err := fd.FromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	none, err := fd.Memfd("no socket", nil)
	if err != nil {
		t.Fatal(err)
	}
	inherited = append(inherited, packet, none)
	dialMany(t, a.Address, 10)
	dialMany(t, b.Address, 10)

	added := s.spec(freeTCP(t))
	plain := a
	plain.Options.ReusePort, plain.Options.Deferred = false, false
	set, err := Open(t.Context(), Config{Want: []Spec{plain, b, added}, Inherited: inherited, Log: s.log})
	if err != nil {
		t.Fatal(err)
	}
	set.Commit()
	if got := len(set.Listeners()); got != 4 || len(set.Sockets(a.Address)) != 2 {
		t.Errorf("%d sockets: %s", got, names(set.Listeners()))
	}
	for i, o := range set.Sockets(a.Address) {
		if inode(t, o) != inode(t, master.Listeners()[i].FD) {
			t.Error("an inherited address has another socket")
		}
		if option(t, o, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT) != 0 {
			t.Error("deferred is still on")
		}
	}
	// Deferred connections without data become acceptable after their second.
	got := 0
	for deadline := time.Now().Add(30 * time.Second); got < 20 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		got += accepted(t, set.Handout(0))
	}
	if got != 20 {
		t.Errorf("%d of 20 connections are left", got)
	}
	if lines := s.logged(); len(lines) != 1 {
		t.Errorf("logged: %q, want a line for the file; the UDP socket is one that is not wanted", lines)
	}
	dial(t, dropped.Address).Close() // the other master's
	set.Close(false)
	master.Close(true)
}

func TestAbortOfAnInheritingSet(t *testing.T) {
	s := newSite(t)
	a, b := s.spec("unix:"+s.dir+"/s"), s.spec("unix:"+s.dir+"/dropped")
	master := s.open(nil, 1, a, b)
	master.Commit()
	var inherited []*fd.Owned
	for _, n := range dup(t, master.Listeners()) {
		inherited = append(inherited, n.FD)
	}
	set, err := Open(t.Context(), Config{Want: []Spec{a}, Inherited: inherited, Log: s.log})
	if err != nil {
		t.Fatal(err)
	}
	set.Abort()
	dial(t, a.Address).Close()
	dial(t, b.Address).Close()
	master.Close(true)
}
