package process

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

// launchVar tells the program that it is the daemon's master, and which
// descriptors it got: "ready=3", or "ready=3,bundle=4".
const launchVar = "BATON_LAUNCH"

// Launched is what [Program.Launch] passed on to this process.
type Launched struct {
	// Bundle is the descriptor that Launch was given; the receiver's to close.
	// Nil when there was none.
	Bundle *fd.Owned

	ready *fd.Owned // a pipe to the process that was started
}

// LaunchedFromEnv says whether this process was started by [Program.Launch],
// and removes what told it so from the environment. Call it once, before
// Program.Environ is taken.
func LaunchedFromEnv() (*Launched, bool) {
	value, ok := os.LookupEnv(launchVar)
	if !ok {
		return nil, false
	}
	os.Unsetenv(launchVar)
	l := new(Launched)
	for word := range strings.SplitSeq(value, ",") {
		var n int
		switch {
		case scan(word, "ready=%d", &n):
			l.ready = adopt(n)
		case scan(word, "bundle=%d", &n):
			l.Bundle = adopt(n)
		}
	}
	unix.Umask(0) // a daemon's files have the modes it says, as nginx's
	return l, true
}

func scan(word, format string, n *int) bool {
	_, err := fmt.Sscanf(word, format, n)
	return err == nil && *n > 2
}

// adopt owns an inherited descriptor, and keeps it from children.
func adopt(n int) *fd.Owned {
	if _, err := unix.FcntlInt(uintptr(n), unix.F_SETFD, unix.FD_CLOEXEC); err != nil {
		return nil
	}
	return fd.New(n)
}

// tellReady tells the process that launched us that it may exit.
func (l *Launched) tellReady() {
	if l.ready != nil {
		_, _ = unix.Write(l.ready.Raw(), []byte{1}) // it may have been killed meanwhile
		l.close()
	}
}

// close without tellReady tells that the start failed.
func (l *Launched) close() {
	if l.ready != nil {
		l.ready.Close()
	}
}

// Launch makes a daemon: it starts the program anew as the master, in a session
// of its own, waits until that one serves or has failed (and has said why on
// the common stderr), and returns the exit code of this process. bundle, lent,
// may be nil: it arrives there as Launched.Bundle, so that a configuration is
// read only once.
func (p *Program) Launch(bundle *fd.Owned) (exit int, err error) {
	null, err := openNull()
	if err != nil {
		return 1, err
	}
	defer null.Close()
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return 1, failed(err, "pipe()")
	}
	ready, theirs := fd.New(pipe[0]), fd.New(pipe[1])
	defer ready.Close()
	defer theirs.Close()
	files := []uintptr{uintptr(null.Raw()), uintptr(null.Raw()), 2, uintptr(theirs.Raw())}
	value := "ready=3"
	if bundle != nil {
		files = append(files, uintptr(bundle.Raw()))
		value += ",bundle=4"
	}
	pid, err := syscall.ForkExec(selfExe, p.Args, &syscall.ProcAttr{
		Env:   append(withoutVar(p.Environ, launchVar), launchVar+"="+value),
		Files: files,
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return 1, failed(err, "fork() or execve() of the master process")
	}
	theirs.Close()
	if awaitReady(ready) {
		return 0, nil
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
		return 1, failed(err, "waitpid(%d)", pid)
	}
	if status.Signaled() {
		return 1, fmt.Errorf("master process %d exited on signal %d", pid, int(status.Signal()))
	}
	return 1, nil
}

// awaitReady waits for the master's word, or for its end.
func awaitReady(ready *fd.Owned) bool {
	var b [1]byte
	for {
		n, err := unix.Read(ready.Raw(), b[:])
		if err != unix.EINTR {
			return n == 1
		}
	}
}

func openNull() (*fd.Owned, error) {
	n, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, failed(err, `open() "/dev/null"`)
	}
	return fd.New(n), nil
}
