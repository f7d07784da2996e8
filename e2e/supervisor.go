package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// supervise is the supervisor's main function: it starts args in a session of
// its own with descriptor 3 as output, adopts whatever that leaves behind, and
// reports each exit as a line "PID CODE" (128+n for signal n) until nothing is
// left. When its standard input ends, because the test is over or dead, it
// kills the rest.
func supervise(args []string) int {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		fmt.Println("error prctl:", err)
		return 1
	}
	null, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	pid, err := syscall.ForkExec(args[0], args, &syscall.ProcAttr{
		Env:   withoutVariable(os.Environ(), supervisorVariable),
		Files: []uintptr{uintptr(null), 3, 3},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	fmt.Println("started", pid)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		for ; ; time.Sleep(time.Millisecond) { // until Wait4 finds nothing left
			for _, p := range Descendants(os.Getpid()) {
				_ = syscall.Kill(p, syscall.SIGKILL)
			}
		}
	}()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil: // ECHILD: nothing is left
			return 0
		case status.Signaled():
			fmt.Println(pid, 128+int(status.Signal()))
		case status.Exited():
			fmt.Println(pid, status.ExitStatus())
		}
	}
}

func withoutVariable(environ []string, name string) []string {
	var kept []string
	for _, e := range environ {
		if !strings.HasPrefix(e, name+"=") {
			kept = append(kept, e)
		}
	}
	return kept
}

// A supervisor is the test's view of that process and of what it has reported.
type supervisor struct {
	cmd   *exec.Cmd
	stdin io.Closer
	first int // the process that was asked for
	done  chan struct{}

	mu    sync.Mutex
	exits map[int]int
}

// startSupervisor starts args with their output in the file out.
func startSupervisor(t testing.TB, env []string, out *os.File, args []string) *supervisor {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(append(os.Environ(), env...), supervisorVariable+"=1")
	cmd.ExtraFiles = []*os.File{out}
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &supervisor{cmd: cmd, stdin: stdin, done: make(chan struct{}), exits: make(map[int]int)}
	lines := bufio.NewScanner(stdout)
	lines.Scan()
	if _, err := fmt.Sscanf(lines.Text(), "started %d", &s.first); err != nil {
		_ = stdin.Close()
		t.Fatalf("starting %q: %s", args, lines.Text())
	}
	go s.follow(lines)
	return s
}

func (s *supervisor) follow(lines *bufio.Scanner) {
	defer close(s.done)
	for lines.Scan() {
		var pid, code int
		if _, err := fmt.Sscan(lines.Text(), &pid, &code); err == nil {
			s.mu.Lock()
			s.exits[pid] = code
			s.mu.Unlock()
		}
	}
}

// exit returns how a process ended that the supervisor has reaped: children of
// a living master are the master's to reap.
func (s *supervisor) exit(pid int) (code int, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	code, ended = s.exits[pid]
	return code, ended
}

// processes are all that descend from what was started and still run.
func (s *supervisor) processes() []int { return Descendants(s.cmd.Process.Pid) }

// stop kills what is left and ends the supervisor.
func (s *supervisor) stop(t testing.TB) {
	_ = s.stdin.Close()
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
		t.Errorf("supervisor %d does not end", s.cmd.Process.Pid)
		_ = s.cmd.Process.Kill()
	}
	_ = s.cmd.Wait()
}
