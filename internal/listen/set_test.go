package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/fd"
	"golang.org/x/sys/unix"
)

// 8000, 8001, 8002 listen; 8000, 8001, 8003 are wanted. The first two keep
// their sockets and everything that waits there.
func TestDiff(t *testing.T) {
	s := newSite(t)
	var specs []Spec
	for range 3 {
		specs = append(specs, s.spec(freeTCP(t)))
	}
	path := filepath.Join(s.dir, "kept.sock")
	specs = append(specs, s.spec("unix:"+path))
	old := s.open(nil, 1, specs...)
	old.Commit()
	before := old.Listeners()
	dialMany(t, specs[0].Address, 20)
	dialMany(t, specs[3].Address, 20)
	var inodes []uint64
	for _, l := range before {
		inodes = append(inodes, inode(t, l.FD))
	}

	added := s.spec(freeTCP(t))
	next := s.open(old, 1, added, specs[1], specs[0], specs[3])
	dialMany(t, specs[0].Address, 20)
	dial(t, specs[2].Address).Close() // still listened on
	next.Commit()
	after := next.Listeners()
	want := []string{added.Address.String(), specs[1].Address.String(), specs[0].Address.String(), "unix:" + path}
	if names(after) != strings.Join(want, ",") {
		t.Errorf("listening on %s, want %s", names(after), want)
	}
	if inode(t, after[2].FD) != inodes[0] || inode(t, after[1].FD) != inodes[1] || inode(t, after[3].FD) != inodes[3] {
		t.Error("a kept address has another socket")
	}
	if c, err := net.Dial("tcp", specs[2].Address.String()); err == nil {
		c.Close()
		t.Error("the dropped address is still listened on")
	}
	dial(t, added.Address).Close()
	if n := accepted(t, after[2:3]); n != 40 {
		t.Errorf("%d of 40 connections are left", n)
	}
	if n := accepted(t, after[3:]); n != 20 {
		t.Errorf("%d of 20 connections are left on the unix socket", n)
	}
	old.Close(true) // owns nothing any more
	next.Close(true)
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the unix socket's file is still there: %v", err)
	}
}

func TestAbortLeavesTheOldSet(t *testing.T) {
	s := newSite(t)
	keep, gone := s.spec(freeTCP(t)), s.spec("unix:"+filepath.Join(s.dir, "old.sock"))
	old := s.open(nil, 2, keep, gone)
	old.Commit()
	before := inode(t, old.Listeners()[0].FD)
	fresh, made := freeTCP(t), filepath.Join(s.dir, "new.sock")
	reuse := keep
	reuse.Options.ReusePort, reuse.Options.Backlog = true, 7
	next := s.open(old, 2, reuse, s.spec(fresh), s.spec("unix:"+made))
	if got := names(next.Listeners()); got != fmt.Sprintf("%[1]s,%[1]s #2,%s,unix:%s", keep.Address, fresh, made) {
		t.Errorf("the new set has %s", got)
	}
	next.Abort()
	for _, a := range []Address{keep.Address, gone.Address} {
		dial(t, a).Close()
	}
	if c, err := net.Dial("tcp", fresh); err == nil {
		c.Close()
		t.Error("what the new set opened is still open")
	}
	if _, err := os.Stat(made); !os.IsNotExist(err) {
		t.Errorf("the file that the new set made is still there: %v", err)
	}
	lent := old.Listeners()
	if len(lent) != 2 || inode(t, lent[0].FD) != before {
		t.Error("the old set has changed")
	}
	if option(t, lent[0].FD, unix.SOL_SOCKET, unix.SO_REUSEPORT) != 0 || backlog(t, lent[0].FD) != DefaultBacklog {
		t.Error("the old set's socket has the new one's options")
	}
	old.Close(true)
}

