package process_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/process"
)

// "program reload" asks the master that runs; one that understands signals only, as
// an nginx does, is sent one.
func ExampleControl() {
	pid, err := process.ReadPIDFile("/tmp/hello.pid")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ok, message, err := process.Control(ctx, pid, "reload", os.Stderr)
	if errors.Is(err, process.ErrNoControl) {
		err = process.SignalProcess(pid, "reload")
	}
	fmt.Println(ok, message, err)
}

// A program that becomes a daemon: the process that was started leaves when the
// master serves, or cannot.
func ExampleProgram_Launch() {
	title := process.TakeTitle()
	if w, ok := process.WorkerFromEnv(title); ok {
		os.Exit(w.Run(new(hello)))
	}
	var isMaster bool
	var launched *process.Launched // by which the master tells that it serves
	launched, isMaster = process.LaunchedFromEnv()
	p := &process.Program{Name: "hello", Title: title, Args: os.Args, Environ: os.Environ(), Build: buildHall}
	title.Set("hello: starting")
	var exit int
	var err error
	if isMaster || process.Inherits() { // the new binary of an upgrade is a daemon already
		exit, err = p.RunMaster(context.Background(), launched)
	} else {
		exit, err = p.Launch(nil)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(exit)
}

func buildHall(_ context.Context, in process.BuildInput) (process.Cycle, error) {
	if in.Old != nil {
		return in.Old, nil
	}
	if len(in.Inherited) == 0 {
		return nil, errors.New("see the first example for how to listen")
	}
	return &hall{in.Inherited[0]}, nil
}

// Workers that run as another user, with limits, and hand over.
func ExampleSettings() {
	s := process.Settings{
		Workers: 2, PIDFile: "/run/hello.pid", Handover: true,
		Credentials: &process.Credentials{UID: 65534, GID: 65534},
		Nofile:      4096, ShutdownTimeout: time.Minute, Env: os.Environ(),
	}
	fmt.Println(s.Workers, "workers of user", s.Credentials.UID)
	fmt.Println("what a worker is told may have", process.MaxData, "bytes")
	// Output:
	// 2 workers of user 65534
	// what a worker is told may have 32768 bytes
}

// What an old worker reports is what "reload" prints.
func ExampleReport() {
	r := process.Report{
		Moved:  map[string]int{"idle": 200, "tunnel": 12},
		Stayed: map[string]int{"upload": 1}, Took: 12 * time.Millisecond,
	}
	fmt.Println(r.String())
	// Output: 200 idle, 12 tunnel connections moved in 12 ms, 1 stayed (1 upload)
}

// The engine logs at levels of its own between those of slog.
func Example_levels() {
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: process.LevelWarn,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
	for _, l := range []slog.Level{process.LevelDebug, process.LevelInfo, process.LevelNotice, process.LevelWarn,
		process.LevelError, process.LevelCrit, process.LevelAlert, process.LevelEmerg} {
		log.Log(context.Background(), l, "said")
	}
	// Output:
	// level=WARN msg=said
	// level=ERROR msg=said
	// level=ERROR+2 msg=said
	// level=ERROR+4 msg=said
	// level=ERROR+6 msg=said
}

// A role whose connections move. See package handover for what goes over the
// channels.
func ExampleRole() {
	var role process.Role = &mover{conns: map[net.Conn]bool{}}
	title := process.TakeTitle()
	var w *process.Worker
	if w, _ = process.WorkerFromEnv(title); w != nil {
		os.Exit(w.Run(role))
	}
}

type mover struct {
	hello
	conns map[net.Conn]bool
}

func (m *mover) Drain(ctx context.Context, heir *process.Heir) error {
	err := m.l.Close()
	if heir == nil {
		return err // nobody comes after us
	}
	var s process.Succession
	select {
	case s = <-heir.Channels: // the first set is there; later ones take its place
	case <-ctx.Done():
		return ctx.Err()
	}
	for range s.Channels {
		// Here connections are offered over a handover.Sender of the channel.
	}
	heir.Report(process.Report{Moved: map[string]int{"idle": len(m.conns)}})
	return err
}

func (m *mover) Accept(ch *fd.Channel) { ch.Close() } // here a handover.Receiver takes them

// What a role starts with, and what its cycle has handed out.
func ExampleStart() {
	blob, _ := fd.Memfd("configuration", []byte("greeting: hello"))
	out := process.Handout{Blob: blob, Files: []process.File{{Name: "log", FD: new(fd.Owned)}}, Data: []byte("anything")}
	in := process.Start{Generation: 1, Slot: 0, Blob: out.Blob, Files: out.Files, Data: out.Data}
	text, _ := fd.ReadSealed(in.Blob)
	in.Blob.Close()
	fmt.Printf("worker %d of generation %d: %s\n", in.Slot, in.Generation, text)
	// Output: worker 0 of generation 1: greeting: hello
}
