package cycle

import (
	"context"
	"errors"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/listen"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/zone"
)

// A Cycle is a plan at work: its log files are open, its zones have memory, its
// addresses are listened on.
type Cycle struct {
	*Plan
	Sockets *listen.Set
}

// Input is what Open builds upon.
type Input struct {
	Old       *Cycle      // the cycle that serves now; nil at the start
	Inherited []*fd.Owned // listening sockets from NGINX=; Open's own, on failure too
	Estate    []File      // zones of another binary, lent

	// Test opens only to see whether it could be: an address in use is no
	// error. The cycle serves nobody and is to be aborted.
	Test bool

	// Logger gets the lines about opening; nil means the new cycle's own log.
	Logger *log.Logger
}

// Open opens what the plan needs and the old cycle does not have. It fails with
// a sentence of nginx's, leaves everything as it was, and closes the plan's
// logs. It is the master's.
func Open(ctx context.Context, p *Plan, in Input) (*Cycle, error) {
	var old *listen.Set
	var zones *zone.Set
	if in.Old != nil {
		old, zones = in.Old.Sockets, in.Old.Zones
	}
	err := p.makeFolders()
	if err == nil {
		err = p.Logs.Open()
	}
	if err == nil {
		err = p.Zones.Open(zones, namedZones(in.Estate))
	}
	if err != nil {
		p.Logs.Close()
		fd.CloseAll(in.Inherited)
		return nil, err
	}
	logger := in.Logger
	if logger == nil {
		logger = p.Logger
	}
	sockets, err := listen.Open(ctx, listen.Config{
		Want:      p.allAddresses(),
		Workers:   p.Settings.Workers,
		Old:       old,
		Inherited: in.Inherited,
		Log:       logger,
		Test:      in.Test,
	})
	if err != nil {
		p.Logs.Close()
		p.Zones.Close()
		return nil, err
	}
	return &Cycle{Plan: p, Sockets: sockets}, nil
}

// allAddresses are all there is to listen on.
func (p *Plan) allAddresses() []listen.Spec {
	specs := p.addresses()
	if p.Pools != nil {
		for _, l := range p.Pools.Listeners() {
			specs = append(specs, l.Spec)
		}
	}
	return specs
}

// addresses are those of http{} and stream{}.
func (p *Plan) addresses() []listen.Spec {
	var specs []listen.Spec
	if p.HTTP != nil {
		for _, l := range p.HTTP.Listeners() {
			specs = append(specs, l.Spec)
		}
	}
	if p.Stream != nil {
		for _, l := range p.Stream.Listeners() {
			specs = append(specs, l.Spec)
		}
	}
	return specs
}

// Commit makes this cycle the one that serves: what only the old one had is
// closed.
func (c *Cycle) Commit(old *Cycle) {
	c.Sockets.Commit()
	if old != nil {
		old.Logs.Close()
		old.Zones.Close()
	}
}

// Abort closes what only this cycle opened.
func (c *Cycle) Abort() {
	c.Sockets.Abort()
	c.Logs.Close()
	c.Zones.Close()
}

// A File is a descriptor on its way to a worker, lent, or in the worker, its
// own.
type File struct {
	Name string
	FD   *fd.Owned
}

// Handout lends what worker slot works with: its listeners, and every log file
// and zone.
func (c *Cycle) Handout(slot int) []File {
	var files []File
	for _, n := range c.Sockets.Handout(slot) {
		files = append(files, File(n))
	}
	for _, n := range c.Logs.Handout() {
		files = append(files, File(n))
	}
	return append(files, c.Estate()...)
}

// Estate lends what a new binary goes on with besides the listeners: the zones.
func (c *Cycle) Estate() []File {
	var files []File
	for _, n := range c.Zones.Files() {
		files = append(files, File(n))
	}
	return files
}

func namedZones(files []File) []zone.Named {
	named := make([]zone.Named, len(files))
	for i, f := range files {
		named[i] = zone.Named(f)
	}
	return named
}

// Adopted are the log files among what the master handed out, for [Read] in a
// worker.
func Adopted(files []File) *log.Files {
	named := make([]log.Named, len(files))
	for i, f := range files {
		named[i] = log.Named(f)
	}
	return log.AdoptFiles(named)
}

// Adopt makes a worker's cycle of a plan that was read with the logs of the same
// files. The listeners and zones among them are the cycle's from here on, on
// failure too.
func Adopt(p *Plan, files []File) (*Cycle, error) {
	if err := p.Zones.Adopt(namedZones(files)); err != nil {
		return nil, err
	}
	named := make([]listen.Named, len(files))
	for i, f := range files {
		named[i] = listen.Named(f)
	}
	sockets, err := listen.Adopt(named)
	if err != nil {
		return nil, err
	}
	return &Cycle{Plan: p, Sockets: sockets}, nil
}

// Reopen opens every log file anew, for the user with that uid (-1: nobody
// else), and lends the new descriptors.
func (c *Cycle) Reopen(uid int) ([]File, error) {
	named, err := c.Logs.Reopen(uid)
	var files []File
	for _, n := range named {
		files = append(files, File(n))
	}
	return files, err
}

// Replace swaps a worker's log files for those that the master opened anew.
// files are the cycle's from here on.
func (c *Cycle) Replace(files []File) error {
	var errs []error
	for _, f := range files {
		errs = append(errs, c.Logs.Replace(f.Name, f.FD))
	}
	return errors.Join(errs...)
}

// Close closes everything in this process and leaves files of unix sockets
// alone.
func (c *Cycle) Close() {
	c.Sockets.Close(false)
	c.Logs.Close()
	c.Zones.Close()
}
