package poll

import (
	"fmt"

	"github.com/baton-project/baton/fd"
	"golang.org/x/sys/unix"
)

// A pipe is what splice(2) moves bytes through. It belongs to the reactor, and
// while bytes are in it, to the goroutine that moves them.
type pipe struct {
	in, out fd.Owned
	size    int // how many bytes it takes
}

const (
	// maxSparePipes bounds the pipes kept for reuse: two descriptors each.
	maxSparePipes = 16

	// pipeSize is asked for. The kernel gives less, its default, to a user who
	// has very many pipes.
	pipeSize = 256 << 10
)

// takePipe returns an empty pipe.
func (r *Reactor) takePipe() (*pipe, error) {
	r.mu.Lock()
	if last := len(r.pipes) - 1; last >= 0 {
		p := r.pipes[last]
		r.pipes[last] = nil
		r.pipes = r.pipes[:last]
		r.mu.Unlock()
		return p, nil
	}
	r.mu.Unlock()
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, fmt.Errorf("pipe2() failed: %w", err)
	}
	p := new(pipe)
	p.out.Put(ends[0])
	p.in.Put(ends[1])
	n, err := unix.FcntlInt(uintptr(ends[1]), unix.F_SETPIPE_SZ, pipeSize)
	if err != nil {
		n = 64 << 10
	}
	p.size = n
	return p, nil
}

// givePipe takes an empty pipe back.
func (r *Reactor) givePipe(p *pipe) {
	r.mu.Lock()
	keep := len(r.pipes) < maxSparePipes && !r.closed.Load()
	if keep {
		r.pipes = append(r.pipes, p)
	}
	r.mu.Unlock()
	if !keep {
		p.close()
	}
}

// close closes both ends; what is inside is lost. There is nothing that could
// fail to be written.
func (p *pipe) close() {
	_ = p.in.Close()
	_ = p.out.Close()
}

func (r *Reactor) closePipes() {
	r.mu.Lock()
	pipes := r.pipes
	r.pipes = nil
	r.mu.Unlock()
	for _, p := range pipes {
		p.close()
	}
}
