package e2e_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

func TestTermStopsAtOnce(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			b := e2e.Start(t, `
				worker_processes 2;
				http { server { listen {{web}}; root {{dir}}; } }`)
			downloadSlowly(t, b)
			all := b.Processes()
			b.Within(30*time.Second, sig.String(), func() {
				b.Signal(sig)
				if code := b.Exited(); code != 0 {
					t.Errorf("exit code %d", code)
				}
				b.WaitGone(all, 30*time.Second)
			})
			if _, err := os.Stat(b.Path("nginx.pid")); !os.IsNotExist(err) {
				t.Errorf("pid file: %v, want none", err)
			}
			wantRefused(t, b, "web")
		})
	}
}

// A worker that does not listen to TERM, here because it is stopped, is
// killed.
func TestTermEndsInKill(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, oneServer)
	b.ExpectAlert(`exited on signal 9`)
	stopped := b.WaitWorkers(2)[0]
	b.Freeze(stopped)
	b.Signal(syscall.SIGTERM)
	if code := b.Exited(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	b.WaitGone([]int{stopped}, 30*time.Second)
}

func TestQuitFinishesWhatIsInProgress(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, `
		worker_processes 2;
		http { server { listen {{web}}; root {{dir}}; location = /short { return 200 "short"; } } }`)
	slow := downloadSlowly(t, b)
	idle := b.Dial("web")
	idle.Get("/short").Want(200, "short")
	b.Signal(syscall.SIGQUIT)
	idle.WantClosed(30 * time.Second)
	wantRefused(t, b, "web")
	if len(b.Processes()) < 2 {
		t.Fatalf("a response is in progress, but only %v run", b.Processes())
	}
	slow.finish()
	if code := b.Exited(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	b.WaitGone(b.Processes(), 30*time.Second)
	if _, err := os.Stat(b.Path("nginx.pid")); !os.IsNotExist(err) {
		t.Errorf("pid file: %v, want none", err)
	}
}

// The same for one worker alone, which its master replaces.
func TestQuitToAWorker(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, `
		worker_processes 1;
		http { server { listen {{web}}; root {{dir}}; } }`)
	slow := downloadSlowly(t, b)
	old := b.WaitWorkers(1)[0]
	b.Kill(old, syscall.SIGQUIT)
	slow.finish()
	b.WaitLog(fmt.Sprintf(`worker process %d exited with code 0$`, old))
	b.WaitGone([]int{old}, 30*time.Second)
}

func TestWorkerShutdownTimeout(t *testing.T) {
	t.Parallel()
	conf := `
		worker_processes 1;
		worker_shutdown_timeout 500ms;
		http { server { listen {{web}}; root {{dir}}; } }`
	t.Run("QUIT", func(t *testing.T) {
		b := e2e.Start(t, conf)
		slow := downloadSlowly(t, b)
		b.Within(30*time.Second, "QUIT", func() {
			b.Signal(syscall.SIGQUIT)
			b.Exited()
		})
		if got := slow.countRest(); got >= bigFile {
			t.Errorf("got all %d bytes after the timeout", got)
		}
	})
	t.Run("HUP", func(t *testing.T) {
		b := e2e.Start(t, conf)
		slow := downloadSlowly(t, b)
		old := b.Reload()
		b.WaitGone(old, 30*time.Second)
		if got := slow.countRest(); got >= bigFile {
			t.Errorf("got all %d bytes after the timeout", got)
		}
		b.WaitLog(fmt.Sprintf(`worker process %d exited with code 0$`, old[0]))
	})
}

func TestWinchStopsWorkersAndHupBringsThemBack(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, oneDaemon)
	master, old := b.MasterPID(), b.WaitWorkers(2)
	b.Kill(master, syscall.SIGWINCH)
	b.WaitGone(old, 30*time.Second)
	if now := b.Workers(); len(now) != 0 || !e2e.Alive(master) {
		t.Fatalf("workers %v, master alive: %v", now, e2e.Alive(master))
	}
	// The address stays open; who comes now waits for HUP.
	early := b.Dial("web")
	early.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	b.Kill(master, syscall.SIGHUP)
	b.WaitWorkers(2)
	early.Read("GET").Want(200, "one")
}

func TestReopenLogs(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"signal", "flag"} {
		t.Run(how, func(t *testing.T) {
			b := e2e.Start(t, `
				worker_processes 2;
				http {
					access_log access.log;
					server { listen {{web}}; return 200 "ok"; }
				}`)
			b.Dial("web").Get("/before").Want(200, "ok")
			waitFor(t, b, "access.log", "GET /before")
			before := e2e.Settled(b.MasterPID())
			for _, name := range []string{"access.log", "error.log"} {
				if err := os.Rename(b.Path(name), b.Path("old-"+name)); err != nil {
					t.Fatal(err)
				}
			}
			if how == "flag" {
				if r := b.Run("-s", "reopen"); r.Code != 0 || r.Errors != "" {
					t.Errorf("-s reopen: %+v", r)
				}
			} else {
				b.Signal(syscall.SIGUSR1)
			}
			for _, pid := range append(b.Workers(), b.MasterPID()) {
				if !e2e.Eventually(30*time.Second, func() bool {
					open := strings.Join(e2e.Descriptors(pid), "\n")
					return !strings.Contains(open, "old-") && strings.Contains(open, b.Path("error.log"))
				}) {
					t.Errorf("%s has open %q", e2e.Title(pid), e2e.Descriptors(pid))
				}
			}
			for range 20 { // whichever worker serves it
				b.Dial("web").Get("/after").Want(200, "ok")
			}
			if !e2e.Eventually(30*time.Second, func() bool { return strings.Count(b.Read("access.log"), "GET /after") == 20 }) {
				t.Errorf("access.log: %q", b.Read("access.log"))
			}
			if old := b.Read("old-access.log"); strings.Contains(old, "/after") {
				t.Errorf("the rotated log goes on: %q", old)
			}
			b.WantDescriptors(b.MasterPID(), before)
			checkOwner(t, b, b.Path("access.log"))
			checkOwner(t, b, b.Path("error.log"))
		})
	}
}

// checkOwner fails unless a reopened log belongs to the worker's user, who has
// to open it again himself at the next rotation in nginx.
func checkOwner(t *testing.T, b *e2e.Server, path string) {
	t.Helper()
	if os.Getuid() != 0 {
		return // everything is ours
	}
	var log, worker syscall.Stat_t
	if err := syscall.Stat(path, &log); err != nil {
		t.Error(err)
	}
	if err := syscall.Stat(fmt.Sprintf("/proc/%d/status", b.Workers()[0]), &worker); err != nil {
		t.Error(err)
	}
	uid := e2e.Status(b.Workers()[0], "Uid")
	if uid == 0 || int(log.Uid) != uid {
		t.Errorf("%s belongs to user %d, workers run as %d", path, log.Uid, uid)
	}
	if log.Mode&0o600 != 0o600 {
		t.Errorf("%s has mode %o", path, log.Mode)
	}
}

func waitFor(t *testing.T, b *e2e.Server, file, text string) {
	t.Helper()
	if !e2e.Eventually(30*time.Second, func() bool { return strings.Contains(b.Read(file), text) }) {
		t.Fatalf("%s has no %q: %q", file, text, b.Read(file))
	}
}
