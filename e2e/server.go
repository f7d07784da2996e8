package e2e

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience bounds every wait that has no bound of its own. It is generous
// because machines that run tests are busy; nothing waits longer than needed.
const patience = time.Minute

// A Server is one installation: a folder with a configuration and logs, and
// the processes that were started from it. Not for use by several goroutines,
// except for reading its exported fields.
type Server struct {
	Dir    string   // prefix, working folder of every file of the test
	Binary string   // the program; Binary() unless changed before Launch
	Args   []string // its arguments: -p, -c, -e and -g 'daemon off;' unless changed
	Env    []string // added to the environment

	t       testing.TB
	nginx   bool   // Binary is a real nginx
	conf    string // with placeholders
	ports   ports
	output  *os.File // standard output and standard error of all its processes
	running []*supervisor
	mark    int // where WaitLog begins
	alerts  []string
	opened  descriptorBase
}

// New prepares a server that is not started yet.
func New(t testing.TB, conf string) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	b := &Server{Dir: dir, t: t, conf: conf, ports: ports{t: t, byName: make(map[string]int)}}
	b.Use(Binary())
	b.Args = []string{"-p", dir, "-c", "nginx.conf", "-e", "error.log"}
	if !strings.Contains(conf, "daemon ") {
		b.Args = append(b.Args, "-g", "daemon off;")
	}
	// Workers are another user and want to read, and to write race reports.
	if err := errors.Join(os.Chmod(dir, 0o755), os.Mkdir(b.Path("race"), 0o777), os.Chmod(b.Path("race"), 0o777)); err != nil {
		t.Fatal(err)
	}
	if b.output, err = os.Create(b.Path("output")); err != nil {
		t.Fatal(err)
	}
	b.write()
	t.Cleanup(b.finish)
	return b
}

// Start prepares a server, starts it and returns when it serves.
func Start(t testing.TB, conf string) *Server {
	t.Helper()
	b := New(t, conf)
	b.Launch()
	b.WaitReady()
	return b
}

// Use makes path the program under test of this server; before Launch.
func (b *Server) Use(path string) {
	b.Binary = path
	b.nginx = IsNginx(b.t, path)
}

// Launch starts the program and returns at once, with the pid of the process
// that was started. It ends with the test.
func (b *Server) Launch() int {
	b.t.Helper()
	// Without this a program with the race detector sleeps a second at its end.
	env := append([]string{"GORACE=atexit_sleep_ms=0 log_path=" + b.Path("race/report")}, b.Env...)
	s := startSupervisor(b.t, env, b.output, append([]string{b.Binary}, b.Args...))
	b.running = append(b.running, s)
	return s.first
}

// WaitReady returns once the pid file names a living process, its workers are
// as many as they should be and wait for connections, and every TCP address of
// the configuration is listened on.
func (b *Server) WaitReady() {
	b.t.Helper()
	last := b.running[len(b.running)-1]
	ready := false
	Eventually(patience, func() bool {
		code, ended := last.exit(last.first)
		ready = b.serves() && b.listening()
		return ready || ended && code != 0
	})
	if !ready {
		b.t.Fatalf("%s is not ready:\n%s\n%s", b.Binary, b.Output(), b.Log())
	}
	b.opened = descriptorBase{pid: b.MasterPID(), kinds: Settled(b.MasterPID())}
}

func (b *Server) listening() bool {
	for _, m := range listens.FindAllStringSubmatch(b.conf, -1) {
		if m[1] != "dir" && m[2] == "" && !Listening(b.ports.of(m[1])) {
			return false
		}
	}
	return true
}

// Exited waits until the process that the last Launch started has ended, and
// returns its exit code, or 128 and the signal's number.
func (b *Server) Exited() int {
	b.t.Helper()
	last := b.running[len(b.running)-1]
	if !Eventually(patience, func() bool { _, ended := last.exit(last.first); return ended }) {
		b.t.Fatalf("process %d (%s) goes on:\n%s", last.first, Title(last.first), b.Log())
	}
	code, _ := last.exit(last.first)
	return code
}

// Processes are all processes of this server that still run.
func (b *Server) Processes() []int {
	var all []int
	for _, s := range b.running {
		all = append(all, s.processes()...)
	}
	return all
}

// MasterPID is the pid in the pid file.
func (b *Server) MasterPID() int {
	b.t.Helper()
	var pid int
	var err error
	if !Eventually(patience, func() bool { pid, err = b.readPID("nginx.pid"); return err == nil }) {
		b.t.Fatal(err)
	}
	return pid
}

func (b *Server) readPID(name string) (int, error) {
	text, err := os.ReadFile(b.Path(name))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// Workers are the workers of the current master that are not shutting down.
func (b *Server) Workers() []int { return b.workers(false) }

// Draining are the workers of the current master that are shutting down.
func (b *Server) Draining() []int { return b.workers(true) }

func (b *Server) workers(draining bool) []int {
	pid, err := b.readPID("nginx.pid")
	if err != nil {
		return nil
	}
	return WorkersOf(pid, draining)
}

// WorkersOf are the children of a master that call themselves workers, those
// that are shutting down or those that are not.
func WorkersOf(master int, draining bool) []int {
	var found []int
	for _, pid := range Children(master) {
		title := Title(pid)
		if strings.Contains(title, "worker process") && strings.Contains(title, "shutting down") == draining {
			found = append(found, pid)
		}
	}
	return found
}

// WaitWorkers waits for n workers that are not shutting down and returns them.
func (b *Server) WaitWorkers(n int) []int {
	b.t.Helper()
	var found []int
	if !Eventually(patience, func() bool { found = b.Workers(); return len(found) == n }) {
		b.t.Fatalf("workers are %v, want %d of them\n%s", found, n, b.Log())
	}
	return found
}

// String names the server in messages.
func (b *Server) String() string { return fmt.Sprintf("%s in %s", b.Binary, b.Dir) }
