package server

import (
	"context"
	"errors"
	"maps"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/internal/heirs"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/process"
)

// drain lets every room come to its end, and gives what can move to the worker's
// heirs; heir is nil when there are none.
func (r *role) drain(ctx context.Context, heir *process.Heir) error {
	set, end := r.inherit(heir)
	rooms := 0
	results := make(chan error)
	drain := func(alone func(context.Context) error, over func(context.Context, *heirs.Set) error) {
		rooms++
		go func() {
			if set != nil {
				results <- over(ctx, set)
				return
			}
			results <- alone(ctx)
		}()
	}
	if r.http != nil {
		drain(r.http.Drain, r.http.HandOver)
	}
	if r.stream != nil {
		drain(r.stream.Drain, r.stream.HandOver)
	}
	if r.pools != nil {
		drain(r.pools.Drain, r.pools.HandOver)
	}
	var err error
	for range rooms {
		err = errors.Join(err, <-results)
	}
	end()
	return err
}

// inherit makes the set of the heirs that come over heir's channel, until end is
// called, which reports. The set is nil without heir.
func (r *role) inherit(heir *process.Heir) (set *heirs.Set, end func()) {
	if heir == nil {
		return nil, func() {}
	}
	set = heirs.New()
	adopt := func(s process.Succession) { set.Adopt(r.senders(s.Channels), s.Instead) }
	select {
	case s := <-heir.Channels: // there from the beginning
		adopt(s)
	default:
	}
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case s := <-heir.Channels:
				adopt(s)
			case <-over:
				return
			}
		}
	}()
	return set, func() {
		close(over)
		<-done
		set.Close()
		heir.Report(process.Report(set.Tally()))
	}
}

// senders makes senders of channels.
func (r *role) senders(channels []*fd.Channel) (made []*handover.Sender) {
	for _, ch := range channels {
		c, err := r.reactor.NewChannel(ch)
		if err != nil {
			r.cycle.Logger.Logf(log.Alert, 0, "handover: %v", err)
			continue
		}
		made = append(made, handover.NewSender(c, 0, nil))
	}
	return made
}

// kinds are the records of rooms other than http{}.
func (r *role) kinds() map[string]handover.Kind {
	kinds := make(map[string]handover.Kind)
	if r.stream != nil {
		maps.Copy(kinds, r.stream.Kinds())
	}
	if r.pools != nil {
		maps.Copy(kinds, r.pools.Kinds())
	}
	return kinds
}

// Accept implements process.Role.
func (r *role) Accept(ch *fd.Channel) {
	c, err := r.reactor.NewChannel(ch)
	if err != nil {
		r.cycle.Logger.Logf(log.Alert, 0, "handover: %v", err)
		return
	}
	if r.http != nil {
		r.http.Receive(c)
		return
	}
	go func() {
		if err := handover.NewReceiver(c, r.kinds(), nil).Run(); err != nil && !r.draining.Load() {
			r.cycle.Logger.Logf(log.Warn, 0, "handover: %v", err)
		}
	}()
}
