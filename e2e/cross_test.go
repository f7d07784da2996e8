package e2e_test

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// The upgrade protocol is nginx's own: a running nginx whose file was replaced
// becomes a baton, and a baton an nginx, while clients go on.
func TestUpgradeFromNginxAndBack(t *testing.T) {
	e2e.OnlyBaton(t, "from nginx to nginx is an upgrade like any other")
	nginx := e2e.Nginx(t)
	b := e2e.New(t, `
		daemon on;
		worker_processes 2;
		http { server {
			listen {{web}}; listen {{local.unix}};
			root {{dir}};
			location = /short { return 200 "short"; }
		} }`)
	b.Write("index.html", "a file\n")
	b.CopyBinary(nginx)
	b.Launch()
	b.WaitReady()
	loads := []*e2e.Load{
		b.StartLoad("web", &e2e.Load{KeepAlive: 32, PerConn: 32, Rate: 800, Path: "/index.html", Body: func(s string) bool { return s == "a file\n" }}),
		b.StartLoad("local", &e2e.Load{KeepAlive: 8, PerConn: 8, Rate: 400, Path: "/short", Body: func(s string) bool { return s == "short" }}),
	}
	more := func() {
		for _, l := range loads {
			l.More(50)
		}
	}
	runs := func(binary string) {
		t.Helper()
		same, err := sameFile(b.MasterPID(), b.Path("program"))
		if err != nil || !same {
			t.Errorf("the master does not run %s: %v", binary, err)
		}
		if server := b.Dial("web").Get("/").Field("Server"); server == "" {
			t.Error("no Server field")
		}
	}
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	for range rounds {
		for _, binary := range []string{e2e.Binary(), nginx} {
			more()
			b.ReplaceBinary("program", binary)
			b.Upgrade()
			runs(binary)
			more()
			b.Reload()
		}
	}
	more()
	for _, l := range loads {
		b.NoneFailed(l)
	}
}

// sameFile tells whether a process runs the program that lies at path.
func sameFile(pid int, path string) (bool, error) {
	running, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid), "exe"))
	if err != nil {
		return false, err
	}
	onDisk, err := os.Stat(path)
	return err == nil && os.SameFile(running, onDisk), err
}

// A nginx that finds no baton on disk, or one that refuses the configuration,
// goes on; and the other way round.
func TestFailedUpgradeBetweenNginxAndBaton(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "needs both programs")
	nginx := e2e.Nginx(t)
	for name, binaries := range map[string][2]string{
		"nginx to baton": {nginx, e2e.Binary()},
		"baton to nginx": {e2e.Binary(), nginx},
	} {
		t.Run(name, func(t *testing.T) {
			b := e2e.New(t, oneDaemon)
			b.ExpectAlert(`new binary|exited with code 1`)
			b.CopyBinary(binaries[0])
			b.Launch()
			b.WaitReady()
			master, workers := b.MasterPID(), b.WaitWorkers(2)
			b.ReplaceBinary("program", binaries[1])
			b.Rewrite("http {", "http { foo;")
			b.Kill(master, syscall.SIGUSR2)
			b.WaitLog(`new binary process \d+ exited with code 1`)
			wantOldServes(t, b, master, workers)

			b.Rewrite("http { foo;", "http {")
			old, successor := b.StartUpgrade()
			b.Kill(successor, syscall.SIGTERM)
			b.WaitGone([]int{successor}, 30*time.Second)
			wantOldServes(t, b, old, workers)
		})
	}
}
