package proxy

import (
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/stream"
	core "github.com/baton-project/baton/internal/upstream"
)

// exchangeState is what the next worker has to know of an exchange.
type exchangeState struct {
	relayState
	Requests  int64 `cbor:"11,keyasint"`
	Responses int64 `cbor:"12,keyasint"`
	Received  int64 `cbor:"13,keyasint"`
	Forwarded int64 `cbor:"14,keyasint"`
	Seconds   int64 `cbor:"15,keyasint"` // since it began
	// How long, in milliseconds, the two directions are still held back.
	Up   int64 `cbor:"16,keyasint,omitempty"`
	Down int64 `cbor:"17,keyasint,omitempty"`
}

func (k *exchangeState) valid() bool {
	for _, n := range []int64{k.Requests, k.Responses, k.Received, k.Forwarded, k.Seconds, k.Up, k.Down} {
		if n < 0 {
			return false
		}
	}
	return k.relayState.valid()
}

// Freeze is for [stream.Correspondent].
func (x *exchange) Freeze() *fd.Owned {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over {
		return nil
	}
	s := x.r.s
	x.frozen, x.awake = true, s.Reactor().Evict(&s.Conn)
	return x.Detach()
}

// Frozen is for [stream.Correspondent].
func (x *exchange) Frozen() ([]byte, stream.Waiting, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := x.r.s
	now := s.Tick()
	state, err := cbor.Marshal(&exchangeState{
		relayState: *x.r.kept(), Requests: x.requests, Responses: x.responses, Received: x.received, Forwarded: x.sent,
		Seconds: max(s.Time().Unix()-x.began, 0), Up: max(x.up.until-now, 0), Down: max(x.down.until-now, 0),
	})
	return state, stream.Waiting{Timeout: x.r.conf.Timeout.V, Quiet: time.Duration(now-x.last) * time.Millisecond}, err
}

// Thaw is for [stream.Correspondent].
func (x *exchange) Thaw(socket *fd.Owned) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.r.s.Reactor().AddPort(&x.Port, socket.Take(), x)
	x.frozen = false
	switch {
	case x.doom != nil:
		x.stop(x.doom)
	case x.awake:
		x.proceed()
	default: // Expire is on its way
		_ = x.Reading(x.down.until == 0) // as before; it was possible then
	}
}

// Moved is for [stream.Correspondent].
func (x *exchange) Moved() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = true
	x.r.session.Free(core.Served)
}

// resumeExchange goes on with a session of datagrams that another worker has had,
// under the settings of this configuration.
func (p *pass) resumeExchange(s *stream.Session, state []byte, waits stream.Waiting, socket *fd.Owned) stream.Correspondent {
	var kept exchangeState
	if err := cbor.Unmarshal(state, &kept); err != nil || !kept.valid() {
		return nil
	}
	r := p.again(s, &kept.relayState)
	x := &exchange{
		r: r, requests: kept.Requests, responses: kept.Responses, received: kept.Received, sent: kept.Forwarded,
		began: s.Time().Unix() - kept.Seconds, last: s.Tick() - waits.Quiet.Milliseconds(),
	}
	r.letters = x
	x.up.rate, x.down.rate = r.rate(r.upload), r.rate(r.download)
	if x.up.rate > 0 && kept.Up > 0 {
		x.up.until = s.Tick() + kept.Up
	}
	if x.down.rate > 0 && kept.Down > 0 {
		x.down.until = s.Tick() + kept.Down
	}
	r.useAgain()
	s.Reactor().AddPort(&x.Port, socket.Take(), x)
	return x
}
