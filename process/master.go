package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

// A phase is where a master is in its life.
//
//	starting --first workers ready--> running --QUIT--> quitting --TERM--> terminating
//	    |                                |                                      ^
//	    +------ QUIT, TERM, failure -----+---------------- TERM, INT -----------+
//
// quitting and terminating end when the last worker is gone.
type phase uint8

const (
	starting    phase = iota // the first generation is not ready yet
	running                  // a generation serves
	quitting                 // workers drain; no listener is open any more
	terminating              // workers stop at once; killed after a bound
)

func (p phase) String() string {
	return [...]string{"starting", "running", "quitting", "terminating"}[p]
}

// bounds are the times after which the master does not wait any longer.
type bounds struct {
	ready   time.Duration // for all workers of a generation to be ready
	kill    time.Duration // for a worker to obey terminate; nginx waits 50+100+200+400+800 ms
	binary  time.Duration // for a new binary to serve, by -s upgrade
	settled time.Duration // a worker that lived as long has not died at its start
	backoff time.Duration // before the second respawn in a row; doubles each time
	longest time.Duration // backoff never grows over this
}

func defaultBounds() bounds {
	return bounds{
		ready: 60 * time.Second, kill: 1550 * time.Millisecond, binary: 60 * time.Second,
		settled: time.Second, backoff: 100 * time.Millisecond, longest: 5 * time.Second,
	}
}

// A master is the state of a running Program. All fields below "the loop's" are
// touched by the goroutine in [master.loop] only; others send it functions.
type master struct {
	p      *Program
	sys    system
	bounds bounds

	signals <-chan received
	events  chan func()
	ended   chan struct{}  // closed when the loop has ended: no event is taken any more
	helpers sync.WaitGroup // every goroutine that may send events

	// the loop's:
	phase     phase
	started   time.Time
	current   *generation     // nil only until the first cycle is built
	number    int             // of the latest generation, failed ones included
	workers   map[int]*worker // every worker alive, by pid
	op        *operation      // the start, reload or upgrade that runs; nil: none
	queue     []request       // what waits for op's end, each verb once
	binary    *newBinary      // the new binary that we started, while it lives
	pidFile   string          // the pid file that is ours, "" when none
	daemon    bool            // no terminal: WINCH is obeyed
	inherited bool            // NGINX= was set: parent may be the old master
	parent    int             // pid of our parent at the start
	noaccept  bool            // WINCH: workers were told to leave, none is to come
	closed    bool            // listeners are closed
	overdue   bool            // terminating has lasted longer than bounds.kill
	failure   error           // why the start failed
	null      *fd.Owned       // /dev/null, for a daemon's descriptor 2; nil otherwise
	peer      *peer           // the other master of an upgrade, if it can have connections
	onReady   func()          // tells whoever launched us; nil when nobody did
}

func newMaster(p *Program, sys system, signals <-chan received) *master {
	return &master{
		p: p, sys: sys, bounds: defaultBounds(), signals: signals,
		events: make(chan func()), ended: make(chan struct{}),
		started: time.Now(), workers: map[int]*worker{}, parent: os.Getppid(),
	}
}

// run is a master's life after its signals are taken: the first generation,
// the loop, the end.
func (m *master) run(ctx context.Context) (exit int, err error) {
	inherited := m.inherit()
	estate := m.inheritEstate(inherited)
	taken := map[int]bool{}
	for _, o := range inherited {
		taken[o.Raw()] = true
	}
	for _, f := range estate {
		taken[f.FD.Raw()] = true
	}
	m.inheritPeer(taken)
	control, err := m.listenControl()
	if err != nil {
		m.logf(LevelWarn, "no control socket, -s reload, upgrade and status will not know this process: %v", err)
	}
	m.number = 1
	m.begin(request{verb: verbStart}, func(ctx context.Context, _ *operation) (string, error) {
		return "", m.start(ctx, inherited, estate)
	})
	m.loop(ctx)
	close(m.ended)
	m.closePeer()
	if control != nil {
		control.Close()
	}
	m.helpers.Wait()
	if m.failure != nil && m.parentServes() {
		m.reportFailure()
	}
	m.close()
	if m.failure != nil {
		return 1, m.failure
	}
	return 0, nil
}

