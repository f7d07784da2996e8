package listen

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/baton-project/baton/fd"
	"golang.org/x/sys/unix"
)

func TestParametersThatDatagramsHaveNot(t *testing.T) {
	for text, want := range map[string]string{
		"80":                          "",
		"80 rcvbuf=64k sndbuf=1m":     "",
		"80 reuseport ipv6only=on":    "",
		"80-90 bind":                  "",
		"80 fastopen=3":               "fastopen",
		"80 backlog=511":              "backlog",
		"80 deferred backlog=5":       "backlog",
		"80 deferred":                 "deferred",
		"80 multipath":                "multipath",
		"80 ssl so_keepalive=on":      "ssl",
		"80 so_keepalive=off":         "so_keepalive",
		"80 proxy_protocol":           "proxy_protocol",
		"unix:/nowhere/datagram.sock": "unix",
	} {
		d, err := Parse(strings.Fields(text), 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = d.UDP()
		switch {
		case want == "" && (err != nil || !d.Addresses[0].Datagram()):
			t.Errorf("%s: %v", text, err)
		case want == "unix":
			if err != ErrDatagramPath {
				t.Errorf("%s: %v", text, err)
			}
		case want != "" && (err == nil || err.Error() != `"listen" directive "`+want+`" parameter is incompatible with "udp"`):
			t.Errorf("%s: %v", text, err)
		}
	}
}

// An address for datagrams has nothing to do with the same one for connections.
func TestBothKindsOnOneAddress(t *testing.T) {
	s := newSite(t)
	address := freeTCP(t)
	tcp, udp := s.spec(address), s.udp(address)
	if tcp.Address == udp.Address || tcp.Address.String() != udp.Address.String() || tcp.Address.overlaps(udp.Address) {
		t.Errorf("%v and %v", tcp.Address, udp.Address)
	}
	both := s.open(nil, 2, tcp, udp)
	both.Commit()
	want := address + ",udp " + address
	for n := 2; n <= spread; n++ {
		want += fmt.Sprintf(",udp %s #%d", address, n)
	}
	if got := names(both.Listeners()); got != want {
		t.Errorf("listening on %s, want %s", got, want)
	}
	only := s.open(both, 2, udp)
	only.Commit()
	if c, err := net.Dial("tcp", address); err == nil {
		c.Close()
		t.Error("the dropped address is still listened on")
	}
	if n := len(only.Listeners()); n != spread {
		t.Errorf("%d sockets for datagrams are left of %d", n, spread)
	}
	only.Close(false)
}

// Datagrams of a client come to the same socket for as long as there are as many:
// so whatever happens to the number of workers, there are.
func TestDatagramSocketsStay(t *testing.T) {
	s := newSite(t)
	spec := s.udp(freeTCP(t))
	set := s.open(nil, 3, spec)
	set.Commit()
	inodes := func(lent []Named) (all []uint64) {
		for _, n := range lent {
			all = append(all, inode(t, n.FD))
		}
		return all
	}
	first := inodes(set.Listeners())
	if len(first) != 18 {
		t.Fatalf("%d sockets for 3 workers", len(first))
	}
	for _, workers := range []int{1, 5, 18, 20, 3} {
		next := s.open(set, workers, spec)
		next.Commit()
		set = next
		if !slices.Equal(inodes(set.Listeners()), first) {
			t.Errorf("%d workers: %d sockets, want the same %d", workers, len(set.Listeners()), len(first))
		}
		var dealt []uint64
		for slot := range workers {
			some := inodes(set.Handout(slot))
			if n := len(first) / workers; len(some) != n && len(some) != n+1 {
				t.Errorf("%d workers: one has %d sockets of %d", workers, len(some), len(first))
			}
			dealt = append(dealt, some...)
		}
		slices.Sort(dealt)
		want := slices.Sorted(slices.Values(first))
		if !slices.Equal(dealt, want) {
			t.Errorf("%d workers: dealt out %v, want each of %v once", workers, dealt, want)
		}
	}
	// Another master goes on with them.
	var inherited []*fd.Owned
	for _, n := range dup(t, set.Listeners()) {
		inherited = append(inherited, n.FD)
	}
	heir, err := Open(t.Context(), Config{Want: []Spec{spec}, Workers: 8, Inherited: inherited, Log: s.log})
	if err != nil {
		t.Fatal(err)
	}
	heir.Commit()
	if !slices.Equal(inodes(heir.Listeners()), first) {
		t.Errorf("inherited: %v, want %v", inodes(heir.Listeners()), first)
	}
	heir.Close(false)
	set.Close(false)
	if lines := s.logged(); len(lines) != 1 || !strings.Contains(lines[0], "warn: "+spec.Address.String()+" has 18 sockets") {
		t.Errorf("logged: %q", lines)
	}
}

// As many addresses as there may be have sockets for their workers at least.
func TestManyAddressesForDatagrams(t *testing.T) {
	for _, c := range []struct{ addresses, workers, each int }{
		{1, 1, 16}, {1, 3, 18}, {1, 16, 16}, {1, 40, 40}, {16, 2, 16}, {17, 1, 15}, {100, 1, 2}, {100, 3, 3}, {1000, 1, 1}, {1000, 2, 2},
	} {
		want := []Spec{{Address: TCP(netip.MustParseAddrPort("127.0.0.1:1"))}}
		for n := range c.addresses {
			want = append(want, Spec{Address: UDP(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(n+1)))})
		}
		if got := (&Set{workers: c.workers}).spreadOf(want); got != c.each {
			t.Errorf("%d addresses, %d workers: %d sockets each, want %d", c.addresses, c.workers, got, c.each)
		}
	}
}

