package process

import (
	"context"
	"log/slog"
	"time"

	"github.com/baton-project/baton/fd"
)

// A Role is what a worker does. The engine calls Start once and first; Drain at
// most once; Stop at most once and last, possibly while Drain runs, which then
// should return soon.
type Role interface {
	// Start returns nil once every listener accepts, and gives up when ctx is
	// done. Blob and Files of s are the role's to close, on failure too.
	Start(ctx context.Context, s *Start) error

	// Drain stops accepting at once and returns when no connection is left.
	// When ctx is done (worker_shutdown_timeout) it closes what is left. heir
	// is who may take connections over; nil means nobody.
	Drain(ctx context.Context, heir *Heir) error

	// Accept takes connections over from a draining worker at the other end of
	// ch, which is the role's from here on. It is called after Start, any number
	// of times, also while Drain runs, and returns at once.
	Accept(ch *fd.Channel)

	// Stop closes everything at once.
	Stop()

	// Reopen replaces log files by name. The files are the role's to close.
	Reopen(files []File) error

	// Logger is where the worker logs; nil as long as Start has not opened a
	// log.
	Logger() *slog.Logger
}

// Start is what a role starts with.
type Start struct {
	Generation int // of the cycle that the worker belongs to
	Slot       int // 0 to Settings.Workers-1; a successor has the same
	Settings   Settings
	Blob       *fd.Owned // nil when the cycle handed out none
	Files      []File
	Data       []byte
}

// An Heir takes a draining worker's connections over.
type Heir struct {
	// Channels brings who that is, and later who it is instead: the first set
	// is there when Drain is called. It is never closed. The descriptors are the
	// role's, those that it does not fetch the engine's.
	Channels <-chan Succession

	// Report tells the master how it went. It may be called once, before Drain
	// returns.
	Report func(Report)
}

// A Succession is channels to workers of one generation.
type Succession struct {
	Channels []*fd.Channel
	Instead  bool // of all earlier ones, which are to be used no more
}

// A Report is how a worker's handover went. The words are the role's.
type Report struct {
	Moved  map[string]int `json:",omitempty"` // connections, by what they were doing
	Stayed map[string]int `json:",omitempty"` // connections, by why
	Took   time.Duration  // until the last one had moved
}
