package upstream

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/zone"
)

// zones is the memory that several workers share.
type zones struct{ first *zone.Set }

// worker compiles an upstream{} as a worker of its own would. What it returns
// ends the worker, as its death does.
func (z *zones) worker(t testing.TB, body string, now func() time.Time) (*Group, func()) {
	t.Helper()
	set := new(zone.Set)
	g := group(t, body+"zone z 64k;", Env{Now: now, Zone: func(_ *conf.Directive, spec zone.Spec) (*zone.Zone, error) {
		made, _, err := set.Declare(spec)
		return made, err
	}})
	err := set.Open(z.first, nil)
	if err == nil {
		err = set.Map()
	}
	if err != nil {
		t.Fatal(err)
	}
	if z.first == nil {
		z.first = set
	}
	t.Cleanup(set.Close)
	return g, set.Close
}

const servers = "server 127.0.0.1:1 weight=2; server 127.0.0.1:2; server 127.0.0.1:3;"

func TestWorkersShareARing(t *testing.T) {
	var z zones
	a, _ := z.worker(t, servers, nil)
	b, _ := z.worker(t, servers, nil)
	alone := group(t, servers, Env{})
	for i := range 24 {
		g := a
		if i%3 == 1 {
			g = b
		}
		s, got := next(g)
		other, want := next(alone)
		if got != want {
			t.Fatalf("%d: %s, want %s as if there were one worker", i, got, want)
		}
		s.Free(Served)
		other.Free(Served)
	}
}

func TestWorkersShareFailures(t *testing.T) {
	var z zones
	c := newClock()
	a, _ := z.worker(t, servers, c.now)
	b, _ := z.worker(t, servers, c.now)
	if s, p := next(a); p != "1" || !s.Free(Failed) {
		t.Fatal("the first server was not taken out")
	}
	for range 10 {
		s, p := next(b)
		if p == "1" {
			t.Fatal("the other worker does not know of the failure")
		}
		s.Free(Served)
	}
	// So does a worker of the next cycle, when the servers are the same.
	same, _ := z.worker(t, servers, c.now)
	changed, _ := z.worker(t, servers+"server 127.0.0.1:4;", c.now)
	if _, p := next(same); p == "1" {
		t.Error("a reload has forgotten the failure")
	}
	if _, p := next(changed); p != "1" {
		t.Errorf("another group begins with %s", p)
	}
}

func TestConnectionsOfADeadWorkerVanish(t *testing.T) {
	var z zones
	const body = "server 127.0.0.1:1 max_conns=2; server 127.0.0.1:2 max_conns=2;"
	a, _ := z.worker(t, body, nil)
	b, die := z.worker(t, body, nil)
	for _, g := range []*Group{a, b, b} {
		if _, p := next(g); p == "-" {
			t.Fatal("no server")
		}
	}
	s, p := next(a)
	if p == "-" {
		t.Fatal("no server")
	}
	if _, p := next(a); p != "-" {
		t.Fatal("max_conns is not shared")
	}
	die()
	c, _ := z.worker(t, body, nil) // another one takes its place
	for range 2 {
		if _, p := next(c); p == "-" {
			t.Fatal("the connections of the dead worker are still counted")
		}
	}
	if _, p := next(c); p != "-" {
		t.Fatal("too many connections")
	}
	s.Free(Served)
	if _, p := next(c); p == "-" {
		t.Fatal("a connection that was given back is still counted")
	}
}

const two = "server 127.0.0.1:1 max_conns=2; server 127.0.0.1:2 max_conns=2;"

// other is a worker that takes two connections of the zone at descriptor 3.
func other() {
	set := new(zone.Set)
	ups, _, _, err := read("http { upstream u {" + two + "zone z 64k;} }")
	if err == nil {
		err = ups.Compile(Env{Zone: func(_ *conf.Directive, spec zone.Spec) (*zone.Zone, error) {
			made, _, err := set.Declare(spec)
			return made, err
		}})
	}
	if err == nil {
		err = set.Adopt([]zone.Named{{Name: "zone:z", FD: fd.New(3)}})
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	g := ups.All()[0].Group()
	_, p1 := next(g)
	_, p2 := next(g)
	fmt.Println(p1, p2)
	time.Sleep(time.Minute)
}

func TestConnectionsOfAKilledProcessVanish(t *testing.T) {
	var z zones
	a, _ := z.worker(t, two, nil)
	held, _ := next(a)
	held.Free(Served)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "UPSTREAM_TEST_OTHER=1")
	file := z.first.Files()[0].FD.File("zone")
	defer file.Close()
	cmd.ExtraFiles = []*os.File{file}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	said, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || said != "2 1\n" {
		t.Errorf("the other process: %q, %v", said, err)
	}
	for range 2 {
		if _, p := next(a); p == "-" {
			t.Error("no room for the other two connections")
		}
	}
	if _, p := next(a); p != "-" {
		t.Error("the other process's connections are not counted")
	}
	cmd.Process.Kill()
	cmd.Wait()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, p := next(a); p != "-" {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the dead process's connections are still counted")
		}
	}
}

// A table that somebody has written over costs what was counted, not more.
func TestDamagedZone(t *testing.T) {
	var z zones
	a, _ := z.worker(t, servers, nil)
	s, _ := next(a)
	at := a.shared.place
	at.table.Lock()
	for e, ok := at.table.Oldest(); ok; e, ok = at.table.Oldest() {
		at.table.Delete(e)
	}
	at.table.Unlock()
	s.Free(Failed)
	seen := make(map[string]int)
	for range 8 {
		s, p := next(a)
		seen[p]++
		s.Free(Served)
	}
	if seen["-"] != 0 {
		t.Errorf("%v", seen)
	}
	at.table.Lock()
	e, _ := at.table.Find(a.shared.key)
	v := e.Value()
	for i := range v {
		v[i] = 0xff
	}
	at.table.Unlock()
	for range 8 {
		s, _ := next(a)
		s.Free(Served)
	}
}

// In the smallest zone the groups of many cycles follow each other.
func TestZoneIsNeverFull(t *testing.T) {
	var z zones
	for i := range 60 {
		g, _ := z.worker(t, strings.Repeat(fmt.Sprintf("server 127.0.0.1:%d;", i+1), 40), nil)
		s, p := next(g)
		if p == "-" {
			t.Fatal("no server")
		}
		s.Free(Failed)
	}
}

func TestWorkersAtOnce(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	var z zones
	const body = "least_time header inflight; server 127.0.0.1:1 max_conns=3; server 127.0.0.1:2 max_conns=3;"
	var wg sync.WaitGroup
	var last *Group
	for range 3 {
		g, _ := z.worker(t, body, nil)
		last = g
		for range 2 {
			wg.Go(func() {
				for i := range 500 {
					s, p := next(g)
					if p != "-" {
						s.Free(Outcome(i % 2))
					}
				}
			})
		}
	}
	wg.Wait()
	at := last.shared.place
	at.table.Lock()
	defer at.table.Unlock()
	e, _ := at.table.Find(last.shared.key)
	for i, c := range view(e) {
		if c.conns != 0 || c.underWay.number != 0 {
			t.Errorf("%d connections of server %d are left, %d are under way", c.conns, i, c.underWay.number)
		}
	}
}
