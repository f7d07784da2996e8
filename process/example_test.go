package process_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/process"
)

// The whole of a server that says hello on 127.0.0.1:8081, from two workers.
// Its configuration is its source, so HUP only starts new workers; USR2
// replaces the binary, and no client is refused meanwhile.
func Example() {
	title := process.TakeTitle()
	if w, ok := process.WorkerFromEnv(title); ok {
		os.Exit(w.Run(new(hello)))
	}
	p := &process.Program{
		Name: "hello", Title: title, Args: os.Args, Environ: os.Environ(),
		Build: func(_ context.Context, in process.BuildInput) (process.Cycle, error) {
			if old, ok := in.Old.(*hall); ok {
				return old, nil // one listener, one log: nothing to open or close
			}
			if len(in.Inherited) > 0 {
				return &hall{in.Inherited[0]}, nil
			}
			l, err := net.Listen("tcp", "127.0.0.1:8081")
			if err != nil {
				return nil, err
			}
			defer l.Close()
			f, err := l.(*net.TCPListener).File()
			if err != nil {
				return nil, err
			}
			defer f.Close()
			door, err := fd.FromFile(f)
			return &hall{door}, err
		},
	}
	exit, err := p.RunMaster(context.Background(), nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(exit)
}

// A hall is hello's cycle: one door.
type hall struct{ door *fd.Owned }

func (h *hall) Settings() process.Settings {
	return process.Settings{Workers: 2, PIDFile: "/tmp/hello.pid", Env: os.Environ()}
}

func (h *hall) Handout(int) (process.Handout, error) {
	return process.Handout{Files: []process.File{{Name: "door", FD: h.door}}}, nil
}

func (h *hall) Estate() []process.File { return nil }

func (h *hall) Listeners() []process.Listener {
	return []process.Listener{{Name: "127.0.0.1:8081", FD: h.door}}
}

func (h *hall) Logger() *slog.Logger            { return slog.Default() }
func (h *hall) Commit()                         {}
func (h *hall) Abort()                          {}
func (h *hall) Reopen() ([]process.File, error) { return nil, nil }
func (h *hall) CloseListeners(bool)             { h.door.Close() }
func (h *hall) Close()                          {}

// hello is what a worker does.
type hello struct{ l net.Listener }

func (h *hello) Start(_ context.Context, s *process.Start) (err error) {
	f := s.Files[0].FD.File("door")
	defer f.Close()
	if h.l, err = net.FileListener(f); err != nil {
		return err
	}
	go func() {
		for {
			c, err := h.l.Accept()
			if err != nil {
				return
			}
			fmt.Fprintf(c, "hello from %d\n", os.Getpid())
			c.Close()
		}
	}()
	return nil
}

func (h *hello) Accept(ch *fd.Channel)                      { ch.Close() }
func (h *hello) Drain(context.Context, *process.Heir) error { return h.l.Close() }
func (h *hello) Stop()                                      { h.l.Close() }
func (h *hello) Reopen([]process.File) error                { return nil }
func (h *hello) Logger() *slog.Logger                       { return slog.Default() }
