package listen

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/freeport"
	"github.com/baton-project/baton/internal/log"
	"golang.org/x/sys/unix"
)

// A site is what tests of sets work on: a log, and a check for leaks.
type site struct {
	t     *testing.T
	dir   string
	log   *log.Logger
	files *log.Files
}

func newSite(t *testing.T) *site {
	t.Helper()
	before := countDescriptors(t)
	s := &site{t: t, dir: t.TempDir(), files: log.NewFiles()}
	var err error
	if s.log, err = s.files.Logger([]log.Spec{{Level: log.Debug, Path: filepath.Join(s.dir, "error.log")}}); err != nil {
		t.Fatal(err)
	}
	if err := s.files.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.files.Close()
		if after := countDescriptors(t); after != before {
			t.Errorf("%d descriptors before, %d after", before, after)
		}
	})
	return s
}

func countDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries { // Go's poller keeps its own
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && !strings.HasPrefix(to, "anon_inode:") {
			n++
		}
	}
	return n
}

// logged returns the lines of the log without time and process.
func (s *site) logged() []string {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, "error.log"))
	if err != nil {
		s.t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(b)) {
		_, line, _ = strings.Cut(line, "[")
		level, rest, _ := strings.Cut(line, "]")
		_, msg, _ := strings.Cut(rest, ": ")
		lines = append(lines, level+": "+strings.TrimSpace(msg))
	}
	return lines
}

// open opens want beside old and expects success.
func (s *site) open(old *Set, workers int, want ...Spec) *Set {
	s.t.Helper()
	set, err := Open(s.t.Context(), Config{Want: want, Workers: workers, Old: old, Log: s.log})
	if err != nil {
		s.t.Fatal(err)
	}
	return set
}

// spec is an address with parameters, as in a listen directive.
func (s *site) spec(text string) Spec {
	s.t.Helper()
	d, err := Parse(strings.Fields(text), 0, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return Spec{d.Addresses[0], d.Options}
}

// udp is spec for datagrams.
func (s *site) udp(text string) Spec {
	s.t.Helper()
	d, err := Parse(strings.Fields(text), 0, nil)
	if err == nil {
		err = d.UDP()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return Spec{d.Addresses[0], d.Options}
}

// freeTCP finds an address of 127.0.0.1 that nobody listens on.
func freeTCP(t *testing.T) string { return freeport.Loopback(t) }

// inode tells sockets apart, whatever their descriptors.
func inode(t *testing.T, o *fd.Owned) uint64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Fstat(o.Raw(), &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

// dial makes a connection that waits in the queue of a.
func dial(t *testing.T, a Address) net.Conn {
	t.Helper()
	network, to := "tcp", a.String()
	if a.Path() != "" {
		network, to = "unix", a.Path()
	}
	c, err := net.DialTimeout(network, to, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// dialMany makes n of them, which the test closes.
func dialMany(t *testing.T, a Address, n int) {
	t.Helper()
	for range n {
		c := dial(t, a)
		t.Cleanup(func() { c.Close() })
	}
}

// accepted counts the connections that wait in the queues of lent.
func accepted(t *testing.T, lent []Named) int {
	t.Helper()
	n := 0
	for _, l := range lent {
		for {
			c, _, err := unix.Accept4(l.FD.Raw(), unix.SOCK_CLOEXEC)
			if err == unix.EAGAIN {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			unix.Close(c)
			n++
		}
	}
	return n
}

func names(lent []Named) string {
	var all []string
	for _, n := range lent {
		all = append(all, strings.TrimPrefix(n.Name, "listen "))
	}
	return strings.Join(all, ",")
}

func option(t *testing.T, o *fd.Owned, level, name int) int {
	t.Helper()
	v, err := unix.GetsockoptInt(o.Raw(), level, name)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// dup is what travels to another process.
func dup(t *testing.T, lent []Named) []Named {
	t.Helper()
	var copies []Named
	for _, n := range lent {
		o, err := n.FD.Dup()
		if err != nil {
			t.Fatal(err)
		}
		copies = append(copies, Named{n.Name, o})
	}
	return copies
}

// backlog asks the kernel, which keeps it in a field of its own.
func backlog(t *testing.T, o *fd.Owned) int {
	t.Helper()
	info, err := unix.GetsockoptTCPInfo(o.Raw(), unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Sacked)
}
