package process

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A received signal, with the pid of its sender where that is known: os/signal
// does not tell, but who has exited, wait does. 0 is unknown.
type received struct {
	signal syscall.Signal
	from   int
}

// handledSignals are what masters and workers listen to.
func handledSignals() []os.Signal {
	return []os.Signal{
		unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1,
		unix.SIGUSR2, unix.SIGWINCH, unix.SIGCHLD,
	}
}

// takeSignals delivers the handled signals until stop is called.
func takeSignals() (signals <-chan received, stop func()) {
	signal.Ignore(unix.SIGPIPE)
	// Room for a burst of each: os/signal drops what does not fit.
	in := make(chan os.Signal, 64)
	signal.Notify(in, handledSignals()...)
	c, done := make(chan received), make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			select {
			case s := <-in:
				select {
				case c <- received{signal: s.(syscall.Signal)}:
				case <-done:
					return
				}
			case <-done:
				return
			}
		}
	})
	return c, func() {
		signal.Stop(in)
		close(done)
		reader.Wait()
	}
}

// SignalProcess sends what -s says, "stop", "quit", "reload" or "reopen", to
// the master with that pid, as a plain signal. The error is nginx's sentence.
func SignalProcess(pid int, what string) error {
	var s syscall.Signal
	switch what {
	case "stop":
		s = unix.SIGTERM
	case "quit":
		s = unix.SIGQUIT
	case "reload":
		s = unix.SIGHUP
	case "reopen":
		s = unix.SIGUSR1
	case "upgrade":
		s = unix.SIGUSR2
	default:
		return failed(unix.EINVAL, "signal %q", what)
	}
	return failed(unix.Kill(pid, s), "kill(%d, %d)", pid, int(s))
}

// sentence is nginx's log line for s, with what is done about it.
func (s received) sentence(action string) string {
	from := ""
	if s.from > 0 {
		from = fmt.Sprintf(" from %d", s.from)
	}
	return fmt.Sprintf("signal %d (%s) received%s%s", int(s.signal), unix.SignalName(s.signal), from, action)
}
