package http

import (
	"time"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/wire/h1"
)

// access runs the access phase as satisfy says.
func (r *Request) access() Result {
	handlers := r.loc.pipeline.phases[Access]
	if len(handlers) == 0 || r.sub != nil {
		return Declined
	}
	refusal := Declined
	for i, handle := range handlers {
		rc := handle(r)
		if r.Debugging() {
			r.debugPhase(Access, i, rc)
		}
		switch {
		case rc == Declined:
		case rc == OK && r.SatisfyAny():
			r.Out.Headers.Del(r.challenge())
			return Declined
		case rc == OK:
		case r.SatisfyAny() && (rc == 403 || asksForPassword(rc)):
			if !asksForPassword(refusal) {
				refusal = rc
			}
		default:
			return r.delayUnauthorized(rc)
		}
	}
	if refusal == 403 {
		r.Logf(log.Error, "access forbidden by rule")
	}
	return r.delayUnauthorized(refusal)
}

func asksForPassword(rc Result) bool { return rc == 401 || rc == 407 }

// challenge is the header line that asks for a password.
func (r *Request) challenge() string {
	if r.ForProxy() {
		return "Proxy-Authenticate"
	}
	return "WWW-Authenticate"
}

// Challenge asks the client for a password: value is what WWW-Authenticate says,
// or Proxy-Authenticate to a client that wants to be tunneled. The access handler
// returns what it returns.
func (r *Request) Challenge(value string) Result {
	r.Out.Headers.Add(r.challenge(), value)
	if r.ForProxy() {
		return 407
	}
	return 401
}

// ForProxy reports whether the client takes the server for a proxy that tunnels:
// other headers then carry passwords.
func (r *Request) ForProxy() bool { return r.Method == h1.CONNECT }

// SatisfyAny reports whether one handler of the access phase is enough.
func (r *Request) SatisfyAny() bool { return r.loc.paths.Satisfy.V == SatisfyAny }

// LocalAddr asks the kernel for the address that the client has connected to.
func (r *Request) LocalAddr() (poll.Sockaddr, error) { return r.conn.LocalAddr() }

// delayUnauthorized applies auth_delay: it makes guessing passwords slow.
func (r *Request) delayUnauthorized(rc Result) Result {
	if d := r.loc.paths.AuthDelay.V; d > 0 && asksForPassword(rc) {
		r.Logf(log.Info, "delaying unauthorized request")
		if end := r.Delay(d); end != Declined {
			return end
		}
	}
	return rc
}

// Delay holds the request back for d while others are served. Anything but
// Declined says that the client is gone, and is what the handler returns.
func (r *Request) Delay(d time.Duration) Result {
	if r.inBackground() { // the connection is in other hands
		own := new(poll.Conn)
		r.conn.worker.reactor.Join(own, nil)
		defer own.Leave()
		if own.Sleep(d) != nil { // the worker ends
			return StatusClientClosed
		}
		return Declined
	}
	if r.wire.Flush() != nil { // answers to the requests before this one
		r.abort()
		return Done
	}
	if err := r.conn.Sleep(d); err != nil {
		r.Logf(log.Info, "client prematurely closed connection")
		return StatusClientClosed
	}
	return Declined
}

// Yield lets other connections be served, for handlers that compute for longer
// than a fraction of a millisecond.
func (r *Request) Yield() { r.conn.worker.reactor.Yield() }
