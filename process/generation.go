package process

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

// A generation is one cycle and its workers.
//
//	coming --all ready--> serving --another serves--> leaving --last worker gone--> gone
//	   |                                                                              ^
//	   +---- failed ------------------------------------------------------------------+
type generation struct {
	number int
	cycle  Cycle
	conf   Settings
	stage  stage
	since  time.Time

	report *Report // of its workers' handover; nil as long as there is none

	err  error         // while coming: the first failure
	up   chan struct{} // closed when every worker was ready, or with the first failure
	gone chan struct{} // closed when it has no worker and will never have one again
}

type stage uint8

const (
	coming  stage = iota // workers start; none is replaced
	serving              // dead workers are replaced
	leaving              // workers drain or stop; none is replaced
	gone
)

// A workerState is where a worker is in its life.
//
//	fresh --ready--> active --quit--> draining --+
//	  |                |                |        +--exit--> (forgotten)
//	  +--- terminate --+----------------+--> stopping
type workerState uint8

const (
	fresh    workerState = iota // has not said that it is ready
	active                      // accepts
	draining                    // was told to quit
	stopping                    // was told to terminate; killed after a bound
)

func (s workerState) String() string {
	return [...]string{"starting", "ready", "draining", "stopping"}[s]
}

// A worker is a process (or the role's goroutine, in a single process) that has
// not been reaped.
type worker struct {
	pid, slot int
	gen       *generation
	state     workerState
	since     time.Time // of state
	link      *link
	deaths    int         // of its forerunners, in a row, at their start
	failure   string      // what it said it failed with
	fatal     bool        // and that a successor would, too
	exit      string      // how it exited, once it was reaped
	silent    bool        // its channel has ended
	killer    *time.Timer // while stopping
	reopens   *time.Timer // a request to reopen waits
	reopened  time.Time   // the last request
}

func (w *worker) enter(s workerState) { w.state, w.since = s, time.Now() }

func newGeneration(number int, c Cycle) *generation {
	return &generation{
		number: number, cycle: c, conf: c.Settings(), since: time.Now(),
		up: make(chan struct{}), gone: make(chan struct{}),
	}
}

// settings of a generation; zero when there is none yet.
func (g *generation) settings() Settings {
	if g == nil {
		return Settings{}
	}
	return g.conf
}

// ready tells the waiting operation how the coming generation fares. A worker
// may still die between the news that all are ready and the switch.
func (g *generation) ready(err error) {
	if g.err == nil {
		g.err = err
	}
	select {
	case <-g.up:
	default:
		close(g.up)
	}
}

// populate starts a worker for each slot of g that has none.
func (m *master) populate(g *generation) {
	if !m.p.single(g) {
		m.logf(LevelNotice, "start worker processes")
	}
	taken := m.slots(g)
	for slot := range g.conf.workers() {
		if !taken[slot] {
			m.spawn(g, slot, 0)
		}
	}
}

// slots says which slots of g have a worker that stays.
func (m *master) slots(g *generation) map[int]bool {
	taken := map[int]bool{}
	for _, w := range m.workers {
		if w.gen == g && (w.state == fresh || w.state == active) {
			taken[w.slot] = true
		}
	}
	return taken
}

// spawn starts one worker and sends it its start. When that fails, a coming
// generation has failed, and a serving one tries again later.
func (m *master) spawn(g *generation, slot, deaths int) {
	w := &worker{slot: slot, gen: g, deaths: deaths, since: time.Now()}
	if err := m.spawnWorker(w); err != nil {
		m.logf(LevelAlert, "%v", err)
		if g.stage == coming {
			g.ready(err)
			return
		}
		m.logf(LevelAlert, "could not respawn %s", titleWorker)
		m.respawn(g, slot, deaths+1)
	}
}

func (m *master) spawnWorker(w *worker) error {
	g := w.gen
	h, err := g.cycle.Handout(w.slot)
	if err != nil {
		return fmt.Errorf("handout for worker process of slot %d: %w", w.slot, err)
	}
	packets, err := startPackets(startMessage{
		Name: m.p.Name, Generation: g.number, Slot: w.slot, Settings: g.conf,
	}, h)
	if err != nil {
		return err
	}
	pid, ch, err := m.sys.worker(workerSpec{
		name: m.p.Name, env: g.conf.WorkerEnv, priority: g.conf.Priority,
		affinity: g.conf.affinity(w.slot), stderr: m.stderr(g),
		complain: func(err error) { m.complain(LevelAlert, err) },
	})
	if err != nil {
		closePackets(packets)
		return err
	}
	w.pid = pid
	m.workers[pid] = w
	if !m.p.single(g) {
		m.logf(LevelNotice, "start %s %d", titleWorker, pid)
	}
	w.link = m.newLink(ch,
		func(p packet) {
			fd.CloseAll(p.files) // workers have none to give
			m.heard(w, p)
		},
		func(err error) { m.unheard(w, err) },
		func() { w.silent = true; m.bury(w) })
	for _, p := range packets {
		w.link.send(p)
	}
	return nil
}

