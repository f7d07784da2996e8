package server

import (
	"context"
	"maps"

	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/pool"
	"github.com/baton-project/baton/process"
)

// listenPools starts to serve the pools.
func (r *role) listenPools() error {
	if r.cycle.Pools == nil {
		return nil
	}
	r.pools = r.cycle.Pools.Worker(r.reactor)
	if r.http != nil {
		r.http.Host(r.pools.Kinds())
	}
	for _, l := range r.cycle.Pools.Listeners() {
		for _, socket := range r.cycle.Sockets.Sockets(l.Spec.Address) {
			if err := r.pools.Listen(l, socket); err != nil {
				return err
			}
		}
	}
	return nil
}

// A poolDrain is the draining of pools, beside that of http{}.
type poolDrain struct {
	heirs chan pool.Heirs // nil without pools
	tally pool.Tally
	err   error
	done  chan struct{} // closed at the end
}

// drainPools stops accepting and begins to drain the pools. With an http{} the
// heirs come from its handover, else from here.
func (r *role) drainPools(ctx context.Context, heir *process.Heir) *poolDrain {
	d := &poolDrain{done: make(chan struct{})}
	if r.pools == nil {
		close(d.done)
		return d
	}
	r.pools.StopAccepting()
	if heir == nil {
		go func() {
			d.err = r.pools.Drain(ctx)
			close(d.done)
		}()
		return d
	}
	d.heirs = make(chan pool.Heirs, 1)
	if r.http != nil {
		return d // handOver begins it
	}
	go func() {
		r.alone(ctx, heir, d)
		heir.Report(process.Report(d.tally))
		close(d.done)
	}()
	return d
}

// begin hands clients over to the heirs that come over d.heirs, if there are
// pools.
func (r *role) begin(ctx context.Context, d *poolDrain) {
	if d.heirs == nil {
		return
	}
	go func() {
		d.tally, d.err = r.pools.HandOver(ctx, d.heirs)
		close(d.done)
	}()
}

// pass gives the pools the heirs that http{} gets too.
func (d *poolDrain) pass(h http.Heirs) {
	if d.heirs == nil {
		return
	}
	select {
	case d.heirs <- pool.Heirs{Senders: h.Senders, Instead: h.Instead}:
	case <-d.done:
	}
}

// alone is a handover without an http{}.
func (r *role) alone(ctx context.Context, heir *process.Heir, d *poolDrain) {
	var all []*handover.Sender
	select {
	case s := <-heir.Channels: // there from the beginning
		h := r.heirs(s)
		all = h.Senders
		d.heirs <- pool.Heirs{Senders: h.Senders, Instead: h.Instead}
	default:
	}
	over := make(chan struct{})
	go func() {
		d.tally, d.err = r.pools.HandOver(ctx, d.heirs)
		close(over)
	}()
	for ended := false; !ended; {
		select {
		case s := <-heir.Channels:
			h := r.heirs(s)
			all = append(all, h.Senders...)
			select {
			case d.heirs <- pool.Heirs{Senders: h.Senders, Instead: h.Instead}:
			case <-over:
			}
		case <-over:
			ended = true
		}
	}
	for _, s := range all {
		_ = s.Close() // nothing that came back is open any more
	}
}

// wait returns when the pools have no client.
func (d *poolDrain) wait() error {
	<-d.done
	return d.err
}

// join adds what became of the pools' clients to t.
func (d *poolDrain) join(t http.Tally) http.Tally {
	_ = d.wait() // the caller waits for it too
	for word, n := range d.tally.Moved {
		if t.Moved == nil {
			t.Moved = map[string]int{}
		}
		t.Moved[word] += n
	}
	if t.Stayed == nil {
		t.Stayed = map[string]int{}
	}
	maps.Copy(t.Stayed, d.tally.Stayed)
	t.Took = max(t.Took, d.tally.Took)
	return t
}

// receivePools is Accept of a worker without an http{}.
func (r *role) receivePools(ch handover.Channel) {
	r.pools.Receive(ch, func(err error) {
		r.cycle.Logger.Logf(log.Warn, 0, "handover: %v", err)
	})
}
