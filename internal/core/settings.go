package core

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
)

// Defaults are what the program was built with: nginx's --pid-path, --user and
// --group.
type Defaults struct {
	PIDFile string
	User    string // "" is nobody
	Group   string // "" is nobody, or nogroup where there is no group nobody
}

// maxWorkers is nginx's bound too, which it finds out when it spawns.
const maxWorkers = 1024

// Settings are the main and events context as plain values.
type Settings struct {
	Daemon, Master bool
	Workers        int
	PIDFile        string // absolute; empty: none
	// User is who the workers run as; nil when this process is not root, and
	// so cannot become anybody else.
	User *User
	// Nofile is the limit of open files of a worker; 0: as inherited.
	Nofile uint64
	// CoreSize is the limit of a worker's core file in bytes; -1: as inherited.
	CoreSize int64
	Priority int
	// Affinity has a set for each worker, or is nil.
	Affinity []unix.CPUSet
	// ShutdownTimeout bounds how long a worker drains; 0: no bound.
	ShutdownTimeout time.Duration
	// Handover lets workers give their connections to those that come after them.
	Handover bool
	// KeepObjects lets the next configuration take over certificates and keys whose files
	// have not changed.
	KeepObjects bool
	// CloseOrphans ends tunnels, OrphanTime after they were handed over, whose
	// route the new configuration does not have.
	CloseOrphans     bool
	OrphanTime       time.Duration
	WorkingDirectory string // "": stay
	// ErrorLog are the main error_log directives, paths made absolute. It may
	// be empty.
	ErrorLog []log.Spec
	// WorkerConnections is how many connections a worker holds at most.
	WorkerConnections int
	// AcceptDelay is how long accepting pauses when descriptors or connections
	// are used up (accept_mutex_delay).
	AcceptDelay time.Duration
	// DebugNetworks and DebugUnix say whose connections are logged at the debug
	// level (debug_connection).
	DebugNetworks []netip.Prefix
	DebugUnix     bool

	env []string
}

// New returns the settings of a tree that was parsed with the directives of
// this package. Errors are nginx's sentences; warn gets what works but is odd,
// and may be nil.
func New(t *conf.Tree, def Defaults, warn func(*conf.Error)) (*Settings, error) {
	c := conf.Get[Conf](t.Root)
	s := &Settings{
		Daemon: c.Daemon.V, Master: c.Master.V,
		Workers:  c.Workers.V.n,
		PIDFile:  c.PIDFile.V,
		User:     c.User.V,
		Nofile:   uint64(c.Nofile.V),
		CoreSize: c.CoreSize.V, Priority: c.Priority.V,
		ShutdownTimeout: c.ShutdownTimeout.V,
		Handover:        c.Handover.V,
		KeepObjects:     c.Objects.V,
		CloseOrphans:    c.Orphans.V.close, OrphanTime: c.Orphans.V.after,
		WorkingDirectory: c.WorkingDirectory.V,
		ErrorLog:         c.ErrorLog,
		env:              c.Env,
	}
	if c.Workers.V.auto {
		set := available()
		s.Workers = set.Count()
	}
	if s.Workers > maxWorkers {
		return nil, &conf.Error{Msg: fmt.Sprintf("no more than %d processes can be spawned", maxWorkers)}
	}
	s.Affinity = c.Affinity.V.perWorker(s.Workers)
	if s.PIDFile == "" {
		s.PIDFile = def.PIDFile
	}
	if s.PIDFile != "" {
		s.PIDFile = t.FullName(s.PIDFile)
	}
	if s.User == nil && t.Privileged() {
		u, err := def.lookup(t)
		if err != nil {
			return nil, &conf.Error{Msg: err.Error()}
		}
		s.User = u
	}
	if c.events == nil {
		return nil, &conf.Error{Msg: `no "events" section in configuration`}
	}
	for _, l := range t.Root.Children {
		if e := conf.Own[Events](l); e != nil {
			s.WorkerConnections, s.AcceptDelay = e.Connections.V, e.AcceptMutexDelay.V
			s.DebugNetworks, s.DebugUnix = e.debugNetworks, e.debugUnix
		}
	}
	for _, msg := range s.oddities(c) {
		if warn != nil {
			warn(&conf.Error{Msg: msg})
		}
	}
	return s, nil
}

func (def Defaults) lookup(t *conf.Tree) (*User, error) {
	user, group := def.User, def.Group
	if user == "" {
		user = "nobody"
	}
	if group == "" {
		group = "nobody"
		if groups, err := t.ReadFile(groupFile); err == nil && find(groups, group) == nil {
			group = "nogroup"
		}
	}
	return lookupUser(t, user, group)
}

// oddities are the warnings that nginx has for these settings.
func (s *Settings) oddities(c *Conf) []string {
	var msgs []string
	if a := c.Affinity.V; !a.auto && len(a.masks) > 1 && len(a.masks) != s.Workers {
		msgs = append(msgs, `the number of "worker_processes" is not equal to `+
			`the number of "worker_cpu_affinity" masks, using last mask for remaining worker processes`)
	}
	limit := s.Nofile
	if !c.Nofile.IsSet() {
		var have unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &have); err != nil {
			return msgs
		}
		limit = have.Cur
	}
	if uint64(s.WorkerConnections) > limit {
		msgs = append(msgs, fmt.Sprintf("%d worker_connections exceed open file resource limit: %d",
			s.WorkerConnections, limit))
	}
	return msgs
}

// Environ returns the environment of workers and of a new binary: what the env
// directives name, taken from environ unless they give a value, and TZ.
func (s *Settings) Environ(environ []string) []string {
	names := s.env
	if !s.names("TZ") {
		names = append(names[:len(names):len(names)], "TZ")
	}
	var out []string
	for _, name := range names {
		if strings.Contains(name, "=") {
			out = append(out, name)
			continue
		}
		for _, pair := range environ {
			if strings.HasPrefix(pair, name+"=") {
				out = append(out, pair)
				break
			}
		}
	}
	return out
}

func (s *Settings) names(variable string) bool {
	for _, word := range s.env {
		if name, _, _ := strings.Cut(word, "="); name == variable {
			return true
		}
	}
	return false
}
