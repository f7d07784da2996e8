package process

import (
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

// single says whether g's role runs in the master's own process.
func (p *Program) single(g *generation) bool { return g.settings().Single && p.Role != nil }

// inProcess is the system of a single process (master_process off): the worker
// of each generation is a goroutine that speaks the same protocol, so that
// reload, drain and reopen are the master's own. Everything else is the real
// system's. Workers have pids that no process has, below zero.
type inProcess struct {
	system
	role func() Role
	wake func() // a worker has exited: reap

	mu    sync.Mutex
	last  int
	lives map[int]*fd.Channel // closing the worker's end is as near to kill as it gets
	dead  []exited
}

func newInProcess(real system, role func() Role, wake func()) *inProcess {
	return &inProcess{system: real, role: role, wake: wake, lives: map[int]*fd.Channel{}}
}

func (s *inProcess) worker(workerSpec) (pid int, ch *fd.Channel, err error) {
	ours, theirs, err := fd.Pair()
	if err != nil {
		return 0, nil, err
	}
	l := &life{
		ch: theirs, role: s.role(),
		setup:  func(string, *Settings) ([]error, error) { return nil, nil },
		title:  func(string, string) {},
		stderr: func(*fd.Owned) error { return nil }, // the master has done it
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last--
	pid = s.last
	s.lives[pid] = theirs
	go func() {
		exit := l.run()
		s.mu.Lock()
		delete(s.lives, pid)
		s.dead = append(s.dead, exited{pid: pid, status: syscall.WaitStatus(exit << 8)})
		s.mu.Unlock()
		s.wake()
	}()
	return pid, ours, nil
}

func (s *inProcess) kill(pid int, sig syscall.Signal) error {
	if pid >= 0 {
		return s.system.kill(pid, sig)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.lives[pid]; ch != nil && sig == unix.SIGKILL {
		ch.Close()
	}
	return nil
}

func (s *inProcess) reap() []exited {
	s.mu.Lock()
	dead := s.dead
	s.dead = nil
	s.mu.Unlock()
	return append(dead, s.system.reap()...)
}
