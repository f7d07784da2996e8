package http

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/variable"
	"github.com/baton-project/baton/internal/wire/h1"
)

// A Subrequest says how a request that the server makes of itself is to run.
//
// It has the parent's head, client and variables, and its own path, arguments,
// answer and filters. It is internal, begins with the server's rewrite phase and
// knows no access phase: the parent has passed that.
type Subrequest struct {
	URI  string // decoded and normalized path
	Args string // without "?"

	// HeadersOnly: no body is wanted, only the status and the lines of the head.
	HeadersOnly bool
	// InMemory: the body is kept, see [Request.Captured], and not sent; at most
	// subrequest_output_buffer_size. Otherwise it becomes the next part of the
	// body of the client's answer, whose head must have been sent.
	InMemory bool
	// WithoutBody: the body of the parent that [Request.BufferBody] has read is
	// not shown.
	WithoutBody bool
	// SameMethod: the parent's method instead of GET.
	SameMethod bool
	// Clone: the parent's method, and its location and content handler; no phase
	// before is run.
	Clone bool
	// Context is what a feature keeps with the subrequest, a pointer; see Context.
	Context any
	// GiveBack: what the subrequest holds is given back when it has ended, not with
	// the client's request: for one of many.
	GiveBack bool
	// Ended, if set, sees what the handlers came to before an error page is made
	// of it, and says what is taken for it.
	Ended func(sub *Request, rc Result) Result
}

// maxSubrequests is how deep subrequests may be nested.
const maxSubrequests = 51

// subState is what a subrequest has more than a client's request.
type subState struct {
	Subrequest
	main       *Request // the client's request; not for a subrequest in background
	depth      int      // 1 below the client's request
	background bool
	captured   []byte
	output     bool   // some of a body was answered
	terminated bool   // the connection is to be given up
	doing      string // of a subrequest in the background, see [Request.Doing]
}

// Main is the client's request that r was made for: r itself unless it is a
// subrequest. A subrequest in the background stands for itself, as the client's
// request runs beside it.
func (r *Request) Main() *Request {
	if r.sub == nil || r.sub.background {
		return r
	}
	return r.sub.main
}

// inBackground reports whether the client's connection is not r's to use.
func (r *Request) inBackground() bool { return r.sub != nil && r.sub.background }

// IsSubrequest reports whether the server made the request of itself.
func (r *Request) IsSubrequest() bool { return r.sub != nil }

// Captured is the body of an answer that was kept in memory; nil when there was
// none.
func (r *Request) Captured() []byte {
	if r.sub == nil {
		return nil
	}
	return r.sub.captured
}

// HasOutput reports whether a subrequest has answered with some of a body.
func (r *Request) HasOutput() bool { return r.sub != nil && r.sub.output }

// Broken reports whether the connection is lost or the answer was cut off.
func (r *Request) Broken() bool { return r.broken }

// detach has values of variables that r has found, and that are not as in before, stay
// when what r holds is given back.
func (r *Request) detach(before []cachedValue) {
	for slot := range r.vars.Values {
		if v := &r.vars.Values[slot]; *v != before[slot] && v.Known() {
			v.Detach()
		}
	}
}

// GiveUp closes the connection without another word, when an answer can neither
// be made nor refused. The handler returns what it returns.
func (r *Request) GiveUp() Result {
	if r.sub != nil {
		r.sub.terminated = true
	}
	r.abort()
	return Done
}

// Subrequest runs a subrequest to its end. What it returns is good until r ends;
// it is ok unless the subrequest could not be made, which is logged, or has taken
// the client's connection with it: then there is nothing left to do for r.
func (r *Request) Subrequest(o Subrequest) (sub *Request, ok bool) {
	sub = r.newSub(o, false)
	if sub == nil {
		return nil, false
	}
	var before []cachedValue
	if o.GiveBack {
		before = append(before, r.vars.Values...)
	}
	sub.runSub()
	sub.sent = sub.sub.main.sent
	sub.logSub()
	main := sub.sub.main
	switch {
	case o.GiveBack:
		sub.detach(before)
		sub.end()
	case len(sub.endings) > 0:
		main.OnEnd(sub.end) // values of variables may be views of what they give back
	}
	if sub.sub.terminated {
		if main.Out.Status == 0 || main.sent == 0 {
			main.errStatus = sub.errStatus
		}
		main.abort()
	}
	return sub, !main.broken
}

