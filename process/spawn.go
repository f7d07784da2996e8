package process

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

// A system is what the master's state machine needs of the operating system.
// [linux] is the real one; tests have one that obeys them, and a single
// process's workers are goroutines ([inProcess]).
type system interface {
	// worker starts a worker and returns the master's end of its channel.
	worker(w workerSpec) (pid int, ch *fd.Channel, err error)

	// binary starts a new master. The files, listeners first, are lent, and
	// known to it by the descriptors from 3 on.
	binary(args, env []string, files []*fd.Owned) (pid int, err error)

	// serving returns nil once the new master with that pid has taken over the
	// pid file and serves, and an error when ctx is done or it says that it
	// failed. It blocks and is not called by the master's loop.
	serving(ctx context.Context, pid int, pidFile string) error

	kill(pid int, s syscall.Signal) error

	// reap returns the children that have exited, without waiting.
	reap() []exited
}

// workerSpec is what a worker process is started with, before it knows more
// from its channel.
type workerSpec struct {
	name     string // Program.Name
	env      []string
	priority int             // nice value, 0 leaves it
	affinity *unix.CPUSet    // nil leaves it
	stderr   *fd.Owned       // its descriptor 2, lent; nil: as ours
	complain func(err error) // what failed and does not stop the worker
}

// exited is a child that is no more.
type exited struct {
	pid    int
	status syscall.WaitStatus
}

// selfExe is the executable that this process runs, also when the file was
// replaced or removed.
const selfExe = "/proc/self/exe"

// workerVar tells a process that it is a worker.
const workerVar = "BATON_WORKER"

// The titles of a worker, which follow "NAME: ".
const (
	titleWorker   = "worker process"
	titleDraining = "worker process is shutting down"
)

// linux is the real system.
type linux struct{}

func (linux) worker(w workerSpec) (pid int, ch *fd.Channel, err error) {
	ours, theirs, err := fd.Pair()
	if err != nil {
		return 0, nil, err
	}
	defer theirs.Close()
	passed, err := theirs.Owned()
	if err != nil {
		ours.Close()
		return 0, nil, err
	}
	defer passed.Close()
	stderr := 2
	if w.stderr != nil {
		stderr = w.stderr.Raw()
	}
	// Empty arguments are the room for a longer title.
	args := append([]string{w.name + ": " + titleWorker},
		make([]string, len(titleDraining)-len(titleWorker))...)
	onOwnThread(func() {
		// A master that is not root may have been given capabilities; its
		// workers need none.
		if e := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); e != nil {
			w.complain(failed(e, "prctl(PR_CAP_AMBIENT)"))
		}
		if w.priority != 0 {
			if e := unix.Setpriority(unix.PRIO_PROCESS, 0, w.priority); e != nil {
				w.complain(failed(e, "setpriority(%d)", w.priority))
			}
		}
		if w.affinity != nil {
			if e := unix.SchedSetaffinity(0, w.affinity); e != nil {
				w.complain(failed(e, "sched_setaffinity()"))
			}
		}
		pid, err = syscall.ForkExec(selfExe, args, &syscall.ProcAttr{
			Env:   append(withoutVar(w.env, workerVar), workerVar+"=3"),
			Files: []uintptr{0, 1, uintptr(stderr), uintptr(passed.Raw())},
		})
	})
	if err != nil {
		ours.Close()
		return 0, nil, failed(err, "fork() or execve() while spawning %q", titleWorker)
	}
	return pid, ours, nil
}

func (linux) binary(args, env []string, lent []*fd.Owned) (pid int, err error) {
	path := args[0]
	if !strings.Contains(path, "/") {
		// A program found by PATH, which nginx would look for in its current
		// directory only. ErrDot is for the caller's protection; here it is
		// the administrator's own PATH.
		found, err := exec.LookPath(path)
		if err != nil && !errors.Is(err, exec.ErrDot) {
			return 0, &execError{path: path, err: unix.ENOENT}
		}
		path = found
	}
	files := []uintptr{0, 1, 2}
	for _, o := range lent {
		files = append(files, uintptr(o.Raw()))
	}
	pid, err = syscall.ForkExec(path, args, &syscall.ProcAttr{Env: env, Files: files})
	if err != nil {
		return 0, &execError{path: path, err: err}
	}
	return pid, nil
}

// execError is nginx's sentence for a new binary that cannot be executed.
type execError struct {
	path string
	err  error
}

func (e *execError) Error() string {
	return `execve() failed while executing new binary process "` + e.path + `" ` + because(e.err)
}

func (e *execError) Unwrap() error { return e.err }

func (linux) kill(pid int, s syscall.Signal) error { return unix.Kill(pid, s) }

// onOwnThread runs f on a thread that ends with it, so that f may change what
// a child inherits from the thread that starts it: nice value, processors. (Threads of one process differ in these on Linux, and a child
// that set them itself would have to find all its threads.)
func onOwnThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			// The first thread cannot end, and shows as the whole process in
			// ps. While it is locked here, the next try gets another one.
			onOwnThread(f)
			runtime.UnlockOSThread()
			return
		}
		f() // the thread is never unlocked: the runtime ends it
	}()
	<-done
}
