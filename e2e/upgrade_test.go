package e2e_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// nginx upgrades daemons only: in the foreground it takes whoever started it
// for the old master.
const oneDaemon = "daemon on;" + oneServer

func TestUpgradeInTheForeground(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "nginx ignores USR2 with daemon off")
	b := e2e.Start(t, oneServer)
	b.Upgrade()
	b.Dial("web").Get("/").Want(200, "one")
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, oneDaemon)
	old, successor := b.StartUpgrade()
	if got := b.Read("nginx.pid.oldbin"); got != fmt.Sprintf("%d\n", old) {
		t.Errorf("nginx.pid.oldbin has %q, want %d", got, old)
	}
	if got := b.Read("nginx.pid"); got != fmt.Sprintf("%d\n", successor) {
		t.Errorf("nginx.pid has %q, want %d", got, successor)
	}
	if len(e2e.WorkersOf(old, false)) != 2 {
		t.Errorf("the old master has workers %v", e2e.WorkersOf(old, false))
	}
	if title := func(pid int) string { return strings.SplitN(e2e.Title(pid), ":", 2)[1] }; title(old) != title(successor) {
		t.Errorf("titles: %q, %q", e2e.Title(old), e2e.Title(successor))
	}
	gone := append(e2e.WorkersOf(old, false), old)
	b.Kill(old, syscall.SIGQUIT)
	b.WaitGone(gone, 30*time.Second)
	if _, err := os.Stat(b.Path("nginx.pid.oldbin")); !os.IsNotExist(err) {
		t.Errorf("nginx.pid.oldbin: %v, want none", err)
	}
	if b.MasterPID() != successor {
		t.Errorf("pid file has %d, want %d", b.MasterPID(), successor)
	}
	b.Dial("web").Get("/").Want(200, "one")
	b.Reload()
	b.Upgrade() // and the next one, from there
	b.Dial("web").Get("/").Want(200, "one")
}

func TestUpgradeRefusedWhileOneIsPending(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, oneDaemon)
	old, successor := b.StartUpgrade()
	for _, pid := range []int{old, successor} {
		b.Mark()
		b.Kill(pid, syscall.SIGUSR2)
		b.WaitLog(fmt.Sprintf(`\[crit\] %d#\d+: the changing binary signal is ignored`, pid))
	}
	masters := 0
	for _, pid := range b.Processes() {
		if strings.Contains(e2e.Title(pid), "master process") {
			masters++
		}
	}
	if masters != 2 {
		t.Errorf("%d masters", masters)
	}
	b.Kill(successor, syscall.SIGTERM) // the channel between the two goes with it
	b.WaitGone([]int{successor}, 30*time.Second)
}

func TestTermToTheNewMasterGivesThePidFileBack(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGKILL} {
		t.Run(sig.String(), func(t *testing.T) {
			if sig == syscall.SIGKILL {
				e2e.OnlyBaton(t, "nginx's workers outlive their master")
			}
			b := e2e.Start(t, oneDaemon)
			b.ExpectAlert(`new binary process \d+ exited on signal|exited on signal 9|master process \d+ is gone`)
			workers := b.WaitWorkers(2)
			before := e2e.Settled(b.MasterPID())
			old, successor := b.StartUpgrade()
			gone := append(e2e.WorkersOf(successor, false), successor)
			b.Kill(successor, sig)
			b.WaitGone(gone, 30*time.Second)
			wantOldServes(t, b, old, workers)
			b.WantDescriptors(old, before)
			b.Upgrade() // nothing stands in the way of the next try
			b.Dial("web").Get("/").Want(200, "one")
		})
	}
}

// wantOldServes fails unless an upgrade has left everything as it was.
func wantOldServes(t *testing.T, b *e2e.Server, master int, workers []int) {
	t.Helper()
	if !e2e.Eventually(30*time.Second, func() bool {
		_, err := os.Stat(b.Path("nginx.pid.oldbin"))
		return os.IsNotExist(err) && b.Read("nginx.pid") == fmt.Sprintf("%d\n", master)
	}) {
		t.Fatalf("pid file of %d is not restored: %q, .oldbin %q\n%s", master, b.Read("nginx.pid"), b.Read("nginx.pid.oldbin"), b.Log())
	}
	if now := b.Workers(); !slices.Equal(now, workers) {
		t.Errorf("workers are %v, were %v", now, workers)
	}
	for range 5 {
		b.Dial("web").Get("/").Want(200, "one")
	}
}

