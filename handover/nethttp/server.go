package nethttp

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/process"
)

// A Server is a program that serves HTTP on one address, from worker processes.
type Server struct {
	// Name is the name of the processes; "server" when it is empty.
	Name string

	// Addr is the TCP address to listen on, as "host:port".
	Addr string

	// PIDFile is an absolute path; without one there is no upgrade.
	PIDFile string

	// Workers is how many worker processes there are; 0: one.
	Workers int

	// ShutdownTimeout bounds how long an old worker waits for what cannot move;
	// 0: for ever.
	ShutdownTimeout time.Duration

	// Logger is where master and workers log; nil: [slog.Default].
	Logger *slog.Logger

	// Command is empty in a process that serves. One that was started to tell the
	// one with the same PIDFile to "reload" itself, to "upgrade" itself to what its
	// executable is now, or to say its "status", prints what became of it once the
	// old workers are gone, and ends: with 1 when nothing has changed.
	Command string

	// New makes the server that a worker runs. Addr and Serve of it are not used.
	New func() *http.Server

	// Resume goes on with hijacked connections that have come from another
	// process, by the kinds of [Conn.Follow], each on a goroutine of its own,
	// which must close them.
	Resume map[string]func(c *Conn, state []byte)
}

// Main is the whole life of the process, be it master or worker: main should begin
// with it, and end with os.Exit of what it returns.
func (s *Server) Main() (exit int) {
	// There are no titles: they are written over os.Args, of which the caller has strings.
	if w, ok := process.WorkerFromEnv(nil); ok {
		return w.Run(newWorker(s)) // whose os.Args are not ours
	}
	if s.Command != "" {
		return s.order()
	}
	p := &process.Program{Name: s.Name, Args: os.Args, Environ: os.Environ(), Logger: s.logger(), Build: s.build}
	if p.Name == "" {
		p.Name = "server"
	}
	exit, err := p.RunMaster(context.Background(), nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return exit
}

// order tells the program that runs what s.Command says.
func (s *Server) order() (exit int) {
	pid, err := process.ReadPIDFile(s.PIDFile)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ok, message, err := process.Control(context.Background(), pid, s.Command, nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(message)
	if !ok {
		return 1
	}
	return 0
}

func (s *Server) logger() *slog.Logger {
	if s.Logger != nil {
		return s.Logger
	}
	return slog.Default()
}

// build makes the only cycle there is, with a new socket or the one of the binary
// before.
func (s *Server) build(_ context.Context, in process.BuildInput) (process.Cycle, error) {
	if in.Old != nil {
		return in.Old, nil
	}
	if len(in.Inherited) > 0 {
		fd.CloseAll(in.Inherited[1:])
		return &cycle{s, in.Inherited[0]}, nil
	}
	l, err := net.Listen("tcp", s.Addr)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	socket, err := fd.FromFile(f)
	if err != nil {
		return nil, err
	}
	return &cycle{s, socket}, nil
}

// A cycle is one listening socket. It implements [process.Cycle].
type cycle struct {
	server *Server
	socket *fd.Owned
}

func (c *cycle) Settings() process.Settings {
	return process.Settings{Workers: c.server.Workers, PIDFile: c.server.PIDFile, Handover: true,
		ShutdownTimeout: c.server.ShutdownTimeout, Env: os.Environ(), WorkerEnv: os.Environ()}
}

func (c *cycle) Handout(int) (process.Handout, error) {
	return process.Handout{Files: []process.File{{Name: "door", FD: c.socket}}}, nil
}

func (c *cycle) Listeners() []process.Listener {
	return []process.Listener{{Name: c.server.Addr, FD: c.socket}}
}

func (c *cycle) Estate() []process.File          { return nil }
func (c *cycle) Logger() *slog.Logger            { return c.server.logger() }
func (c *cycle) Commit()                         {}
func (c *cycle) Abort()                          {}
func (c *cycle) Reopen() ([]process.File, error) { return nil, nil }
func (c *cycle) CloseListeners(bool)             { c.socket.Close() }
func (c *cycle) Close()                          {}
