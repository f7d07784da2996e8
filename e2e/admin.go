package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Signal sends a signal to the current master.
func (b *Server) Signal(sig syscall.Signal) {
	b.t.Helper()
	b.Kill(b.MasterPID(), sig)
}

// Kill sends a signal to one process of this server.
func (b *Server) Kill(pid int, sig syscall.Signal) {
	b.t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		b.t.Fatalf("kill(%d, %s): %v", pid, sig, err)
	}
}

// Freeze stops a process where it is, and returns when it has stopped; it goes
// on with SIGCONT.
func (b *Server) Freeze(pid int) {
	b.t.Helper()
	b.Kill(pid, syscall.SIGSTOP)
	if !Eventually(patience, func() bool { _, state, _ := stat(pid); return state == 'T' }) {
		b.t.Fatalf("process %d (%s) does not stop", pid, Title(pid))
	}
}

// WaitGone fails unless all these processes end within the bound.
func (b *Server) WaitGone(pids []int, bound time.Duration) {
	b.t.Helper()
	if Eventually(bound, func() bool { return !slices.ContainsFunc(pids, Alive) }) {
		return
	}
	for _, pid := range pids {
		if Alive(pid) {
			b.t.Errorf("process %d (%s) still there after %v", pid, Title(pid), bound)
		}
	}
	b.t.FailNow()
}

// Reload sends HUP and returns once other workers serve; the old ones, which
// it returns, may still be draining.
func (b *Server) Reload() (old []int) {
	b.t.Helper()
	old = b.Workers()
	b.Signal(syscall.SIGHUP)
	b.waitReplaced(old)
	return old
}

// waitReplaced waits until all workers serve and none of them is one of old.
func (b *Server) waitReplaced(old []int) {
	b.t.Helper()
	if !Eventually(patience, func() bool {
		return b.serves() && !slices.ContainsFunc(b.Workers(), func(pid int) bool { return slices.Contains(old, pid) })
	}) {
		b.t.Fatalf("workers %v were not replaced:\n%s", old, b.Log())
	}
}

// StartUpgrade sends USR2 and returns both masters once the new one has
// workers and every address is served by both.
func (b *Server) StartUpgrade() (old, successor int) {
	b.t.Helper()
	old = b.MasterPID()
	b.Kill(old, syscall.SIGUSR2)
	if !Eventually(patience, func() bool {
		pid, err := b.readPID("nginx.pid")
		if err != nil || pid == old {
			return false
		}
		successor = pid
		return b.serves()
	}) {
		b.t.Fatalf("no new master after USR2:\n%s\n%s", b.Output(), b.Log())
	}
	return old, successor
}

// Upgrade replaces the running program by what is on disk now: USR2, then QUIT
// to the old master. It returns when the old master and its workers are gone.
func (b *Server) Upgrade() (successor int) {
	b.t.Helper()
	old, successor := b.StartUpgrade()
	gone := append(Children(old), old)
	gone = slices.DeleteFunc(gone, func(pid int) bool { return pid == successor })
	b.Kill(old, syscall.SIGQUIT)
	b.WaitGone(gone, patience)
	return successor
}

// A Result is what a command printed and how it ended.
type Result struct {
	Code   int
	Output string // standard output
	Errors string // standard error
}

// Run runs the program with this server's -p, -c and -e and these arguments
// besides, as an administrator would: Run("-s", "reload").
func (b *Server) Run(args ...string) Result {
	b.t.Helper()
	return b.RunAs(b.Binary, append([]string{"-p", b.Dir, "-c", "nginx.conf", "-e", "error.log"}, args...)...)
}

// RunAs runs any program in the server's folder, with these arguments only.
func (b *Server) RunAs(path string, args ...string) Result {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	var out, errs strings.Builder
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = b.Dir, &out, &errs
	cmd.Env = append(os.Environ(), b.Env...)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || ctx.Err() != nil) {
		b.t.Fatalf("%s %q: %v\n%s", path, args, err, errs.String())
	}
	return Result{Code: cmd.ProcessState.ExitCode(), Output: out.String(), Errors: errs.String()}
}

// Path is the absolute path of a file in the server's folder.
func (b *Server) Path(name string) string { return filepath.Join(b.Dir, name) }

// Write writes a file into the server's folder; placeholders are replaced.
func (b *Server) Write(name, content string) {
	b.t.Helper()
	path := b.Path(name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(b.expand(content)), 0o644)); err != nil {
		b.t.Fatal(err)
	}
}

// Read returns the content of a file in the server's folder, empty when there
// is none.
func (b *Server) Read(name string) string {
	text, _ := os.ReadFile(b.Path(name))
	return string(text)
}

// Expand replaces placeholders: Expand("{{web}}") is an address.
func (b *Server) Expand(text string) string { return b.expand(text) }

// Rewrite replaces a text, which must be there, in the configuration. Nothing
// is told to the running server.
func (b *Server) Rewrite(old, replacement string) {
	b.t.Helper()
	if !strings.Contains(b.conf, old) {
		b.t.Fatalf("%q is not in the configuration", old)
	}
	b.conf = strings.ReplaceAll(b.conf, old, replacement)
	b.write()
}

func (b *Server) write() {
	b.t.Helper()
	text := []byte(b.expand(b.defaults(b.conf)))
	// By rename: a reload that runs already reads the old text or the new one.
	if err := errors.Join(os.WriteFile(b.Path("nginx.conf.new"), text, 0o644), os.Rename(b.Path("nginx.conf.new"), b.Path("nginx.conf"))); err != nil {
		b.t.Fatal(err)
	}
	b.opened.pid = 0 // another configuration may hold other descriptors
}

// CopyBinary copies a program into the server's folder and makes the copy the
// one under test, so that the test can replace it.
func (b *Server) CopyBinary(from string) {
	b.t.Helper()
	b.ReplaceBinary("program", from)
	b.Use(b.Path("program"))
}

// ReplaceBinary puts a copy of from under a name in the server's folder, by
// rename, as package managers do.
func (b *Server) ReplaceBinary(name, from string) {
	b.t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		// A process that another test starts meanwhile would keep the file open
		// for writing until its exec, and the kernel runs no such file.
		syscall.ForkLock.RLock()
		err = os.WriteFile(b.Path(name+".new"), text, 0o755)
		syscall.ForkLock.RUnlock()
	}
	if err == nil {
		err = os.Rename(b.Path(name+".new"), b.Path(name))
	}
	if err != nil {
		b.t.Fatal(err)
	}
}