// loop handles one event at a time until nothing is left to wait for.
func (m *master) loop(ctx context.Context) {
	cancelled := ctx.Done()
	for !m.finished() {
		select {
		case f := <-m.events:
			f()
		case s := <-m.signals:
			m.signal(s)
		case <-cancelled:
			cancelled = nil
			m.terminate()
		}
	}
}

// finished says whether a stopping master has nobody left to wait for. An
// operation that does not listen to its context is waited for only so long.
func (m *master) finished() bool {
	return m.phase >= quitting && len(m.workers) == 0 && (m.op == nil || m.overdue)
}

// close gives everything back. The loop has ended.
func (m *master) close() {
	if m.pidFile != "" {
		m.complain(LevelAlert, removePIDFile(m.pidFilePath(), os.Getpid()))
	}
	m.logf(LevelNotice, "exit")
	m.closeListeners()
	if m.current != nil {
		m.current.cycle.Close()
	}
	if m.null != nil {
		m.null.Close()
	}
}

// closeListeners stops listening. Files of unix sockets stay when another
// master serves them: the new binary, or the old one that started us.
func (m *master) closeListeners() {
	if m.closed || m.current == nil {
		return
	}
	m.closed = true
	m.current.cycle.CloseListeners(m.binary == nil && !m.parentServes())
}

// parentServes says whether the master that we are to replace still lives.
func (m *master) parentServes() bool {
	return m.inherited && m.parent > 1 && os.Getppid() == m.parent && !ending(m.parent)
}

// ending reports whether a process has ended but for some of its threads: until
// they have too, the system says that its children are still its own.
func ending(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, state, _ := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" "))
	return bytes.HasPrefix(state, []byte("Z")) || bytes.HasPrefix(state, []byte("X"))
}

// post has f run by the loop; it is dropped when the loop has ended.
func (m *master) post(f func()) bool {
	select {
	case m.events <- f:
		return true
	case <-m.ended:
		return false
	}
}

// do is post, waits until f has run, and returns its error. It is how an
// operation, in its own goroutine, comes at the loop's state.
func (m *master) do(f func() error) error {
	done := make(chan error, 1)
	if !m.post(func() { done <- f() }) {
		return errStopping
	}
	return <-done
}

// after has f run by the loop in d, unless the result is stopped before.
func (m *master) after(d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() { m.post(f) })
}

// errStopping ends an operation when the master stops.
var errStopping = errors.New("the master process is stopping")

// log is where the master logs now.
func (m *master) log() *slog.Logger {
	if m.current != nil {
		return m.current.cycle.Logger()
	}
	if m.p.Logger != nil {
		return m.p.Logger
	}
	return slog.New(slog.DiscardHandler)
}

func (m *master) logf(level slog.Level, format string, args ...any) {
	m.log().Log(context.Background(), level, fmt.Sprintf(format, args...))
}

// complain logs err, if there is one.
func (m *master) complain(level slog.Level, err error) {
	if err != nil {
		m.logf(level, "%v", err)
	}
}

// stderr is what descriptor 2 of g's workers is, and ours while g is current;
// nil leaves it as it is. A worker has it from its start, a daemon's master
// only once it serves: until then it says there why it cannot.
func (m *master) stderr(g *generation) *fd.Owned {
	if m.p.Stderr != nil {
		if o := m.p.Stderr(g.cycle); o != nil {
			return o
		}
	}
	return m.null
}

// redirectStderr points descriptor 2 to where the current cycle wants it.
func (m *master) redirectStderr() {
	if to := m.stderr(m.current); to != nil {
		m.complain(LevelAlert, redirectStderr(to))
	}
}

// stderrFile is the name under which reopened files bring what descriptor 2 of
// the worker becomes.
const stderrFile = "process:stderr"

// redirectStderr points descriptor 2 to the file that to, lent, has open.
func redirectStderr(to *fd.Owned) error {
	if to.Raw() == 2 {
		return nil
	}
	return failed(unix.Dup3(to.Raw(), 2, 0), "dup2(STDERR)")
}
