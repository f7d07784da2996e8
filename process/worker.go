package process

import (
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

// Worker is this process when a master spawned it as a worker.
type Worker struct {
	ch    *fd.Channel
	title *Title
}

// WorkerFromEnv says whether a master spawned this process as a worker, and
// removes what told it so from the environment. It is called once, first in
// main, with the title just taken.
func WorkerFromEnv(t *Title) (*Worker, bool) {
	value, ok := os.LookupEnv(workerVar)
	if !ok {
		return nil, false
	}
	os.Unsetenv(workerVar)
	n, err := strconv.Atoi(value)
	if err != nil || n < 3 {
		return nil, false
	}
	o := adopt(n)
	if o == nil {
		return nil, false
	}
	ch, err := fd.NewChannel(o)
	if err != nil {
		return nil, false
	}
	return &Worker{ch: ch, title: t}, true
}

// Run is the whole life of a worker; the result is the process's exit code: 0
// after an orderly end, 1 when the role did not start, 2 when the process could
// not become what Settings say (user, directory) and no successor could either.
func (w *Worker) Run(role Role) (exit int) {
	signals, stop := takeSignals()
	defer stop()
	l := &life{
		ch: w.ch, role: role, signals: signals, master: os.Getppid(),
		setup:  become,
		title:  func(name, s string) { w.title.Set(name + ": " + s) },
		stderr: redirectStderr,
	}
	return l.run()
}

// become turns this process into what s says. What it returns as complaints is
// for the log; an error is fatal.
func become(name string, s *Settings) (complaints []error, err error) {
	complain := func(err error) {
		if err != nil {
			complaints = append(complaints, err)
		}
	}
	setName(name)
	if s.Nofile != 0 {
		// Through syscall, which otherwise restores its own idea of this limit.
		limit := unix.Rlimit{Cur: s.Nofile, Max: s.Nofile}
		complain(failed(unix.Setrlimit(unix.RLIMIT_NOFILE, &limit), "setrlimit(RLIMIT_NOFILE, %d)", s.Nofile))
	}
	if s.CoreSize != nil {
		limit := unix.Rlimit{Cur: *s.CoreSize, Max: *s.CoreSize}
		complain(failed(unix.Setrlimit(unix.RLIMIT_CORE, &limit), "setrlimit(RLIMIT_CORE, %d)", *s.CoreSize))
	}
	if s.Credentials != nil && os.Geteuid() == 0 {
		if err := s.Credentials.assume(); err != nil {
			return complaints, err
		}
	}
	// The configuration in our memory is nobody's to read, not even our user's.
	complain(failed(unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0), "prctl(PR_SET_DUMPABLE)"))
	if s.WorkingDirectory != "" {
		if err := os.Chdir(s.WorkingDirectory); err != nil {
			return complaints, failed(err, "chdir(%q)", s.WorkingDirectory)
		}
	}
	return complaints, nil
}

// orphanBound is how long a worker drains whose master has died, when
// ShutdownTimeout does not say.
const orphanBound = 30 * time.Second

// stopBound is how long a role may take to obey Stop, and to close what is left
// when Drain's context is done.
const stopBound = time.Second
