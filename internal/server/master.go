package server

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/conf/bundle"
	"github.com/baton-project/baton/internal/core"
	"github.com/baton-project/baton/internal/cycle"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/server/welcome"
	"github.com/baton-project/baton/process"
)

// Serve is the life of a server without -t and -s, as the process that a person
// starts and as the master that it becomes. The result is the exit code.
func (s *Site) Serve(title *process.Title, launched *process.Launched) int {
	s.settle()
	logger, done := s.console()
	defer done()
	exit, err := s.serve(logger, done, title, launched)
	if err != nil {
		logger.Log(log.Emerg, 0, err.Error())
	}
	return exit
}

func (s *Site) serve(logger *log.Logger, done func(), title *process.Title, launched *process.Launched) (exit int, err error) {
	m := &master{site: s, console: logger, consoleDone: done}
	p := &process.Program{
		Name: s.Program, Version: "baton/" + s.Version,
		Args: os.Args, Environ: os.Environ(),
		Title:  title,
		Logger: logger.Slog(),
		Build:  m.build,
		Role:   NewRole,
		Stderr: stderr,
	}
	switch {
	case process.Inherits(): // a daemon already
	case launched != nil:
		if m.first, err = received(launched); err == nil {
			m.plan, err = s.read(m.first, nil) // warnings were given before
		}
	default:
		src, recorder := s.source()
		m.plan, err = s.read(src, logger)
		m.first = recorder.Bundle()
		if err == nil && m.plan.Settings.Daemon {
			return launch(p, m.first)
		}
		s.greet()
	}
	if err != nil {
		return 1, err
	}
	return p.RunMaster(context.Background(), launched)
}

// launch starts the master as a daemon, with the configuration as it was read.
func launch(p *process.Program, read *bundle.Bundle) (exit int, err error) {
	blob, err := read.Memfd()
	if err != nil {
		return 1, err
	}
	defer blob.Close()
	return p.Launch(blob)
}

// received is the configuration as the process that launched this one read it.
func received(l *process.Launched) (*bundle.Bundle, error) {
	defer l.Bundle.Close()
	return bundle.FromMemfd(l.Bundle)
}

// greet tells a person who started the program without a configuration what it
// does, and how to go on.
func (s *Site) greet() {
	if s.Welcome {
		fmt.Fprintf(os.Stderr, "no configuration in %s: the built-in page is at %s\n"+
			"reload it with -s reload, replace the running program with -s upgrade, stop it with -s quit\n",
			s.File, welcome.Address)
	}
}

// A master builds cycles for package process.
type master struct {
	site        *Site
	console     *log.Logger // before the first cycle
	consoleDone func()

	// The first configuration, when it was read before there was a master.
	plan  *cycle.Plan
	first *bundle.Bundle
}

// build reads the configuration, from the disk unless it was read already, and
// opens the next cycle beside the old one.
func (m *master) build(ctx context.Context, in process.BuildInput) (process.Cycle, error) {
	inherited := in.Inherited
	defer func() { fd.CloseAll(inherited) }()
	var old *masterCycle
	var current *cycle.Cycle
	logger := m.console
	if in.Old != nil {
		old = in.Old.(*masterCycle)
		current, logger = old.Cycle, old.Cycle.Logger
	}
	var objects bundle.Objects
	if old != nil && old.Plan.Settings.KeepObjects {
		objects = old.objects
	}
	plan, recorded, err := m.read(logger, objects)
	if err != nil {
		return nil, err
	}
	blob, data, err := forWorkers(plan, recorded)
	if err != nil {
		plan.Logs.Close()
		return nil, err
	}
	given := inherited
	inherited = nil // Open's from here on
	estate := make([]cycle.File, len(in.Estate))
	for i, f := range in.Estate {
		estate[i] = cycle.File(f)
	}
	next, err := cycle.Open(ctx, plan, cycle.Input{Old: current, Inherited: given, Estate: estate, Logger: logger})
	if err != nil {
		blob.Close()
		return nil, err
	}
	if old == nil {
		m.consoleDone() // the cycle has a log of its own
	}
	return &masterCycle{Cycle: next, old: old, objects: recorded.Objects(), blob: blob, data: data}, nil
}

