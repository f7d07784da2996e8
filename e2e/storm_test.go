package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// The promise of the whole program: 64 clients with kept connections and 64
// that come anew each time notice nothing of reloads and upgrades.
func TestStormOfReloadsAndUpgrades(t *testing.T) {
	b := e2e.Start(t, `
		daemon on;
		worker_processes 2;
		http { server { listen {{web}}; root {{dir}}; } }`)
	want := strings.Repeat("every byte counts\n", 500)
	b.Write("index.html", want)
	l := b.StartLoad("web", &e2e.Load{
		KeepAlive: 64, PerConn: 64, Rate: 1500, Path: "/index.html",
		Body: func(s string) bool { return s == want },
	})
	rounds, reloads := 10, 5
	if e2e.RaceEnabled { // which makes every start five times as long
		rounds = 4
	}
	if testing.Short() {
		rounds = 2
	}
	for range rounds {
		for range reloads {
			b.Reload()
			l.More(20)
		}
		b.Upgrade()
		l.More(20)
	}
	r := b.NoneFailed(l)
	t.Logf("%d reloads and %d upgrades; %d lost SYNs", rounds*reloads, rounds, r.LostSYNs)
	if !e2e.Eventually(30*time.Second, func() bool { return len(b.Processes()) == 3 }) {
		t.Errorf("processes are left over: %v", b.Processes())
	}
}

// After 500 reloads (130 with the race detector) the master is as it was after
// a few.
func TestManyReloadsLeaveTheMasterFlat(t *testing.T) {
	b := e2e.Start(t, `
		worker_processes 2;
		http {
			access_log access.log;
			server { listen {{web}}; listen {{unix.unix}}; return 200 "ok"; }
		}`)
	warm, rounds := 30, 500
	if e2e.RaceEnabled {
		rounds = 130
	}
	if testing.Short() {
		rounds = 60
	}
	master := b.MasterPID()
	for range warm {
		b.Reload()
	}
	settle(t, b)
	fds, memory, threads := e2e.Settled(master), e2e.Status(master, "VmRSS"), e2e.Status(master, "Threads")
	for range rounds - warm {
		b.Reload()
	}
	settle(t, b)
	b.WantDescriptors(master, fds)
	t.Logf("after %d and %d reloads: %d and %d kB, %d and %d threads, %d and %d descriptors", warm, rounds,
		memory, e2e.Status(master, "VmRSS"), threads, e2e.Status(master, "Threads"), len(fds), len(e2e.Descriptors(master)))
	if now := e2e.Status(master, "VmRSS"); now > memory+memory/4+2048 {
		t.Errorf("master grew from %d to %d kB", memory, now)
	}
	if now := e2e.Status(master, "Threads"); now > threads+4 {
		t.Errorf("master grew from %d to %d threads", threads, now)
	}
	b.Dial("web").Get("/").Want(200, "ok")
}

// settle waits until only the master and one generation are left.
func settle(t *testing.T, b *e2e.Server) {
	t.Helper()
	if !e2e.Eventually(30*time.Second, func() bool { return len(b.Processes()) == 3 }) {
		t.Errorf("processes are left over: %v", b.Processes())
	}
}

// Workers do not grow under load: neither in memory nor in descriptors.
func TestLoadLeavesWorkersFlat(t *testing.T) {
	b := e2e.Start(t, `
		worker_processes 1;
		http { server { listen {{web}}; root {{dir}}; } }`)
	b.Write("index.html", strings.Repeat("x", 1000))
	worker := b.WaitWorkers(1)[0]
	fds := e2e.Settled(worker)
	n := 30_000
	if testing.Short() {
		n = 5_000
	}
	requests := func(n int) {
		l := b.StartLoad("web", &e2e.Load{KeepAlive: 32, PerConn: 32, Rate: 20_000, Path: "/index.html"})
		for done := 0; done < n; done += 2000 {
			if !l.More(2000) {
				t.Fatalf("too slow: %v", l.Report())
			}
		}
		b.NoneFailed(l)
	}
	requests(4000)
	b.WantDescriptors(worker, fds)
	memory := e2e.Status(worker, "VmRSS")
	requests(n)
	b.WantDescriptors(worker, fds)
	t.Logf("%d kB, then %d kB", memory, e2e.Status(worker, "VmRSS"))
	if now := e2e.Status(worker, "VmRSS"); now > memory+memory/4+4096 {
		t.Errorf("worker grew from %d to %d kB", memory, now)
	}
}
