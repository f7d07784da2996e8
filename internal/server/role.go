package server

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/baton-project/baton/internal/conf/bundle"
	"github.com/baton-project/baton/internal/cycle"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/pool"
	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/process"
)

// NewRole returns what a worker does: it reads the configuration from the
// bundle, adopts the descriptors that came with it, and serves on a reactor of
// its own.
func NewRole() process.Role { return new(role) }

// role is a worker's life, in the order that process.Role states.
type role struct {
	cycle   *cycle.Cycle
	reactor *poll.Reactor
	http    *http.Worker   // nil without http{}
	stream  *stream.Worker // nil without stream{}
	pools   *pool.Worker   // nil without pools
	ran     chan error     // the result of the reactor; nil before it runs

	draining atomic.Bool

	mu    sync.Mutex // held by Drain and, then, by Stop
	ended bool
}

func (r *role) Start(ctx context.Context, s *process.Start) error {
	files := make([]cycle.File, 0, len(s.Files))
	for _, f := range s.Files {
		files = append(files, cycle.File(f))
	}
	var err error
	if r.cycle, err = adopt(s, files); err != nil {
		for _, f := range files {
			f.FD.Close()
		}
		return err
	}
	if err := r.run(); err != nil {
		r.end()
		return err
	}
	return nil
}

// run starts the reactor with every listener in it.
func (r *role) run() error {
	var err error
	if r.reactor, err = poll.New(); err != nil {
		return err
	}
	if err := r.listen(); err != nil {
		return err
	}
	r.ran = make(chan error, 1)
	go func() { r.ran <- r.reactor.Run() }()
	return nil
}

// adopt makes the cycle that the master has; s.Blob is closed.
func adopt(s *process.Start, files []cycle.File) (*cycle.Cycle, error) {
	defer s.Blob.Close()
	defer withoutCollector()()
	var site cycle.Site
	if err := json.Unmarshal(s.Data, &site); err != nil {
		return nil, fmt.Errorf("site of the configuration: %w", err)
	}
	recorded, err := bundle.FromMemfd(s.Blob)
	if err != nil {
		return nil, err
	}
	plan, err := cycle.Read(site, recorded, cycle.Adopted(files), nil)
	if err != nil {
		return nil, err
	}
	return cycle.Adopt(plan, files)
}

func (r *role) listen() error {
	if r.cycle.HTTP != nil {
		r.http = r.cycle.HTTP.Worker(r.reactor)
		for _, l := range r.cycle.HTTP.Listeners() {
			for _, socket := range r.cycle.Sockets.Sockets(l.Spec.Address) {
				if err := r.http.Listen(l, socket); err != nil {
					return err
				}
			}
		}
	}
	if r.cycle.Stream != nil {
		r.stream = r.cycle.Stream.Worker(r.reactor)
		r.stream.Beside(r.ports())
		for _, l := range r.cycle.Stream.Listeners() {
			if l.Spec.Address.Datagram() {
				for _, socket := range r.cycle.Sockets.Take(l.Spec.Address) {
					r.stream.ListenDatagrams(l, socket)
				}
				continue
			}
			for _, socket := range r.cycle.Sockets.Sockets(l.Spec.Address) {
				if err := r.stream.Listen(l, socket); err != nil {
					return err
				}
			}
		}
	}
	if err := r.listenPools(); err != nil {
		return err
	}
	if r.http != nil {
		r.http.Host(r.kinds())
	}
	return nil
}

// ports are the listening sockets of http{}, to which stream{} may pass.
func (r *role) ports() (all []stream.Port) {
	if r.http == nil {
		return nil
	}
	for _, l := range r.cycle.HTTP.Listeners() {
		all = append(all, stream.Port{Address: l.Spec.Address, Take: func(p stream.Passage) bool {
			return r.http.Take(l, http.Passage(p))
		}})
	}
	return all
}

func (r *role) Drain(ctx context.Context, heir *process.Heir) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return nil
	}
	r.draining.Store(true)
	if r.http != nil {
		r.http.StopAccepting()
	}
	if r.stream != nil {
		r.stream.StopAccepting()
	}
	if r.pools != nil {
		r.pools.StopAccepting()
	}
	r.cycle.Sockets.Close(false) // an address we alone still had is free now
	err := r.drain(ctx, heir)
	r.end()
	return err
}

// Stop may come while Drain runs; that then finds all connections closed, and
// ends first.
func (r *role) Stop() {
	if r.http != nil {
		r.http.Close()
	}
	if r.stream != nil {
		r.stream.Close()
	}
	if r.pools != nil {
		r.pools.Close()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		r.end()
	}
}

// end gives everything back. The caller holds mu, or nobody else knows r.
func (r *role) end() {
	r.ended = true
	if r.ran != nil {
		r.reactor.Stop()
		if err := <-r.ran; err != nil {
			r.cycle.Logger.Logf(log.Alert, 0, "reactor: %v", err)
		}
	}
	if r.reactor != nil {
		r.reactor.Close()
	}
	if r.stream != nil {
		r.stream.Release()
	}
	if r.cycle != nil {
		r.cycle.Close()
	}
}

func (r *role) Reopen(files []process.File) error {
	replaced := make([]cycle.File, 0, len(files))
	for _, f := range files {
		replaced = append(replaced, cycle.File(f))
	}
	return r.cycle.Replace(replaced)
}

func (r *role) Logger() *slog.Logger {
	if r.cycle == nil {
		return nil
	}
	return r.cycle.Logger.Slog()
}