// forWorkers is what a worker reads the same plan from.
func forWorkers(plan *cycle.Plan, recorded *bundle.Bundle) (blob *fd.Owned, data []byte, err error) {
	if data, err = json.Marshal(plan.Site); err != nil {
		return nil, nil, err
	}
	blob, err = recorded.Memfd()
	return blob, data, err
}

func (m *master) read(logger *log.Logger, objects bundle.Objects) (*cycle.Plan, *bundle.Bundle, error) {
	if m.plan != nil {
		plan, first := m.plan, m.first
		m.plan, m.first = nil, nil
		return plan, first, nil
	}
	src, recorder := m.site.source()
	recorder.Old = objects
	plan, err := m.site.read(src, logger)
	return plan, recorder.Bundle(), err
}

// masterCycle is a cycle as package process sees it.
type masterCycle struct {
	*cycle.Cycle
	old     *masterCycle   // the one that this one was built beside; nil after Commit
	objects bundle.Objects // for the next cycle
	blob    *fd.Owned      // the bundle, for workers
	data    []byte         // the site, for workers
}

func (c *masterCycle) Settings() process.Settings {
	return settings(c.Plan.Settings, os.Environ())
}

// settings are what package process wants to know of s.
func settings(s *core.Settings, environ []string) process.Settings {
	env := s.Environ(environ)
	p := process.Settings{
		Workers:          s.Workers,
		Single:           !s.Master,
		PIDFile:          s.PIDFile,
		Nofile:           s.Nofile,
		Priority:         s.Priority,
		Affinity:         s.Affinity,
		WorkingDirectory: s.WorkingDirectory,
		ShutdownTimeout:  s.ShutdownTimeout,
		Handover:         s.Handover,
		WorkerEnv:        env,
		Env:              env,
	}
	if s.CoreSize >= 0 {
		size := uint64(s.CoreSize)
		p.CoreSize = &size
	}
	if u := s.User; u != nil {
		p.Credentials = &process.Credentials{UID: u.UID, GID: u.GID, Groups: u.Groups}
	}
	return p
}

func (c *masterCycle) Handout(slot int) (process.Handout, error) {
	h := process.Handout{Blob: c.blob, Data: c.data}
	for _, f := range c.Cycle.Handout(slot) {
		h.Files = append(h.Files, process.File(f))
	}
	return h, nil
}

func (c *masterCycle) Listeners() []process.Listener {
	var all []process.Listener
	for _, l := range c.Sockets.Listeners() {
		all = append(all, process.Listener{Name: strings.TrimPrefix(l.Name, "listen "), FD: l.FD})
	}
	return all
}

func (c *masterCycle) Estate() []process.File {
	var files []process.File
	for _, f := range c.Cycle.Estate() {
		files = append(files, process.File(f))
	}
	return files
}

// Status is for -s status.
func (c *masterCycle) Status() []string {
	if c.Plan.Pools == nil {
		return nil
	}
	return c.Plan.Pools.Status()
}

func (c *masterCycle) Logger() *slog.Logger { return c.Cycle.Logger.Slog() }

func (c *masterCycle) Commit() {
	if c.old == nil {
		c.Cycle.Commit(nil)
		return
	}
	c.Cycle.Commit(c.old.Cycle)
	c.old.blob.Close()
	c.old = nil
}

func (c *masterCycle) Abort() {
	c.Cycle.Abort()
	c.blob.Close()
}

func (c *masterCycle) Reopen() ([]process.File, error) {
	uid := -1
	if u := c.Plan.Settings.User; u != nil {
		uid = u.UID
	}
	reopened, err := c.Cycle.Reopen(uid)
	var files []process.File
	for _, f := range reopened {
		files = append(files, process.File(f))
	}
	return files, err
}

func (c *masterCycle) CloseListeners(unlink bool) { c.Sockets.Close(unlink) }

func (c *masterCycle) Close() {
	c.Logs.Close()
	c.Zones.Close()
	c.blob.Close()
}

// stderr lends what descriptor 2 becomes: the main error log, if it is a file.
func stderr(c process.Cycle) *fd.Owned { return c.(*masterCycle).Logs.StderrTarget() }
