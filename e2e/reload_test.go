package e2e_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

const oneServer = `
worker_processes 2;
http { server { listen {{web}}; return 200 "one"; } }
`

func TestReloadServesTheNewConfiguration(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, oneServer)
	b.Dial("web").Get("/").Want(200, "one")
	old := b.Workers()
	b.Rewrite(`"one"`, `"two"`)
	b.Signal(syscall.SIGHUP)
	b.WaitGone(old, 30*time.Second)
	b.Dial("web").Get("/").Want(200, "two")
	for _, pid := range old {
		b.WaitLog(fmt.Sprintf(`\[notice\] .*worker process %d exited with code 0$`, pid))
	}
}

// An idle client, who may stay for 75 s, does not hold a reload up: it is over
// within a second. A busy machine may need several tries to show it.
func TestReloadIsOverWithinASecond(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "nginx sleeps 100 ms and promises nothing")
	b := e2e.Start(t, oneServer)
	shortest := time.Hour
	for try := 0; try < 30 && shortest > time.Second; try++ {
		idle := b.Dial("web")
		idle.Get("/").Want(200, "one")
		old := b.Workers()
		start := time.Now()
		b.Signal(syscall.SIGHUP)
		b.WaitGone(old, 30*time.Second)
		shortest = min(shortest, time.Since(start))
		b.WaitReady()
	}
	if shortest > time.Second {
		t.Errorf("the shortest took %v", shortest)
	}
}

func TestReloadChangesTheNumberOfWorkers(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, oneServer)
	b.WaitWorkers(2)
	for _, n := range []int{4, 1, 3} {
		b.Rewrite(fmt.Sprintf("worker_processes %d;", count(b)), fmt.Sprintf("worker_processes %d;", n))
		b.Reload()
		b.WaitWorkers(n)
		b.Dial("web").Get("/").Want(200, "one")
	}
}

func count(b *e2e.Server) (n int) {
	_, text, _ := strings.Cut(b.Read("nginx.conf"), "worker_processes ")
	_, _ = fmt.Sscan(text, &n)
	return n
}

// The old generation has something to do until its client is served; meanwhile
// its title tells so, and it accepts nothing.
func TestDrainingWorkersSaySoInTheirTitle(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, `
		worker_processes 1; `+e2e.OffHandover(t)+`
		http { server { listen {{web}}; root {{dir}}; } }`)
	slow := downloadSlowly(t, b)
	old := b.Reload()
	if !e2e.Eventually(30*time.Second, func() bool { return slices.Equal(b.Draining(), old) }) {
		t.Fatalf("draining are %v, want %v", b.Draining(), old)
	}
	if title := e2e.Title(old[0]); !strings.HasSuffix(title, ": worker process is shutting down") {
		t.Errorf("title %q", title)
	}
	slow.finish()
	b.WaitGone(old, 30*time.Second)
}

func TestListenDiffLosesNoConnection(t *testing.T) {
	for _, reuseport := range []string{"", " reuseport"} {
		t.Run("listen"+reuseport, func(t *testing.T) { testListenDiff(t, reuseport) })
	}
}

func testListenDiff(t *testing.T, reuseport string) {
	if reuseport != "" && e2e.IsNginx(t, e2e.Binary()) {
		t.Skip("nginx closes reuseport sockets with their backlog when workers get fewer")
	}
	conf := strings.ReplaceAll(`
		worker_processes 2;
		http { server {
			listen {{a}}@; listen {{b}}@; listen {{c}}@;
			return 200 "ok";
		} }`, "@", reuseport)
	b := e2e.Start(t, conf)
	loads := []*e2e.Load{
		b.StartLoad("a", &e2e.Load{KeepAlive: 8, PerConn: 8, Rate: 500}),
		b.StartLoad("b", &e2e.Load{KeepAlive: 8, PerConn: 8, Rate: 500}),
	}
	rounds := 8
	if testing.Short() {
		rounds = 3
	}
	names, workers := []string{"{{c}}", "{{d}}"}, []int{2, 3, 1}
	for i := range rounds {
		from, to := names[i%2], names[(i+1)%2]
		b.Rewrite("listen "+from, "listen "+to)
		b.Rewrite(fmt.Sprintf("worker_processes %d;", count(b)), fmt.Sprintf("worker_processes %d;", workers[(i+1)%3]))
		old := b.Reload()
		b.Dial(strings.Trim(to, "{}")).Get("/").Want(200, "ok")
		b.WaitGone(old, 30*time.Second)
		wantRefused(t, b, strings.Trim(from, "{}"))
	}
	for _, l := range loads {
		if r := b.NoneFailed(l); r.LostSYNs > 0 {
			t.Errorf("%d times a SYN was lost", r.LostSYNs)
		}
	}
}

func wantRefused(t *testing.T, b *e2e.Server, name string) {
	t.Helper()
	network, address := b.Address(name)
	if !e2e.Eventually(30*time.Second, func() bool {
		conn, err := net.Dial(network, address)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	}) {
		t.Errorf("%s is still listened on", address)
	}
}