// nginx has one socket without reuseport. It gets company.
func TestDatagramSocketOfNginx(t *testing.T) {
	s := newSite(t)
	spec := s.udp(freeTCP(t) + " rcvbuf=20k")
	n, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	theirs := fd.New(n)
	defer theirs.Close()
	if err := unix.Bind(n, spec.Address.sockaddr()); err != nil {
		t.Fatal(err)
	}
	ours, err := theirs.Dup()
	if err != nil {
		t.Fatal(err)
	}
	set, err := Open(t.Context(), Config{Want: []Spec{spec}, Workers: 2, Inherited: []*fd.Owned{ours}, Log: s.log})
	if err != nil {
		t.Fatal(err)
	}
	set.Commit()
	lent := set.Listeners()
	if len(lent) != spread || inode(t, lent[0].FD) != inode(t, theirs) {
		t.Fatalf("%d sockets", len(lent))
	}
	for _, l := range lent {
		if option(t, l.FD, unix.SOL_SOCKET, unix.SO_RCVBUF) != 2*20480 {
			t.Error("rcvbuf is not set")
		}
	}
	set.Close(false)
	if lines := s.logged(); len(lines) != 0 {
		t.Errorf("logged: %q", lines)
	}
}

func TestConnectedDatagramSocketIsNotUsed(t *testing.T) {
	s := newSite(t)
	c, err := net.Dial("udp4", freeTCP(t))
	if err != nil {
		t.Fatal(err)
	}
	file, err := c.(*net.UDPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	o, err := fd.FromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	c.Close()
	set, err := Open(t.Context(), Config{Inherited: []*fd.Owned{o}, Log: s.log})
	if err != nil {
		t.Fatal(err)
	}
	set.Commit()
	if lines := s.logged(); len(lines) != 1 || !strings.Contains(lines[0], "is a connection") {
		t.Errorf("logged: %q", lines)
	}
}

func TestAdoptDatagramSockets(t *testing.T) {
	s := newSite(t)
	spec := s.udp(freeTCP(t))
	master := s.open(nil, 2, spec)
	master.Commit()
	worker, err := Adopt(dup(t, master.Handout(1)))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(worker.Sockets(s.spec(spec.Address.String()).Address)); n != 0 {
		t.Errorf("%d sockets for connections", n)
	}
	taken := worker.Take(spec.Address)
	if len(taken) != spread/2 || len(worker.Listeners()) != 0 {
		t.Errorf("%d taken, %d left", len(taken), len(worker.Listeners()))
	}
	worker.Close(false)
	fd.CloseAll(taken)
	master.Close(false)
	if _, err := Adopt([]Named{{Name: "listen udp unix:/x", FD: new(fd.Owned)}}); err == nil {
		t.Error("a path for datagrams was adopted")
	}
}
