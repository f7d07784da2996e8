package stream

// A Result is what a handler says to the engine that called it. Apart from the
// names below it is a status that ends the session.
type Result int

const (
	// Declined: not mine; the next handler of the phase, then the next phase.
	Declined Result = 0
	// OK: this phase is satisfied, go on with the next one.
	OK Result = -1
	// Done: the handler goes on with the session itself, and calls
	// [Session.Finalize] in the end.
	Done Result = -2
	// Again: a Preread handler needs more of what the client sends.
	Again Result = -3
)

// Statuses of a session, as $status shows them.
const (
	StatusOK                 Result = 200
	StatusBadRequest         Result = 400
	StatusForbidden          Result = 403
	StatusInternalError      Result = 500
	StatusBadGateway         Result = 502
	StatusServiceUnavailable Result = 503
)

// A Handler does one phase's work for a session. It runs on the session's own
// goroutine and may block in the calls of Session.
type Handler func(s *Session) Result

// A Phase is a stage of a session, in nginx's order.
type Phase uint8

const (
	PostAccept Phase = iota // the client's address may change
	Preaccess               // limits
	Access                  // who may come in
	SSL                     // the handshake with the client
	Preread                 // a look at what the client sends first
	Log                     // after the end; results are ignored
	phaseCount
)

// runPhases takes the session from one phase to the next. A handler may choose
// another server, whose handlers serve the phases that follow.
func (s *Session) runPhases() {
	for p := PostAccept; p < Log; p++ {
		for _, h := range s.server.phases[p] {
			var rc Result
			if p == Preread {
				rc = s.preread(h)
			} else {
				rc = h(s)
			}
			if rc == OK {
				break
			}
			if rc != Declined {
				s.settle(rc)
				return
			}
		}
	}
	s.doing = ""
	if s.server.content == nil {
		s.Finalize(StatusInternalError)
		return
	}
	s.settle(s.server.content(s))
}

// settle ends the session unless its handler goes on with it.
func (s *Session) settle(rc Result) {
	if rc != Done {
		s.Finalize(rc)
	}
}