// Connections that wait in the backlog while nobody accepts belong to the
// address, not to a generation: the stopped workers stand for busy ones.
func TestBacklogSurvivesReload(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ listen, from, to string }{
		{"", "2", "2"}, {"", "2", "1"}, {" reuseport", "2", "2"}, {" reuseport", "2", "1"}, {" reuseport", "1", "3"},
	} {
		t.Run(fmt.Sprintf("listen%s workers %s to %s", c.listen, c.from, c.to), func(t *testing.T) {
			if c.listen != "" && c.from > c.to {
				e2e.OnlyBaton(t, "nginx closes reuseport sockets with their backlog when workers get fewer")
			}
			b := e2e.Start(t, fmt.Sprintf(`
				worker_processes %s;
				http { server { listen {{web}}%s; return 200 "$request_uri"; } }`, c.from, c.listen))
			old := b.Workers()
			for _, pid := range old {
				b.Freeze(pid)
			}
			var waiting []*e2e.Client
			for i := range 40 {
				c := b.Dial("web")
				c.Send(fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", i))
				waiting = append(waiting, c)
			}
			b.Rewrite("worker_processes "+c.from, "worker_processes "+c.to)
			b.Signal(syscall.SIGHUP)
			for i, c := range waiting {
				c.Read("GET").Want(200, fmt.Sprintf("/%d", i))
			}
			for _, pid := range old {
				b.Kill(pid, syscall.SIGCONT)
			}
			b.WaitGone(old, 30*time.Second)
		})
	}
}

func TestBrokenConfigurationChangesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ from, to, log string }{
		"unknown directive": {`http {`, "http {\nfoo bar;", `\[emerg\] .*unknown directive "foo" in .*/nginx\.conf:4$`},
		"syntax":            {`"one";`, `"one"`, `\[emerg\] .* in .*/nginx\.conf:\d+$`},
		"missing file":      {`http {`, "include missing.conf;\nhttp {", `\[emerg\] .*open\(\) ".*/missing.conf" failed \(2: No such file or directory\) in .*/nginx\.conf:3$`},
	} {
		t.Run(name, func(t *testing.T) {
			b := e2e.Start(t, oneServer)
			workers, master := b.WaitWorkers(2), b.MasterPID()
			before := e2e.Settled(master)
			b.Rewrite(c.from, c.to)
			b.Mark()
			b.Signal(syscall.SIGHUP)
			b.WaitLog(c.log)
			b.Dial("web").Get("/").Want(200, "one")
			if now := b.Workers(); !slices.Equal(now, workers) {
				t.Errorf("workers are %v, were %v", now, workers)
			}
			b.WantDescriptors(master, before)

			b.Rewrite(c.to, strings.ReplaceAll(c.from, "one", "two"))
			b.Reload()
			b.Dial("web").Get("/")
		})
	}
}

func TestReloadWithOccupiedPortChangesNothing(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, oneServer)
	workers := b.WaitWorkers(2)
	before := e2e.Settled(b.MasterPID())
	occupied, err := net.Listen("tcp", b.Expand("{{taken}}"))
	if err != nil {
		t.Fatal(err)
	}
	b.Rewrite("listen {{web}};", "listen {{web}}; listen {{free}}; listen {{taken}};")
	b.Signal(syscall.SIGHUP)
	b.WaitLog(`\[emerg\] .*still could not bind\(\)`)
	if n := strings.Count(b.Log(), b.Expand("bind() to {{taken}} failed (98: Address already in use)")); n != 5 {
		t.Errorf("%d tries to bind, want 5", n)
	}
	b.Dial("web").Get("/").Want(200, "one")
	wantRefused(t, b, "free")
	if now := b.Workers(); !slices.Equal(now, workers) {
		t.Errorf("workers are %v, were %v", now, workers)
	}
	b.WantDescriptors(b.MasterPID(), before)

	_ = occupied.Close()
	b.Reload()
	b.Dial("taken").Get("/").Want(200, "one")
}

func TestReloadWithWorkersThatCannotStartChangesNothing(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "nginx ends up without workers")
	b := e2e.Start(t, oneServer)
	b.ExpectAlert(`worker|chdir`)
	workers := b.WaitWorkers(2)
	b.Rewrite("worker_processes 2;", "worker_processes 2; working_directory /does/not/exist;")
	b.Signal(syscall.SIGHUP)
	b.WaitLog(`/does/not/exist`)
	b.Dial("web").Get("/").Want(200, "one")
	if !e2e.Eventually(30*time.Second, func() bool { return slices.Equal(b.Workers(), workers) }) {
		t.Errorf("workers are %v, were %v", b.Workers(), workers)
	}
	b.Rewrite(" working_directory /does/not/exist;", "")
	b.Reload()
	b.Dial("web").Get("/").Want(200, "one")
}

// A storm of HUPs ends with exactly one generation, that of the last file.
func TestReloadDuringReload(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, oneServer)
	l := b.StartLoad("web", &e2e.Load{KeepAlive: 8, PerConn: 8, Rate: 400})
	last := "one"
	for i := range 30 {
		next := fmt.Sprintf("text %d", i)
		b.Rewrite(`"`+last+`"`, `"`+next+`"`)
		b.Signal(syscall.SIGHUP)
		last = next
		if i%3 == 0 {
			l.More(5)
		}
	}
	if !e2e.Eventually(30*time.Second, func() bool {
		return string(b.Dial("web").Get("/").Body) == last && len(b.Workers()) == 2 && len(b.Draining()) == 0
	}) {
		t.Errorf("workers %v, draining %v, answer %q, want %q", b.Workers(), b.Draining(), b.Dial("web").Get("/").Body, last)
	}
	b.NoneFailed(l)
}

func TestQuitDuringReload(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			b := e2e.Start(t, oneServer)
			master := b.MasterPID()
			b.Kill(master, syscall.SIGHUP)
			b.Kill(master, sig)
			if code := b.Exited(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			b.WaitGone(b.Processes(), 30*time.Second)
			wantRefused(t, b, "web")
		})
	}
}