// Whatever the number of workers becomes, and whether reuseport is switched on
// or off, each connection that waits is accepted by some worker.
func TestReusePortLosesNothing(t *testing.T) {
	s := newSite(t)
	plain := s.spec(freeTCP(t))
	reuse := plain
	reuse.Options.ReusePort = true
	steps := []struct {
		spec    Spec
		workers int
		sockets int
		perSlot string // how many sockets each worker has
	}{
		{plain, 2, 1, "1 1"},
		{reuse, 4, 4, "1 1 1 1"},
		{reuse, 2, 4, "2 2"},
		{reuse, 3, 4, "2 1 1"},
		{reuse, 6, 6, "1 1 1 1 1 1"},
		{reuse, 1, 6, "6"},
		{plain, 2, 6, "6 6"},
		{reuse, 2, 6, "3 3"},
	}
	var set *Set
	for i, step := range steps {
		next := s.open(set, step.workers, step.spec)
		if set != nil {
			dialMany(t, plain.Address, 40)
		}
		beforeCommit := make([]string, step.workers)
		for slot := range beforeCommit {
			beforeCommit[slot] = names(next.Handout(slot))
		}
		next.Commit()
		set = next
		var perSlot []string
		total := 0
		seen := make(map[uint64]bool)
		for slot := range step.workers {
			lent := set.Handout(slot)
			if names(lent) != beforeCommit[slot] {
				t.Errorf("step %d: worker %d has %s before Commit and %s after", i, slot, beforeCommit[slot], names(lent))
			}
			perSlot = append(perSlot, fmt.Sprint(len(lent)))
			for _, n := range lent {
				seen[inode(t, n.FD)] = true
			}
			total += accepted(t, lent)
		}
		if got := strings.Join(perSlot, " "); got != step.perSlot || len(seen) != step.sockets {
			t.Errorf("step %d: workers have %s of %d sockets, want %s of %d", i, got, len(seen), step.perSlot, step.sockets)
		}
		if i > 0 && total != 40 {
			t.Errorf("step %d: %d of 40 connections are left", i, total)
		}
	}
	set.Close(false)
	if lines := s.logged(); len(lines) > 0 {
		t.Errorf("logged: %s", lines)
	}
}

func TestAddressInUse(t *testing.T) {
	s := newSite(t)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken, free := l.Addr().String(), freeTCP(t)
	c := Config{Want: []Spec{s.spec(taken), s.spec(free)}, Log: s.log, RetryInterval: time.Millisecond}
	if _, err := Open(t.Context(), c); !errors.Is(err, ErrStillInUse) {
		t.Errorf("Open: %v, want %v", err, ErrStillInUse)
	}
	var want []string
	for try := range tries {
		want = append(want, "emerg: bind() to "+taken+" failed (98: Address already in use)")
		if try < tries-1 {
			want = append(want, "notice: try again to bind() after 1ms")
		}
	}
	if got := s.logged(); !slices.Equal(got, want) {
		t.Errorf("logged\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if l, err := net.Listen("tcp4", free); err != nil {
		t.Errorf("the other address is still open: %v", err)
	} else {
		l.Close()
	}

	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("told to stop")
	cancel(cause)
	c.RetryInterval = time.Hour
	if _, err := Open(ctx, c); err != cause {
		t.Errorf("Open with a cancelled context: %v", err)
	}
}

// An address that becomes free between two tries is taken.
func TestAddressBecomesFree(t *testing.T) {
	s := newSite(t)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().String()
	done := make(chan error, 1)
	go func() {
		set, err := Open(t.Context(), Config{Want: []Spec{s.spec(taken)}, Log: s.log, RetryInterval: 500 * time.Millisecond})
		if err == nil {
			set.Commit()
			set.Close(false)
		}
		done <- err
	}()
	for deadline := time.Now().Add(30 * time.Second); len(s.logged()) < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no try was made")
		}
	}
	l.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestOtherErrorsEndAtOnce(t *testing.T) {
	s := newSite(t)
	for text, want := range map[string]string{
		"192.0.2.77:8080":                "bind() to 192.0.2.77:8080 failed (99: Cannot assign requested address)",
		"unix:" + s.dir + "/none/s":      "bind() to unix:" + s.dir + "/none/s failed (2: No such file or directory)",
		"unix:" + s.dir + "/error.log/s": "bind() to unix:" + s.dir + "/error.log/s failed (20: Not a directory)",
	} {
		for _, test := range []bool{false, true} {
			_, err := Open(t.Context(), Config{Want: []Spec{s.spec(text)}, Log: s.log, Test: test})
			if err == nil || err.Error() != want {
				t.Errorf("%s (test %v): %v, want %s", text, test, err, want)
			}
		}
	}
	if lines := s.logged(); len(lines) > 0 {
		t.Errorf("logged, besides returned: %s", lines)
	}
}

