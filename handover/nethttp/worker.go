package nethttp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/process"
)

// giversBound is how long a draining worker waits for older ones that could still
// hand over to it: they have better heirs by then.
const giversBound = time.Second

// connKind names the records, version 1.
const connKind = "net/http"

// record is a connection on its way.
type record struct {
	Kind  string `cbor:"1,keyasint,omitempty"` // of Follow; "": the server's, between two requests
	State []byte `cbor:"2,keyasint,omitempty"`
}

var (
	errNoHeir = errors.New("nobody takes connections over any more")
	errAlone  = errors.New("nobody takes connections over")
)

// A worker is the role that the process engine runs in each worker.
type worker struct {
	server *Server
	http   *http.Server
	door   *door
	serves sync.WaitGroup

	epoch  atomic.Uint64 // 0: nobody leaves; else it counts who there was to offer to
	offers sync.Mutex    // one Offer at a time

	mu        sync.Mutex // guards what follows
	conns     map[*Conn]struct{}
	receivers map[*handover.Receiver]struct{}
	senders   []*handover.Sender
	all       []*handover.Sender
	report    process.Report
	begun     time.Time
	changed   chan struct{} // a token when conns has become smaller
}

func newWorker(s *Server) *worker {
	return &worker{server: s, conns: map[*Conn]struct{}{}, receivers: map[*handover.Receiver]struct{}{}, changed: make(chan struct{}, 1),
		report: process.Report{Moved: map[string]int{}, Stayed: map[string]int{}}}
}

// Start implements [process.Role].
func (w *worker) Start(_ context.Context, s *process.Start) error {
	f := s.Files[0].FD.File("door")
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return err
	}
	w.door = newDoor(l, w)
	w.http = w.server.New()
	before := w.http.ConnState
	w.http.ConnState = func(c net.Conn, s http.ConnState) {
		if s == http.StateIdle {
			c.(*Conn).rests()
		}
		if before != nil {
			before(c, s)
		}
	}
	w.serves.Go(w.door.accept)
	w.serves.Go(func() { _ = w.http.Serve(w.door) }) // until the door is closed
	return nil
}

func (w *worker) draining() bool { return w.epoch.Load() > 0 }

// Drain implements [process.Role].
func (w *worker) Drain(ctx context.Context, heir *process.Heir) error {
	var channels <-chan process.Succession
	if heir != nil {
		channels = heir.Channels
		select {
		case s := <-channels: // there from the beginning
			w.adopt(s)
		default:
		}
	}
	w.mu.Lock()
	w.begun = time.Now()
	w.mu.Unlock()
	w.epoch.Add(1)
	w.door.shut()
	defer w.door.Close()
	w.wake()
	patience := time.AfterFunc(giversBound, w.closeReceivers)
	defer patience.Stop()
	for w.open() > 0 {
		select {
		case s := <-channels:
			w.adopt(s)
			w.epoch.Add(1)
			w.wake()
		case <-w.changed:
		case <-ctx.Done():
			w.Stop()
			return ctx.Err()
		}
	}
	w.mu.Lock()
	all := w.all
	w.mu.Unlock()
	for _, s := range all {
		_ = s.Close() // nothing is left that it could give back
	}
	if heir != nil {
		heir.Report(w.report)
	}
	return nil
}

// open counts connections, and old workers that could still give some.
func (w *worker) open() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.conns) + len(w.receivers)
}

// closeReceivers ends all receiving; what is not answered stays where it is.
func (w *worker) closeReceivers() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for r := range w.receivers {
		_ = r.Close() // an old worker may have closed it just now
	}
}

// wake lets the connections that can move do so.
func (w *worker) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		c.wake()
	}
}

// adopt begins to offer to others.
func (w *worker) adopt(s process.Succession) {
	w.offers.Lock()
	defer w.offers.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.Instead {
		w.senders = nil // the channels stay open: what came back over them is still served here
	}
	for _, ch := range s.Channels {
		sender := handover.NewSender(ch, 0, nil)
		w.senders, w.all = append(w.senders, sender), append(w.all, sender)
	}
}