// heard handles a message from a worker, as if a stranger had sent it.
func (m *master) heard(w *worker, p packet) {
	switch {
	case p.Kind == kindReady && w.state == fresh:
		w.enter(active)
		if w.gen.stage == coming && m.complete(w.gen) {
			w.gen.ready(nil)
		}
		if w.gen.stage == serving {
			m.enrich(w)
		}
	case p.Kind == kindFailed && w.state == fresh:
		w.failure, w.fatal = printable(p.Reason), p.Fatal
		if w.gen.stage != coming {
			m.logf(LevelEmerg, "%s %d could not start: %s", titleWorker, w.pid, w.failure)
		}
	case p.Kind == kindReopen && w.state == active:
		m.reopenFor(w)
	case p.Kind == kindReport && w.state >= draining:
		w.gen.add(p.Report)
	case (p.Kind == kindReady || p.Kind == kindFailed) && w.state >= draining:
		// It crossed our quit or terminate.
	default:
		m.unheard(w, errMessage)
	}
}

// unheard gives up a worker that broke the protocol. One that closed its end is
// most likely exiting, and then a signal does nothing.
func (m *master) unheard(w *worker, err error) {
	if m.workers[w.pid] != w || w.exit != "" {
		return
	}
	if isGone(err) && w.state == draining {
		return // it is done, and was told of an heir just then
	}
	if !isGone(err) {
		m.logf(LevelAlert, "%s %d: %v", titleWorker, w.pid, err)
	}
	m.complain(LevelAlert, failed(m.sys.kill(w.pid, unix.SIGKILL), "kill(%d, %d)", w.pid, 9))
}

// complete says whether every slot of g has a worker that accepts.
func (m *master) complete(g *generation) bool {
	n := 0
	for _, w := range m.workers {
		if w.gen == g && w.state == active {
			n++
		}
	}
	return n == g.conf.workers()
}

// workerGone notes how a worker has exited. It may have said why just before,
// so first everything is heard.
func (m *master) workerGone(w *worker, how string) {
	w.exit = how
	if err := w.link.finish(); err != nil {
		w.silent = true // nothing can come any more
	}
	m.bury(w)
}

// bury forgets a worker that has exited and was heard to the end, and sees to
// its successor.
func (m *master) bury(w *worker) {
	if w.exit == "" || !w.silent || m.workers[w.pid] != w {
		return
	}
	how := w.exit
	delete(m.workers, w.pid)
	w.link.close()
	if w.killer != nil {
		w.killer.Stop()
	}
	if w.reopens != nil {
		w.reopens.Stop()
	}
	g := w.gen
	switch {
	case w.state >= draining || g.stage == leaving:
	case g.stage == coming:
		if w.failure != "" {
			how = w.failure
		}
		g.ready(fmt.Errorf("%s", how))
	case w.fatal:
		m.logf(LevelAlert, "%s %d exited with fatal code 2 and cannot be respawned", titleWorker, w.pid)
	case w.state == active && time.Since(w.since) >= m.bounds.settled:
		m.respawn(g, w.slot, 0)
	default:
		m.respawn(g, w.slot, w.deaths+1)
	}
	m.checkGone(g)
}

// respawn replaces a worker that died: the first time at once, then, as long as
// successors die at their start, after growing pauses.
func (m *master) respawn(g *generation, slot, deaths int) {
	again := func() {
		if m.phase == running && m.current == g && !m.noaccept && !m.slots(g)[slot] {
			m.spawn(g, slot, deaths)
		}
	}
	if deaths < 2 {
		again()
		return
	}
	pause := min(m.bounds.backoff<<min(deaths-2, 10), m.bounds.longest)
	m.logf(LevelAlert, "%s of slot %d died %d times at its start, the next one starts in %v",
		titleWorker, slot, deaths, pause)
	m.after(pause, again)
}

// checkGone marks a leaving generation that has no worker left.
func (m *master) checkGone(g *generation) {
	if g.stage != leaving {
		return
	}
	for _, w := range m.workers {
		if w.gen == g {
			return
		}
	}
	g.stage = gone
	if g.report != nil {
		m.logf(LevelNotice, "generation %d: %s", g.number, g.report)
	}
	close(g.gone)
}

// retire tells all workers of g to drain; nobody replaces them.
func (m *master) retire(g *generation) {
	g.stage = leaving
	m.handOver(g)
	m.quitWorkers(g)
	m.checkGone(g)
}

// quitWorkers tells the workers of g, or of all generations when g is nil, to
// drain.
func (m *master) quitWorkers(g *generation) {
	for _, w := range m.workers {
		if (g == nil || w.gen == g) && w.state < draining {
			w.enter(draining)
			m.tell(w, kindQuit, unix.SIGQUIT)
		}
	}
}

// discard stops a generation that did not come to serve.
func (m *master) discard(g *generation) {
	g.stage = leaving
	for _, w := range m.workers {
		if w.gen == g {
			m.stopWorker(w)
		}
	}
	m.checkGone(g)
}

// stopWorker has a worker exit at once, and kills it when it does not.
func (m *master) stopWorker(w *worker) {
	if w.state == stopping {
		return
	}
	w.enter(stopping)
	m.tell(w, kindTerminate, unix.SIGTERM)
	w.killer = m.after(m.bounds.kill, func() {
		if m.workers[w.pid] == w && w.exit == "" {
			m.complain(LevelAlert, failed(m.sys.kill(w.pid, unix.SIGKILL), "kill(%d, %d)", w.pid, 9))
		}
	})
}
