package process

import (
	"context"
	"strings"
)

// RunMaster is the whole life of a master: it builds the first cycle, writes
// the pid file, starts the workers, and serves signals until TERM, INT or QUIT,
// or until ctx is done, which counts as TERM. l is nil in a process that nobody
// launched. exit is the process's exit code, err is why the start failed; once
// there was a cycle, its log has the reason too.
func (p *Program) RunMaster(ctx context.Context, l *Launched) (exit int, err error) {
	signals, stop := takeSignals()
	defer stop()
	setName(p.Name)
	m := newMaster(p, linux{}, signals)
	m.daemon = Inherits()
	if l != nil {
		defer l.close()
		m.daemon = true
		if m.null, err = openNull(); err != nil {
			return 1, err
		}
		m.onReady = l.tellReady
	}
	return m.run(ctx)
}

// setMasterTitle shows "NAME: master process ARGV" in ps.
func (p *Program) setMasterTitle(g *generation) {
	if !p.single(g) {
		p.Title.Set(p.Name + ": master process " + strings.Join(p.Args, " "))
	}
}
