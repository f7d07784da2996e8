package e2e_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/e2e"
)

func TestPidFileAndTitles(t *testing.T) {
	t.Parallel()
	b := e2e.New(t, oneServer)
	first := b.Launch()
	b.WaitReady()
	if got := b.Read("nginx.pid"); got != fmt.Sprintf("%d\n", first) {
		t.Errorf("nginx.pid has %q, want the process that was started, %d", got, first)
	}
	title := e2e.Title(first)
	if want := `^\w+: master process ` + regexp.QuoteMeta(strings.Join(append([]string{b.Binary}, b.Args...), " ")) + `$`; !regexp.MustCompile(want).MatchString(title) {
		t.Errorf("title of the master %q, want %s", title, want)
	}
	name, _, _ := strings.Cut(title, ":")
	for _, pid := range b.WaitWorkers(2) {
		if got := e2e.Title(pid); got != name+": worker process" {
			t.Errorf("title of a worker %q", got)
		}
	}
}

func TestWorkersRunAsTheirUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	b := e2e.Start(t, "user nobody nogroup;"+oneServer)
	for _, pid := range b.WaitWorkers(2) {
		if uid := e2e.Status(pid, "Uid"); uid != 65534 {
			t.Errorf("worker %d runs as %d", pid, uid)
		}
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err != nil || !strings.Contains(string(text), "CapEff:\t0000000000000000\n") {
			t.Errorf("worker %d has capabilities (%v):\n%s", pid, err, text)
		}
	}
}

// The process that was started ends when the server serves; before, a start
// script could not tell.
func TestDaemon(t *testing.T) {
	t.Parallel()
	b := e2e.New(t, oneDaemon)
	first := b.Launch()
	if code := b.Exited(); code != 0 {
		t.Fatalf("exit code %d: %s", code, b.Output())
	}
	if !e2e.IsNginx(t, b.Binary) { // nginx's parent ends too early
		if b.Read("nginx.pid") == "" {
			t.Error("no pid file when the parent was gone")
		}
		b.Dial("web").Get("/").Want(200, "one")
	}
	b.WaitReady()
	master := b.MasterPID()
	if master == first {
		t.Errorf("the pid file has the parent %d", first)
	}
	if session, err := unix.Getsid(master); err != nil || session != master {
		t.Errorf("session %d of master %d: %v", session, master, err)
	}
	for fd := range 2 {
		if target, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", master, fd)); err != nil || target != os.DevNull {
			t.Errorf("descriptor %d of the daemon is %s, %v", fd, target, err)
		}
	}
	b.Dial("web").Get("/").Want(200, "one")
	if r := b.Run("-s", "quit"); r.Code != 0 {
		t.Errorf("-s quit: %+v", r)
	}
	b.WaitGone(b.Processes(), 30*time.Second)
}

// A daemon that cannot start says so to whoever started it.
func TestDaemonThatFails(t *testing.T) {
	t.Parallel()
	b := e2e.New(t, "daemon on; http { server { listen {{web}}; foo; } }")
	b.Launch()
	if code := b.Exited(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if want := `(?m)^\w+: \[emerg\] unknown directive "foo" in ` + b.Path("nginx.conf") + `:1$`; !regexp.MustCompile(want).MatchString(b.Output()) {
		t.Errorf("printed %q, want %s", b.Output(), want)
	}
	if b.Read("nginx.pid") != "" {
		t.Error("a pid file is left")
	}
}

func TestSingleProcess(t *testing.T) {
	t.Parallel()
	b := e2e.New(t, `
		master_process off;
		http { server { listen {{web}}; return 200 "one"; } }`)
	first := b.Launch()
	b.WaitReady()
	if all := b.Processes(); len(all) != 1 || all[0] != first {
		t.Errorf("processes %v, want only %d", all, first)
	}
	b.Dial("web").Get("/").Want(200, "one")
	if !e2e.IsNginx(t, b.Binary) { // its single process can write log lines into a connection after HUP
		b.Rewrite(`"one"`, `"two"`)
		b.Signal(syscall.SIGHUP)
		if !e2e.Eventually(30*time.Second, func() bool { return string(b.Dial("web").Get("/").Body) == "two" }) {
			t.Error("HUP changes nothing")
		}
	}
	b.Signal(syscall.SIGQUIT)
	if code := b.Exited(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