func TestUpgradeToABrokenProgram(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"garbage":      "\x7fELF but not really",
		"dies at once": "#!/bin/sh\nexit 3\n",
	} {
		t.Run(name, func(t *testing.T) {
			b := e2e.New(t, oneDaemon)
			b.ExpectAlert(`execve|new binary|exited with`)
			b.CopyBinary(e2e.Binary())
			b.Launch()
			b.WaitReady()
			master, workers := b.MasterPID(), b.WaitWorkers(2)
			before := e2e.Settled(master)
			replaceProgram(t, b, content)
			b.Signal(syscall.SIGUSR2)
			b.WaitLog(`execve\(\)|new binary process \d+ exited`)
			wantOldServes(t, b, master, workers)
			b.WantDescriptors(master, before)

			b.ReplaceBinary("program", e2e.Binary())
			b.Upgrade()
			b.Dial("web").Get("/").Want(200, "one")
		})
	}
}

// A program that starts but finds its configuration broken.
func TestUpgradeWithABrokenConfiguration(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, oneDaemon)
	b.ExpectAlert(`new binary`)
	master, workers := b.MasterPID(), b.WaitWorkers(2)
	b.Rewrite("http {", "http { foo;")
	b.Signal(syscall.SIGUSR2)
	b.WaitLog(`\[emerg\] .*unknown directive "foo"`)
	b.WaitLog(`new binary process \d+ exited with code 1`)
	wantOldServes(t, b, master, workers)
}

// The rollback by hand: the old workers were sent away, HUP to the old master
// starts them again with the old configuration, and the new master goes.
func TestHupWhileANewBinaryRuns(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, oneDaemon)
	workers := b.WaitWorkers(2)
	b.Rewrite(`"one"`, `"two"`)
	old, successor := b.StartUpgrade()
	b.Kill(old, syscall.SIGWINCH)
	b.WaitGone(workers, 30*time.Second)
	for range 10 {
		b.Dial("web").Get("/").Want(200, "two")
	}
	b.Kill(old, syscall.SIGHUP)
	if !e2e.Eventually(30*time.Second, func() bool { return len(e2e.WorkersOf(old, false)) == 2 }) {
		t.Fatalf("workers of the old master: %v", e2e.WorkersOf(old, false))
	}
	b.Kill(successor, syscall.SIGQUIT)
	b.WaitGone([]int{successor}, 30*time.Second)
	wantOldServes(t, b, old, e2e.WorkersOf(old, false))
	b.Reload()
	b.Dial("web").Get("/").Want(200, "two")
}

func TestUpgradeRightAfterReload(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, oneDaemon)
	l := b.StartLoad("web", &e2e.Load{KeepAlive: 4, PerConn: 4, Rate: 400, Body: func(s string) bool { return s == "one" || s == "two" }})
	b.Rewrite(`"one"`, `"two"`)
	old := b.MasterPID()
	b.Kill(old, syscall.SIGHUP)
	b.Kill(old, syscall.SIGUSR2)
	if !e2e.Eventually(30*time.Second, func() bool { return b.MasterPID() != old && len(b.Workers()) == 2 }) {
		t.Fatalf("no new master:\n%s", b.Log())
	}
	b.Kill(old, syscall.SIGQUIT)
	b.WaitGone([]int{old}, 30*time.Second)
	l.More(50)
	b.NoneFailed(l)
	b.Dial("web").Get("/").Want(200, "two")
}

func TestUnixSocketSurvivesUpgrade(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, `
		daemon on; worker_processes 2;
		http { server { listen {{web.unix}}; return 200 "one"; } }`)
	l := b.StartLoad("web", &e2e.Load{KeepAlive: 4, PerConn: 4, Rate: 400})
	b.Reload()
	l.More(50)
	b.Upgrade()
	l.More(50)
	_, successor := b.StartUpgrade()
	l.More(50)
	b.Kill(successor, syscall.SIGQUIT)
	b.WaitGone([]int{successor}, 30*time.Second)
	l.More(50)
	b.NoneFailed(l)
	b.Dial("web").Get("/").Want(200, "one")

	// TERM cuts what is in progress, so nothing is when it is sent.
	_, successor = b.StartUpgrade()
	b.Kill(successor, syscall.SIGTERM)
	b.WaitGone([]int{successor}, 30*time.Second)
	b.Dial("web").Get("/").Want(200, "one")
	b.Signal(syscall.SIGTERM)
	b.WaitGone(b.Processes(), 30*time.Second)
	if _, err := os.Stat(b.Path("web.sock")); !os.IsNotExist(err) {
		t.Errorf("web.sock: %v, want none", err)
	}
}
