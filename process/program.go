package process

import (
	"context"
	"log/slog"

	"github.com/baton-project/baton/fd"
)

// A Program is the master's side of a server. Its fields are set once, before
// the first method is called.
type Program struct {
	// Name is what ps shows: "NAME: master process ARGV", "NAME: worker
	// process", and the name of the process itself.
	Name string

	// Version is shown by -s status, and means nothing to the engine.
	Version string

	// Args and Environ are the arguments and the environment that the program
	// was started with. A new binary (USR2) is Args[0], with Args.
	Args, Environ []string

	// Title is the memory to write titles in; nil leaves titles alone.
	Title *Title

	// Logger is where the engine logs while there is no cycle yet; nil
	// discards.
	Logger *slog.Logger

	// Build loads the configuration into a new cycle, or fails and leaves
	// everything as it was; its error is the line that the log, the control
	// client and RunMaster's caller get. It runs beside the master's loop, one
	// call at a time, and should give up when ctx is done.
	Build func(ctx context.Context, in BuildInput) (Cycle, error)

	// Role makes the role that runs in the master's process when
	// Settings.Single is set; otherwise it is not called.
	Role func() Role

	// Stderr names what descriptor 2 becomes after the start, each reload and
	// each reopening: usually the error log of c. The descriptor is lent. Nil,
	// or a nil result, leaves it, or turns it to /dev/null in a daemon.
	Stderr func(c Cycle) *fd.Owned
}

// BuildInput is what a new cycle may build upon.
type BuildInput struct {
	// Old is the cycle that serves now and goes on to, whatever Build does;
	// nil for the first one. Nobody else changes it while Build runs.
	Old Cycle

	// Generation counts cycles from 1, failed ones included.
	Generation int

	// Inherited are the listening sockets named by NGINX=, in its order; only
	// the first Build gets them. They are Build's own from here on, on failure
	// too.
	Inherited []*fd.Owned

	// Estate is what the cycle of another binary has left to this one; only the
	// first Build gets it. It is lent until Build returns.
	Estate []File
}

// A Cycle is one loaded configuration at work, as the master sees it. The
// engine calls one method at a time, except that Build for the next cycle may
// read this one meanwhile. Lines of a method Status() []string, when it has one, are
// printed by -s status too.
type Cycle interface {
	// Settings returns the same answer each time.
	Settings() Settings

	// Handout is what worker slot (0 to Workers-1) gets. It is called again for
	// each worker that replaces a dead one.
	Handout(slot int) (Handout, error)

	// Listeners are all listening sockets, in a stable order; a new binary
	// inherits them.
	Listeners() []Listener

	// Estate is what a new binary gets besides the listeners, if it is one that
	// asks for it: shared memory, under names with any bytes but NUL.
	Estate() []File

	// Logger is where the master logs while this cycle is current.
	Logger() *slog.Logger

	// Commit says that this cycle became the current one: it closes what only
	// the old one had. It cannot fail.
	Commit()

	// Abort says that this cycle will never be current: it closes what only
	// this one opened. Exactly one of Commit and Abort is called.
	Abort()

	// Reopen opens the log files again (USR1). The files, lent, go to workers.
	Reopen() ([]File, error)

	// CloseListeners closes the listening sockets because the master stops.
	// Files of unix sockets are removed only if unlink is set: it is not when
	// another master, before or after an upgrade, still serves them.
	CloseListeners(unlink bool)

	// Close closes all the rest; it is the last call and comes after
	// CloseListeners.
	Close()
}

// A Listener is a listening socket, lent by its cycle. Name is for people.
type Listener struct {
	Name string
	FD   *fd.Owned
}

// A File is a descriptor with a name that its receiver knows it by. What a
// cycle returns is lent, the worker gets a copy; what a role gets is its own.
type File struct {
	Name string
	FD   *fd.Owned
}

// A Handout is what one worker works with.
type Handout struct {
	Blob  *fd.Owned // usually a sealed memory file with the configuration; may be nil
	Files []File    // any number: listeners, logs, zones
	Data  []byte    // up to MaxData bytes, whatever the role wants
}

// MaxData is the largest Handout.Data in bytes.
const MaxData = 32 << 10