// offer gives a connection to whoever takes it. socket is closed in any case.
func (w *worker) offer(r record, socket *fd.Owned) error {
	defer socket.Close() // the Sender has, when it was taken
	rec, err := handover.NewRecord(connKind, 1, 1, &r)
	for err == nil {
		var refused *handover.Refused
		switch err = w.offerOnce(rec, socket); {
		case err == nil:
			w.count(&w.report.Moved, r)
			return nil
		case errors.As(err, &refused), errors.Is(err, handover.ErrTakenBack), errors.Is(err, errNoHeir), errors.Is(err, errAlone):
		default:
			err = nil // another heir may be there
		}
	}
	w.mu.Lock()
	w.report.Stayed[err.Error()]++
	w.mu.Unlock()
	return err
}

func (w *worker) offerOnce(rec handover.Record, socket *fd.Owned) error {
	w.offers.Lock()
	w.mu.Lock()
	var s *handover.Sender
	if len(w.senders) > 0 {
		s = w.senders[0]
		w.senders = append(w.senders[1:], s) // all get their share
	}
	w.mu.Unlock()
	if s == nil {
		w.offers.Unlock()
		if !w.hadHeirs() {
			return errAlone
		}
		return errNoHeir
	}
	done := make(chan error, 1)
	n, err := s.Offer([]handover.Item{{Record: rec, Files: []*fd.Owned{socket}, Done: func(err error) { done <- err }}})
	if n == 0 {
		w.mu.Lock()
		w.senders = w.senders[:len(w.senders)-1] // s
		w.mu.Unlock()
	}
	w.offers.Unlock()
	if n == 0 {
		return err
	}
	return <-done
}

func (w *worker) hadHeirs() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.all) > 0
}

func (w *worker) count(in *map[string]int, r record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	kind := r.Kind
	if kind == "" {
		kind = "idle"
	}
	(*in)[kind]++
	w.report.Took = time.Since(w.begun)
}

// Accept implements [process.Role].
func (w *worker) Accept(ch *fd.Channel) {
	r := handover.NewReceiver(ch, map[string]handover.Kind{connKind: {Version: 1, Accept: w.take}}, nil)
	w.mu.Lock()
	w.receivers[r] = struct{}{}
	w.mu.Unlock()
	w.serves.Go(func() {
		if err := r.Run(); err != nil && !w.draining() {
			w.Logger().Warn("handover", "error", err)
		}
		w.mu.Lock()
		delete(w.receivers, r)
		w.mu.Unlock()
		w.left()
	})
}

// take rebuilds a connection.
func (w *worker) take(rec *handover.Record, files []*fd.Owned) (handover.Taken, error) {
	defer fd.CloseAll(files)
	var r record
	if err := rec.Decode(&r); err != nil {
		return nil, err
	}
	if len(files) != 1 {
		return nil, errors.New("not one socket")
	}
	if r.Kind != "" && w.server.Resume[r.Kind] == nil {
		return nil, fmt.Errorf("nobody resumes %q", r.Kind)
	}
	f := files[0].File("connection")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	return &arrival{w, c, r}, nil
}

// An arrival is a connection that was taken over.
type arrival struct {
	worker *worker
	conn   net.Conn
	record record
}

// Start implements [handover.Taken].
func (a *arrival) Start() {
	w := a.worker
	c := w.follow(a.conn)
	if resume := w.server.Resume[a.record.Kind]; a.record.Kind != "" {
		go resume(c, a.record.State) // it ends with the connection, which Drain waits for
		return
	}
	go w.door.put(c)
}

// Drop implements [handover.Taken].
func (a *arrival) Drop() { a.conn.Close() }

// follow makes c one of the worker's.
func (w *worker) follow(c net.Conn) *Conn {
	made := &Conn{Conn: c, worker: w}
	w.mu.Lock()
	w.conns[made] = struct{}{}
	w.mu.Unlock()
	return made
}

func (w *worker) forget(c *Conn) {
	w.mu.Lock()
	delete(w.conns, c)
	w.mu.Unlock()
	w.left()
}

// left lets Drain look again.
func (w *worker) left() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// Stop implements [process.Role].
func (w *worker) Stop() {
	if w.http == nil {
		return // it has not started
	}
	w.epoch.Add(1)
	w.door.Close()
	_ = w.http.Close() // the process ends
	w.mu.Lock()
	for c := range w.conns {
		_ = c.Conn.Close()
	}
	w.mu.Unlock()
	w.closeReceivers()
}

// Reopen implements [process.Role].
func (w *worker) Reopen(files []process.File) error {
	for _, f := range files {
		f.FD.Close()
	}
	return nil
}

// Logger implements [process.Role].
func (w *worker) Logger() *slog.Logger { return w.server.logger() }
