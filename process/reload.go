package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/baton-project/baton/fd"
)

// start brings the first generation up: cycle, pid file, workers. Any failure
// ends the master.
func (m *master) start(ctx context.Context, inherited []*fd.Owned, estate []File) error {
	g, err := m.build(ctx, BuildInput{Generation: 1, Inherited: inherited, Estate: estate})
	for _, f := range estate {
		f.FD.Close()
	}
	if err == nil {
		err = m.do(func() error { return m.adopt(g) })
	}
	if err == nil {
		err = m.await(ctx, g)
	}
	return m.do(func() error {
		if err == nil {
			err = g.err
		}
		if err == nil && m.phase != starting {
			err = errStopping
		}
		if err != nil {
			m.startFailed(g, err)
			return err
		}
		g.stage = serving
		m.phase = running
		m.greet()
		m.redirectStderr()
		if m.onReady != nil {
			m.onReady()
		}
		return nil
	})
}

// adopt makes g the first current generation.
func (m *master) adopt(g *generation) error {
	m.current = g
	g.cycle.Commit()
	g.conf.Single = m.p.single(g)
	if m.phase >= quitting {
		return errStopping
	}
	if err := writePIDFile(g.conf.PIDFile, os.Getpid()); err != nil {
		return err
	}
	m.pidFile = g.conf.PIDFile
	if m.p.single(g) {
		m.sys = newInProcess(m.sys, m.p.Role, func() { m.post(func() { m.reaped(m.sys.reap()) }) })
	}
	m.p.setMasterTitle(g)
	m.populate(g)
	return nil
}

// startFailed ends a master whose first generation does not serve. Nobody else
// may have a log open yet, so the reason is the result of RunMaster, too.
func (m *master) startFailed(g *generation, err error) {
	if errors.Is(err, errStopping) {
		return
	}
	m.failure = err
	if g != nil {
		m.logf(LevelEmerg, "could not start: %v", err)
	}
	m.terminate()
}

// beginReload serves HUP. While a new binary runs it is the rollback by hand:
// the workers of the current configuration come back, and nothing is read.
func (m *master) beginReload(r request) {
	if m.binary != nil {
		m.noaccept = false
		m.populate(m.current)
		m.greet()
		r.finish(outcome{text: fmt.Sprintf("the new binary process %d runs, "+
			"workers of generation %d were started instead", m.binary.pid, m.current.number)})
		return
	}
	m.logf(LevelNotice, "reconfiguring")
	m.number++
	number, old := m.number, m.current
	m.begin(r, func(ctx context.Context, op *operation) (string, error) {
		return m.reload(ctx, op, number, old)
	})
}

// reload builds beside what runs, and switches when every new worker accepts.
// It runs in its own goroutine; m.do lends it the loop.
func (m *master) reload(ctx context.Context, op *operation, number int, old *generation) (string, error) {
	begun := time.Now()
	next, err := m.build(ctx, BuildInput{Old: old.cycle, Generation: number})
	if err != nil {
		return "", m.refused(err) // "... in FILE:LINE"; the current cycle keeps serving
	}
	op.progress(fmt.Sprintf("generation %d: configuration read in %s", number, took(begun)))
	err = m.do(func() error { return m.prepare(next) })
	if err == nil {
		err = m.await(ctx, next)
	}
	if err == nil {
		err = m.do(func() error { return m.commit(op, next) })
	}
	if err != nil {
		return "", m.undo(next, err)
	}
	return fmt.Sprintf("generation %d: %s ready in %s", number,
		count(next.conf.workers(), "worker"), took(begun)), nil
}

// build makes the next generation, beside the loop.
func (m *master) build(ctx context.Context, in BuildInput) (*generation, error) {
	c, err := m.p.Build(ctx, in)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, err
	}
	g := newGeneration(in.Generation, c)
	if ctx.Err() != nil && in.Old != nil {
		c.Abort()
		return nil, context.Cause(ctx)
	}
	return g, nil
}

// prepare starts the workers of a generation that is to become current, and
// writes its pid file where that is another one.
func (m *master) prepare(next *generation) error {
	if m.phase >= quitting {
		return errStopping
	}
	next.conf.Single = m.current.conf.Single
	if next.conf.PIDFile != m.pidFile {
		if err := writePIDFile(next.conf.PIDFile, os.Getpid()); err != nil {
			return err
		}
	}
	m.populate(next)
	return nil
}

// await waits until every worker of g is ready or one has failed, which g.err
// tells.
func (m *master) await(ctx context.Context, g *generation) error {
	timeout := time.NewTimer(m.bounds.ready)
	defer timeout.Stop()
	select {
	case <-g.up:
		return nil
	case <-timeout.C:
		return fmt.Errorf("workers were not ready within %v", m.bounds.ready)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// commit makes next the current generation and lets the old one go.
func (m *master) commit(op *operation, next *generation) error {
	if m.phase >= quitting {
		return errStopping
	}
	if next.err != nil {
		return next.err
	}
	old := m.current
	next.stage = serving
	m.current = next
	m.noaccept = false
	next.cycle.Commit()
	m.redirectStderr()
	if next.conf.PIDFile != m.pidFile {
		m.complain(LevelAlert, removePIDFile(m.pidFile, os.Getpid()))
		m.pidFile = next.conf.PIDFile
	}
	m.retire(old)
	m.greet()
	op.old = old
	return nil
}

// undo takes back all that was done for next, whose reload failed with err.
func (m *master) undo(next *generation, err error) error {
	_ = m.do(func() error { m.discard(next); return nil })
	// Its workers have copies of listeners that the next reload may open again.
	select {
	case <-next.gone:
	case <-m.ended:
	}
	_ = m.do(func() error {
		if next.conf.PIDFile != m.pidFile {
			m.complain(LevelAlert, removePIDFile(next.conf.PIDFile, os.Getpid()))
		}
		next.cycle.Abort()
		return nil
	})
	return m.refused(fmt.Errorf("generation %d did not start: %w", next.number, err))
}

// refused logs why a reload changed nothing.
func (m *master) refused(err error) error {
	if errors.Is(err, errStopping) {
		return err
	}
	_ = m.do(func() error {
		m.logf(LevelEmerg, "%v", err)
		m.logf(LevelNotice, "reconfiguring failed, generation %d keeps serving", m.current.number)
		return nil
	})
	return err
}

// took is the time since t as people read it: "38 ms", "1.2 s".
func took(t time.Time) string {
	d := time.Since(t)
	if d < 100*time.Millisecond {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// count is "1 worker", "2 workers".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
