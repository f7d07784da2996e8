package process

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

// patience bounds every wait of a test.
const patience = 30 * time.Second

// A stage play: a master under test, whose workers, new binaries and
// configurations are played by the test, line by line.
type play struct {
	t        *testing.T
	m        *master
	sys      *fakeSystem
	log      *recorder
	signals  chan received
	builds   chan *fakeBuild
	pidFile  string
	conf     Settings
	ended    chan struct{}
	exit     int
	err      error
	descrips int
}

func newPlay(t *testing.T, adjust ...func(*play)) *play {
	t.Helper()
	p := &play{
		t: t, log: newRecorder(), signals: make(chan received), builds: make(chan *fakeBuild),
		pidFile: filepath.Join(t.TempDir(), "x.pid"), ended: make(chan struct{}),
		descrips: descriptors(t),
	}
	p.conf = Settings{Workers: 2, PIDFile: p.pidFile}
	p.sys = &fakeSystem{workers: make(chan *fakeWorker, 64), binaries: make(chan int, 1),
		serve: make(chan error), kills: make(chan kill, 64), lastPID: 1000}
	program := &Program{Name: "test", Args: []string{"/bin/test", "-x"}, Logger: slog.New(p.log)}
	program.Build = func(ctx context.Context, in BuildInput) (Cycle, error) {
		b := &fakeBuild{ctx: ctx, in: in, result: make(chan error)}
		p.builds <- b
		if err := <-b.result; err != nil {
			return nil, err
		}
		b.cycle = &fakeCycle{conf: p.conf, log: p.log, events: make(chan string, 16)}
		b.result <- nil
		return b.cycle, nil
	}
	p.m = newMaster(program, p.sys, p.signals)
	p.m.daemon = true
	p.m.bounds.kill = 50 * time.Millisecond
	p.m.bounds.backoff = 5 * time.Millisecond
	p.m.bounds.settled = 0 // a worker that was ready has not died at its start
	p.sys.signals = p.signals
	p.sys.ended = p.ended
	for _, f := range adjust {
		f(p)
	}
	go func() {
		p.exit, p.err = p.m.run(t.Context())
		close(p.ended)
	}()
	t.Cleanup(p.end)
	return p
}

// end has the master stop, if it has not, and looks for what it left open.
func (p *play) end() {
	term := p.signals
	for done := false; !done; {
		select {
		case <-p.ended:
			done = true
		case term <- received{signal: unix.SIGTERM}:
			term = nil
			go p.sys.exitAll()
		case b := <-p.builds:
			b.result <- fmt.Errorf("the test is over")
		case w := <-p.sys.workers:
			p.sys.all(w)
			go p.sys.exitAll()
		case <-p.sys.kills:
		}
	}
	p.sys.closeAll()
	eventually(p.t, "descriptors to be closed", func() bool { return descriptors(p.t) <= p.descrips })
}

// signal sends the master a signal.
func (p *play) signal(s syscall.Signal) {
	p.t.Helper()
	select {
	case p.signals <- received{signal: s, from: 77}:
	case <-time.After(patience):
		p.t.Fatalf("the master does not take %v", s)
	}
}

// build waits for a call of Build.
func (p *play) build() *fakeBuild {
	p.t.Helper()
	select {
	case b := <-p.builds:
		return b
	case <-time.After(patience):
		p.t.Fatalf("no Build; log:\n%s", p.log)
		return nil
	}
}

// worker waits for a worker to be started and receives its start.
func (p *play) worker() *fakeWorker {
	p.t.Helper()
	select {
	case w := <-p.sys.workers:
		p.sys.all(w)
		w.t = p.t
		w.receiveStart()
		return w
	case <-time.After(patience):
		p.t.Fatalf("no worker; log:\n%s", p.log)
		return nil
	}
}

// generation plays a whole generation to readiness.
func (p *play) generation() (*fakeBuild, []*fakeWorker) {
	p.t.Helper()
	b := p.build()
	b.succeed()
	var list []*fakeWorker
	for range p.conf.workers() {
		list = append(list, p.worker())
	}
	for _, w := range list {
		w.ready()
	}
	b.want(p.t, "commit")
	return b, list
}

// do runs f in the master's loop.
func (p *play) do(f func()) {
	p.t.Helper()
	if err := p.m.do(func() error { f(); return nil }); err != nil {
		p.t.Fatal(err)
	}
}

// running waits until the first generation serves.
func (p *play) running() {
	p.t.Helper()
	eventually(p.t, "the master to run", func() bool {
		ok := false
		p.do(func() { ok = p.m.phase == running && p.m.op == nil })
		return ok
	})
}

// idle waits until no operation runs.
func (p *play) idle() {
	p.t.Helper()
	eventually(p.t, "the operation to end", func() bool {
		ok := false
		p.do(func() { ok = p.m.op == nil })
		return ok
	})
}

// over waits for the master's end.
func (p *play) over() int {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.exit
	case <-time.After(patience):
		p.t.Fatalf("the master does not end; log:\n%s", p.log)
		return 0
	}
}

type fakeBuild struct {
	ctx    context.Context
	in     BuildInput
	result chan error
	cycle  *fakeCycle
}

func (b *fakeBuild) succeed()       { b.result <- nil; <-b.result }
func (b *fakeBuild) fail(err error) { b.result <- err }

// want waits for the next thing that happens to the cycle.
func (b *fakeBuild) want(t *testing.T, event string) {
	t.Helper()
	select {
	case got := <-b.cycle.events:
		if got != event {
			t.Fatalf("generation %d: %s, want %s", b.in.Generation, got, event)
		}
	case <-time.After(patience):
		t.Fatalf("generation %d: no %s", b.in.Generation, event)
	}
}

