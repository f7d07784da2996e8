package listen

import (
	"net"
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
	if got, want := names(both.Listeners()), strings.Join([]string{address, "udp " + address, "udp " + address + " #2"}, ","); got != want {
		t.Errorf("listening on %s, want %s", got, want)
	}
	only := s.open(both, 2, udp)
	only.Commit()
	if c, err := net.Dial("tcp", address); err == nil {
		c.Close()
		t.Error("the dropped address is still listened on")
	}
	if n := len(only.Listeners()); n != 2 {
		t.Errorf("%d sockets for datagrams are left of 2", n)
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
	if len(first) != 3 {
		t.Fatalf("%d sockets for 3 workers", len(first))
	}
	for _, workers := range []int{1, 5, 3} {
		next := s.open(set, workers, spec)
		next.Commit()
		set = next
		if !slices.Equal(inodes(set.Listeners()), first) {
			t.Errorf("%d workers: %d sockets, want the same 3", workers, len(set.Listeners()))
		}
		var dealt []uint64
		for slot := range workers {
			dealt = append(dealt, inodes(set.Handout(slot))...)
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
	if len(lent) != 2 || inode(t, lent[0].FD) != inode(t, theirs) {
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
	if len(taken) != 1 || len(worker.Listeners()) != 0 {
		t.Errorf("%d taken, %d left", len(taken), len(worker.Listeners()))
	}
	worker.Close(false)
	fd.CloseAll(taken)
	master.Close(false)
	if _, err := Adopt([]Named{{Name: "listen udp unix:/x", FD: new(fd.Owned)}}); err == nil {
		t.Error("a path for datagrams was adopted")
	}
}
