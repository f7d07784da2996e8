package process

import (
	"context"
	"slices"
)

// A verb is something the master does that takes time or must wait its turn.
type verb string

const (
	verbStart   verb = "start"   // the first generation
	verbReload  verb = "reload"  // HUP
	verbBinary  verb = "binary"  // USR2
	verbUpgrade verb = "upgrade" // -s upgrade: binary, wait, quit
	verbNoquit  verb = "winch"   // WINCH
	verbReopen  verb = "reopen"  // USR1
)

// A request is a verb and who wants to hear of its end. A plain signal is a
// request without a client.
type request struct {
	verb    verb
	clients []client
}

// A client is told how its request goes. Its methods do not block and may be
// called from any goroutine.
type client interface {
	progress(text string)
	// finish is called once. With gone, the sentence is completed when that
	// channel closes.
	finish(o outcome)
}

// An outcome is how a request ended.
type outcome struct {
	ok   bool
	text string      // the final sentence
	old  *generation // its end is still to be told; nil: nothing to wait for
}

// An operation is what runs beside the loop: the start, a reload, an upgrade.
// There is one at a time; requests that come meanwhile wait in master.queue, in
// order, each verb once. So a HUP during a reload makes one more reload after
// it, however often it comes, and USR2 after HUP starts the new binary when the
// reload is done.
type operation struct {
	request
	cancel context.CancelCauseFunc
	old    *generation // the generation that this operation retired, if any
}

// progress tells whoever waits for the operation. It is called by its own
// goroutine.
func (op *operation) progress(text string) {
	for _, c := range op.clients {
		c.progress(text)
	}
}

// request serves r now, or later when an operation runs.
func (m *master) request(r request) {
	if m.phase >= quitting {
		r.finish(outcome{text: errStopping.Error()})
		return
	}
	if m.op == nil {
		m.serve(r)
		return
	}
	if i := slices.IndexFunc(m.queue, func(q request) bool { return q.verb == r.verb }); i >= 0 {
		m.queue[i].clients = append(m.queue[i].clients, r.clients...)
	} else {
		m.queue = append(m.queue, r)
	}
	r.tell("waiting for the running " + string(m.op.verb))
}

// serve does what r wants, at once or by an operation.
func (m *master) serve(r request) {
	switch r.verb {
	case verbReload:
		m.beginReload(r)
	case verbBinary:
		m.changeBinary()
	case verbUpgrade:
		m.beginUpgrade(r)
	case verbNoquit:
		m.stopAccepting()
	case verbReopen:
		m.reopen()
	}
}

// begin runs an operation beside the loop.
func (m *master) begin(r request, run func(context.Context, *operation) (string, error)) {
	ctx, cancel := context.WithCancelCause(context.Background())
	op := &operation{request: r, cancel: cancel}
	m.op = op
	go func() {
		text, err := run(ctx, op)
		m.post(func() { m.end(op, text, err) })
	}()
}

// end takes an operation's result, tells, and goes on with what waited for it.
func (m *master) end(op *operation, text string, err error) {
	op.cancel(nil)
	m.op = nil
	if m.phase == quitting {
		m.closeListeners()
	}
	if err != nil {
		op.finish(outcome{text: err.Error()})
	} else {
		op.finish(outcome{ok: true, text: text, old: op.old})
	}
	for m.op == nil && len(m.queue) > 0 {
		r := m.queue[0]
		m.queue = m.queue[1:]
		m.serve(r)
	}
}

// abandon cancels the operation and forgets what waits: the master stops.
func (m *master) abandon() {
	if m.op != nil {
		m.op.cancel(errStopping)
	}
	for _, r := range m.queue {
		r.finish(outcome{text: errStopping.Error()})
	}
	m.queue = nil
}

func (r *request) tell(text string) {
	for _, c := range r.clients {
		c.progress(text)
	}
}

func (r *request) finish(o outcome) {
	for _, c := range r.clients {
		c.finish(o)
	}
}