// newSub makes a subrequest; nil when they are nested too deeply.
func (r *Request) newSub(o Subrequest, background bool) *Request {
	depth := 1
	if r.sub != nil {
		depth = r.sub.depth + 1
		if r.sub.InMemory {
			r.Logf(log.Error, `nested in-memory subrequest "%s"`, o.URI)
			return nil
		}
	}
	if depth > maxSubrequests {
		r.Logf(log.Error, `subrequests cycle while processing "%s"`, o.URI)
		return nil
	}
	if r.Debugging() {
		r.Logf(log.Debug, `http subrequest "%s?%s"`, o.URI, o.Args)
	}
	sub := &Request{
		Head: r.Head, head: r.head, Method: h1.GET, Host: r.Host,
		URI: o.URI, Args: o.Args, Exten: extension(o.URI),
		conn: r.conn, client: r.client, peerSet: r.peerSet,
		server: r.server, loc: r.server.whole,
		vars: variable.State{Values: r.vars.Values}, buffered: r.buffered, bodyDiscarded: r.bodyDiscarded,
		redirectsLeft: maxRedirects + 1, internal: true, madeURI: true, expectTested: true,
		started: r.Time(),
		sub:     &subState{Subrequest: o, main: r.Main(), depth: depth, background: background},
	}
	sub.body.done = true
	sub.Out.reset()
	if !sub.inBackground() {
		r.conn.doing = ""
	}
	if o.WithoutBody || sub.buffered == nil {
		sub.buffered = new(Body)
	}
	if background {
		sub.vars.Values = append([]cachedValue(nil), r.vars.Values...) // of this moment
	}
	if o.SameMethod || o.Clone {
		sub.Method = r.Method
	}
	if o.Clone {
		sub.loc, sub.madeURI, sub.foreignURI = r.loc, r.madeURI, r.foreignURI
		sub.vars.Captured, sub.vars.CaptureAt = r.vars.Captured, append([]int(nil), r.vars.CaptureAt...)
	}
	if o.Context != nil {
		sub.contexts = []any{o.Context}
	}
	wire := subWire{sub}
	sub.wire, sub.sink = wire, wire
	return sub
}

// runSub is run for a subrequest.
func (r *Request) runSub() {
	rc := Declined
	if r.sub.Clone {
		rc = r.content()
	} else {
		rc = r.phasesFrom(ServerRewrite)
	}
	for {
		switch {
		case rc == restart:
			rc = r.phasesFrom(r.resume)
			continue
		case rc == Done && r.replaced != Declined:
			rc, r.replaced = r.replaced, Declined
		}
		if r.sub.Ended != nil {
			rc = r.sub.Ended(r, rc)
		}
		switch {
		case rc == OK || rc == Done:
			r.conclude()
			return
		case rc == StatusNoResponse || rc == StatusClientClosed || rc == 408:
			r.errStatus = int(rc)
			r.sub.terminated = true
			r.abort()
			return
		case r.headerSent:
			r.abort()
			return
		}
		rc = r.special(int(rc))
	}
}

// logSub runs the log phase of a subrequest where log_subrequest is on.
func (r *Request) logSub() {
	if !conf.Get[errorLogConf](r.loc.level).Subrequest.V {
		return
	}
	for _, write := range r.loc.pipeline.phases[Log] {
		write(r)
	}
}

// appendSubrequest names the subrequest in a line of the error log.
func (r *Request) appendSubrequest(line []byte) []byte {
	return append(append(append(line, `, subrequest: "`...), r.URI...), '"')
}
