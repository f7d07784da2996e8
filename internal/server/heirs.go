package server

import (
	"context"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/process"
)

// handOver drains towards the worker's heirs, and reports. Pools use the same
// heirs.
func (r *role) handOver(ctx context.Context, heir *process.Heir, pools *poolDrain) error {
	heirs := make(chan http.Heirs, 1)
	var all []*handover.Sender // lent, if there are pools
	add := func(s process.Succession) http.Heirs {
		h := r.heirs(s)
		if h.Lent = pools.heirs != nil; h.Lent {
			all = append(all, h.Senders...)
			pools.pass(h)
		}
		return h
	}
	select {
	case s := <-heir.Channels: // there from the beginning
		heirs <- add(s)
	default:
	}
	r.begin(ctx, pools)
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case s := <-heir.Channels:
				h := add(s)
				select {
				case heirs <- h:
				case <-over:
				}
			case <-over:
				return
			}
		}
	}()
	tally, err := r.http.HandOver(ctx, heirs)
	tally = pools.join(tally)
	close(over)
	<-done
	select {
	case late := <-heirs:
		for _, s := range late.Senders {
			_ = s.Close() // nothing was offered
		}
	default:
	}
	for _, s := range all {
		_ = s.Close() // nothing that came back is open any more
	}
	heir.Report(process.Report(tally))
	return err
}

// heirs makes senders of channels.
func (r *role) heirs(s process.Succession) http.Heirs {
	h := http.Heirs{Instead: s.Instead}
	for _, ch := range s.Channels {
		c, err := r.reactor.NewChannel(ch)
		if err != nil {
			r.cycle.Logger.Logf(log.Alert, 0, "handover: %v", err)
			continue
		}
		h.Senders = append(h.Senders, handover.NewSender(c, 0, nil))
	}
	return h
}

// Accept implements process.Role.
func (r *role) Accept(ch *fd.Channel) {
	if r.http == nil && r.pools == nil {
		ch.Close()
		return
	}
	c, err := r.reactor.NewChannel(ch)
	if err != nil {
		r.cycle.Logger.Logf(log.Alert, 0, "handover: %v", err)
		return
	}
	if r.http == nil {
		r.receivePools(c)
		return
	}
	r.http.Receive(c)
}