// A test of the configuration takes nothing, not even for a moment that a
// client could notice, and does not mind a server that runs.
func TestTestMode(t *testing.T) {
	s := newSite(t)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	path, stale := filepath.Join(s.dir, "s"), filepath.Join(s.dir, "stale")
	if err := os.WriteFile(stale, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	want := []Spec{s.spec(l.Addr().String()), s.spec(freeTCP(t) + " reuseport"), s.spec("unix:" + path), s.spec("unix:" + stale)}
	set, err := Open(t.Context(), Config{Want: want, Workers: 3, Log: s.log, Test: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Listeners()) > 0 || len(set.Handout(0)) > 0 {
		t.Error("a test has sockets")
	}
	set.Abort()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a file was made: %v", err)
	}
	if _, err := os.Stat(stale); err != nil {
		t.Errorf("a file was removed: %v", err)
	}
	dial(t, want[0].Address).Close()
}

func TestUnixSocket(t *testing.T) {
	s := newSite(t)
	path := filepath.Join(s.dir, "@ #2") // neither an abstract name nor a copy
	t.Chdir(s.dir)
	spec := Spec{Unix("@ #2"), DefaultOptions()}
	set := s.open(nil, 3, spec)
	set.Commit()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o666 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if _, err := Open(t.Context(), Config{Want: []Spec{spec}, Log: s.log, RetryInterval: time.Microsecond}); err != ErrStillInUse {
		t.Errorf("a second server: %v", err)
	}
	worker, err := Adopt(dup(t, set.Handout(0)))
	if err != nil {
		t.Fatal(err)
	}
	if len(worker.Sockets(spec.Address)) != 1 {
		t.Errorf("the worker has %s", names(worker.Listeners()))
	}
	worker.Close(false)
	set.Close(false)
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the file was removed: %v", err)
	}
	// Nobody listens behind the file, and yet nginx does not take it away.
	if _, err := Open(t.Context(), Config{Want: []Spec{spec}, Log: s.log, RetryInterval: time.Microsecond}); err != ErrStillInUse {
		t.Errorf("a stale file: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	old := s.open(nil, 1, spec)
	old.Commit()
	next := s.open(old, 1)
	next.Commit()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file of a dropped socket is still there: %v", err)
	}
	if lines := s.logged(); lines[len(lines)-1] != "warn: deleting socket @ #2" {
		t.Errorf("logged: %s", lines[len(lines)-1])
	}
}

func TestAdopt(t *testing.T) {
	s := newSite(t)
	a, b := s.spec(freeTCP(t)), s.spec("[::1]:1")
	b.Address = TCP(netip.AddrPortFrom(b.Address.IP().Addr(), a.Address.IP().Port()))
	a.Options.ReusePort = true
	master := s.open(nil, 2, a, b)
	master.Commit()
	given := append(dup(t, master.Listeners()), Named{"log:/x", new(fd.Owned)})
	worker, err := Adopt(given)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(worker.Listeners()); got != names(master.Listeners()) {
		t.Errorf("the worker has %s, the master %s", got, names(master.Listeners()))
	}
	if n, m := len(worker.Sockets(a.Address)), len(worker.Sockets(b.Address)); n != 2 || m != 1 {
		t.Errorf("%d and %d sockets, want 2 and 1", n, m)
	}
	worker.Close(false)
	bad := append(dup(t, master.Handout(0)), Named{"listen nowhere", new(fd.Owned)})
	if _, err := Adopt(bad); err == nil {
		t.Error("a name without an address was taken")
	}
	master.Close(false)
}

// nginx needs a restart to go from an address to the wildcard that covers it.
func TestFromAddressToWildcardAndBack(t *testing.T) {
	s := newSite(t)
	one := s.spec(freeTCP(t))
	all := Spec{TCP(netip.AddrPortFrom(netip.IPv4Unspecified(), one.Address.IP().Port())), DefaultOptions()}
	set := s.open(nil, 1, one)
	set.Commit()
	for _, spec := range []Spec{all, one, all} {
		aborted := s.open(set, 1, spec)
		aborted.Abort()
		if option(t, set.Listeners()[0].FD, unix.SOL_SOCKET, unix.SO_REUSEPORT) != 0 {
			t.Error("an aborted set left SO_REUSEPORT behind")
		}
		next := s.open(set, 1, spec)
		next.Commit()
		lent := next.Listeners()
		if names(lent) != spec.Address.String() || option(t, lent[0].FD, unix.SOL_SOCKET, unix.SO_REUSEPORT) != 0 {
			t.Errorf("listening on %s with SO_REUSEPORT", names(lent))
		}
		dialMany(t, one.Address, 5)
		if n := accepted(t, lent); n != 5 {
			t.Errorf("%d of 5 connections came to %s", n, spec.Address)
		}
		set = next
	}
	set.Close(false)
	if lines := s.logged(); len(lines) > 0 {
		t.Errorf("logged: %s", lines)
	}
}
