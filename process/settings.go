package process

import (
	"log/slog"
	"time"

	"golang.org/x/sys/unix"
)

// The levels the engine logs at: slog's own, and nginx's between and above.
const (
	LevelDebug  = slog.LevelDebug
	LevelInfo   = slog.LevelInfo
	LevelNotice = slog.Level(2)
	LevelWarn   = slog.LevelWarn
	LevelError  = slog.LevelError
	LevelCrit   = slog.Level(10)
	LevelAlert  = slog.Level(12)
	LevelEmerg  = slog.Level(14)
)

// Settings is what the engine wants to know of a configuration. It is read once
// per cycle and never written after.
type Settings struct {
	// Workers is how many workers a generation has; less than 1 means 1.
	Workers int

	// Single runs the role inside the master's own process (master_process
	// off). The first cycle decides; a reload cannot change it.
	Single bool

	// PIDFile is an absolute path; empty means no pid file, and then no upgrade.
	PIDFile string

	// Credentials is who workers run as, used when the master is root; nil
	// leaves them as the master is.
	Credentials *Credentials

	// Nofile is a worker's limit of open descriptors; 0 leaves it.
	Nofile uint64

	// CoreSize is a worker's limit of core files in bytes; nil leaves it.
	CoreSize *uint64

	// Priority is a worker's nice value; 0 leaves it.
	Priority int

	// Affinity holds one set of processors per worker slot; the last one
	// serves all slots beyond. Empty leaves the kernel to choose.
	Affinity []unix.CPUSet

	// WorkingDirectory is where workers live (and leave core files); empty
	// leaves them where the master was started.
	WorkingDirectory string

	// ShutdownTimeout bounds a worker's Drain. Zero means no bound.
	ShutdownTimeout time.Duration

	// Handover lets draining workers give their connections to those that come
	// after them, in the next generation or in another binary, if these have it
	// set too.
	Handover bool

	// WorkerEnv is a worker's whole environment, as NAME=VALUE.
	WorkerEnv []string

	// Env is the whole environment of a new binary (USR2), as NAME=VALUE,
	// without NGINX=, which the engine adds.
	Env []string
}

// Credentials is a user, its group, and its supplementary groups. All of them
// are set: an empty Groups leaves a worker without any.
type Credentials struct {
	UID, GID int
	Groups   []int
}

// workers is the number of worker slots that s asks for.
func (s *Settings) workers() int {
	if s.Single {
		return 1
	}
	return max(s.Workers, 1)
}

// affinity is the set for a slot, nil when none is configured.
func (s *Settings) affinity(slot int) *unix.CPUSet {
	if len(s.Affinity) == 0 {
		return nil
	}
	return &s.Affinity[min(slot, len(s.Affinity)-1)]
}