type fakeCycle struct {
	conf   Settings
	log    slog.Handler
	events chan string
}

func (c *fakeCycle) Settings() Settings      { return c.conf }
func (c *fakeCycle) Listeners() []Listener   { return nil }
func (c *fakeCycle) Estate() []File          { return nil }
func (c *fakeCycle) Logger() *slog.Logger    { return slog.New(c.log) }
func (c *fakeCycle) Commit()                 { c.events <- "commit" }
func (c *fakeCycle) Abort()                  { c.events <- "abort" }
func (c *fakeCycle) Reopen() ([]File, error) { c.events <- "reopen"; return nil, nil }
func (c *fakeCycle) Close()                  { c.events <- "close" }

func (c *fakeCycle) CloseListeners(unlink bool) {
	c.events <- fmt.Sprintf("close listeners, unlink %v", unlink)
}

func (c *fakeCycle) Handout(slot int) (Handout, error) {
	return Handout{Data: fmt.Append(nil, slot)}, nil
}

// fakeSystem starts nothing: the test plays the workers.
type fakeSystem struct {
	workers  chan *fakeWorker
	binaries chan int
	serve    chan error
	kills    chan kill
	signals  chan received
	ended    chan struct{}

	mu      sync.Mutex
	lastPID int
	alive   []*fakeWorker
	dead    []exited
	refuse  error // the next binary is not executed
}

type kill struct {
	pid    int
	signal syscall.Signal
}

func (s *fakeSystem) worker(workerSpec) (int, *fd.Channel, error) {
	ours, theirs, err := fd.Pair()
	if err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastPID++
	s.workers <- &fakeWorker{sys: s, pid: s.lastPID, ch: theirs}
	return s.lastPID, ours, nil
}

func (s *fakeSystem) binary([]string, []string, []*fd.Owned) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return 0, s.refuse
	}
	s.lastPID++
	s.binaries <- s.lastPID
	return s.lastPID, nil
}

func (s *fakeSystem) serving(ctx context.Context, _ int, _ string) error {
	select {
	case err := <-s.serve:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *fakeSystem) kill(pid int, sig syscall.Signal) error {
	s.kills <- kill{pid, sig}
	return nil
}

func (s *fakeSystem) reap() []exited {
	s.mu.Lock()
	defer s.mu.Unlock()
	dead := s.dead
	s.dead = nil
	return dead
}

// exits says that a child has exited.
func (s *fakeSystem) exits(pid int, status syscall.WaitStatus) {
	s.mu.Lock()
	s.dead = append(s.dead, exited{pid, status})
	s.mu.Unlock()
	select {
	case s.signals <- received{signal: unix.SIGCHLD, from: pid}:
	case <-s.ended:
	}
}

func (s *fakeSystem) all(w *fakeWorker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alive = append(s.alive, w)
}

func (s *fakeSystem) exitAll() {
	s.mu.Lock()
	alive := slices.Clone(s.alive)
	s.mu.Unlock()
	for _, w := range alive {
		w.exit(0)
	}
}

func (s *fakeSystem) closeAll() {
	for {
		select {
		case w := <-s.workers:
			w.ch.Close()
		default:
			return
		}
	}
}

// A fakeWorker is the worker's end of a channel.
type fakeWorker struct {
	t      *testing.T
	sys    *fakeSystem
	pid    int
	ch     *fd.Channel
	start  startMessage
	exited sync.Once
}

func (w *fakeWorker) receive() packet {
	w.t.Helper()
	w.ch.SetReadDeadline(time.Now().Add(patience))
	p, err := receive(w.ch, make([]byte, fd.MaxMessage))
	if err != nil {
		w.t.Fatalf("worker %d: %v", w.pid, err)
	}
	fd.CloseAll(p.files)
	return p
}

func (w *fakeWorker) receiveStart() {
	w.t.Helper()
	for p := w.receive(); ; p = w.receive() {
		if p.Start != nil {
			w.start = *p.Start
		}
		if !p.More {
			return
		}
	}
}

// told waits for a message of the kind.
func (w *fakeWorker) told(kind string) {
	w.t.Helper()
	if p := w.receive(); p.Kind != kind {
		w.t.Fatalf("worker %d was told %q, want %q", w.pid, p.Kind, kind)
	}
}

func (w *fakeWorker) say(m message) {
	w.t.Helper()
	b, _ := json.Marshal(m)
	if err := w.ch.Send(b); err != nil {
		w.t.Fatal(err)
	}
}

func (w *fakeWorker) ready() { w.t.Helper(); w.say(message{Kind: kindReady}) }

func (w *fakeWorker) exit(status int) {
	w.exited.Do(func() {
		w.ch.Close()
		w.sys.exits(w.pid, syscall.WaitStatus(status))
	})
}

// A recorder is a log that a test can wait for.
type recorder struct {
	mu    sync.Mutex
	lines []string
}

func newRecorder() *recorder { return new(recorder) }

func (r *recorder) Enabled(context.Context, slog.Level) bool { return true }
func (r *recorder) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *recorder) WithGroup(string) slog.Handler            { return r }

func (r *recorder) Handle(_ context.Context, rec slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, rec.Message)
	return nil
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n")
}

// want waits for a line that contains text.
func (r *recorder) want(t *testing.T, text string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !strings.Contains(r.String(), text) {
		if time.Now().After(deadline) {
			t.Fatalf("no %q in the log:\n%s", text, r)
		}
		time.Sleep(time.Millisecond)
	}
}

func (r *recorder) count(text string) int { return strings.Count(r.String(), text) }

// eventually polls a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
		time.Sleep(time.Millisecond)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
