package http

import (
	"github.com/baton-project/baton/internal/log"
)

// maxRedirects bounds rewrites and internal redirects of one request together,
// as nginx's NGX_HTTP_MAX_URI_CHANGES.
const maxRedirects = 10

// run answers r: from its first phase when rc is Declined, else with the status
// rc that reading the request has come to. It returns when everything is handed
// to the connection.
func (r *Request) run(rc Result) {
	if rc == Declined {
		rc = r.phasesFrom(PostRead)
	}
	for {
		switch {
		case rc == restart:
			rc = r.phasesFrom(r.resume)
		case rc == Done && r.replaced != Declined: // a header filter wants another answer
			rc, r.replaced = r.replaced, Declined
		case rc == Held:
			return
		case rc == OK || rc == Done:
			r.conclude()
			return
		case rc == StatusNoResponse || rc == StatusClientClosed || rc == 408:
			if !r.headerSent || r.sent == 0 {
				r.errStatus = int(rc)
			}
			r.abort()
			return
		case r.headerSent: // too late for another answer
			r.abort()
			return
		default:
			if r.Debugging() {
				r.Logf(log.Debug, `http special response: %d, "%s?%s"`, rc, r.URI, r.Args)
			}
			rc = r.special(int(rc))
		}
	}
}

// conclude ends a response for which a handler has said Done.
func (r *Request) conclude() {
	if r.broken {
		return
	}
	if !r.headerSent {
		r.Logf(log.Alert, "header was not sent")
		r.abort()
		return
	}
	if !r.finished {
		_ = r.Finish() // the connection remembers its error
	}
}

// abort gives the connection up: there is no way to tell the client more.
func (r *Request) abort() {
	r.broken = true
	r.keepAlive = false
}

// phasesFrom runs the phases from p on until one of them ends the request. For
// restarts at Rewrite the location is already chosen.
func (r *Request) phasesFrom(p Phase) Result {
	if p == PostRead {
		if rc := r.phase(r.server.whole.pipeline, PostRead); rc != Declined {
			return rc
		}
		p = ServerRewrite
	}
	if p == ServerRewrite {
		r.inRewrite = true
		rc := r.phase(r.server.whole.pipeline, ServerRewrite)
		r.inRewrite = false
		if rc != Declined {
			return rc
		}
		if rc := r.chooseLocation(); rc != Declined {
			return rc
		}
	}
	if rc := r.rewrite(); rc != Declined {
		return rc
	}
	if rc := r.phase(r.loc.pipeline, Preaccess); rc != Declined {
		return rc
	}
	if rc := r.access(); rc != Declined {
		return rc
	}
	if rc := r.phase(r.loc.pipeline, Precontent); rc != Declined {
		return rc
	}
	return r.content()
}

// phase runs the handlers of one phase until one is satisfied or ends the
// request.
func (r *Request) phase(l *pipeline, p Phase) Result {
	for i, handle := range l.phases[p] {
		rc := handle(r)
		if r.Debugging() {
			r.debugPhase(p, i, rc)
		}
		switch rc {
		case Declined:
		case OK:
			return Declined
		default:
			return rc
		}
	}
	return Declined
}

// rewrite runs the location's rewrite phase, and chooses the location anew for
// as long as the path changes.
func (r *Request) rewrite() Result {
	for {
		r.inRewrite = true
		rc := r.phase(r.loc.pipeline, Rewrite)
		r.inRewrite = false
		if rc != Declined || !r.uriChanged {
			return rc
		}
		if !r.mayRedirect() {
			r.Logf(log.Error, `rewrite or internal redirection cycle while processing "%s"`, r.URI)
			return 500
		}
		r.loc = r.server.whole
		if rc := r.chooseLocation(); rc != Declined {
			return rc
		}
	}
}

// mayRedirect counts one more change of the path.
func (r *Request) mayRedirect() bool {
	r.redirectsLeft--
	return r.redirectsLeft > 0
}

// chooseLocation finds the location of URI, below the server.
func (r *Request) chooseLocation() Result {
	r.uriChanged = false
	l, autoRedirect := r.server.whole.find(r)
	if l.paths.Internal && !r.internal {
		r.loc = l
		return 404
	}
	r.enter(l)
	if r.Debugging() {
		r.debugLocation(l)
	}
	if rc := r.RefuseLarge(); rc != Declined {
		return rc
	}
	if autoRedirect {
		r.Out.Location = l.escapedName
		if r.Args != "" {
			r.Out.Location = r.joined(l.escapedName, "?", r.Args)
		}
		return 301
	}
	return Declined
}

// RefuseLarge is 413 for a request whose head announces a body larger than
// client_max_body_size.
func (r *Request) RefuseLarge() Result {
	limit := r.loc.bodies.MaxSize.V
	n := r.Head.ContentLength
	if limit == 0 || n <= limit || r.bodyDiscarded {
		return Declined
	}
	r.Logf(log.Error, "client intended to send too large body: %d bytes", n)
	r.expectTested = true
	r.discardAvailable()
	return 413
}

// enter makes l, or the block of its limit_except, the request's location, and
// applies what it says about the connection.
func (r *Request) enter(l *Location) {
	l = l.obeyed(r)
	r.loc, r.stray = l, nil
	if r.keepAlive {
		r.keepAlive = l.conn.keeps(r)
	}
}

// content lets the content handlers make the answer.
func (r *Request) content() Result {
	l := r.loc.pipeline
	if l.content != nil {
		return l.content(r)
	}
	if r.stray != nil {
		return r.stray(r)
	}
	for i, handle := range l.phases[Content] {
		if r.Debugging() {
			r.Logf(log.Debug, "content phase: %d", i) // before what the handler says
		}
		if rc := handle(r); rc != Declined {
			return rc
		}
	}
	if n := len(r.URI); n > 0 && r.URI[n-1] == '/' {
		if path := r.Path(r.URI, 0); path != "" {
			r.Logf(log.Error, `directory index of "%s" is forbidden`, path)
		}
		return 403
	}
	r.Logf(log.Error, "no handler found")
	return 404
}

// SetURI changes the path. In the rewrite phases the request counts as internal
// from then on, and the location is chosen anew at the end of the phase unless
// [Request.KeepLocation] is called; in later phases the request stays where it is.
func (r *Request) SetURI(uri string) {
	r.URI = uri
	r.Exten = extension(uri)
	if r.inRewrite {
		r.internal, r.madeURI = true, true
		r.uriChanged = true
	}
}

// KeepLocation undoes the search for a location that SetURI has asked for
// ("rewrite ... break"): the path no longer belongs to the location's name.
func (r *Request) KeepLocation() {
	if r.uriChanged {
		r.uriChanged = false
		r.foreignURI = true
	}
}

// InternalRedirect starts over with another URI, from the server's rewrite
// phase on. The handler returns what it returns.
func (r *Request) InternalRedirect(uri, args string) Result {
	if !r.mayRedirect() {
		r.Logf(log.Error, `rewrite or internal redirection cycle while internally redirecting to "%s"`, uri)
		return 500
	}
	if r.Debugging() {
		r.Logf(log.Debug, `internal redirect: "%s?%s"`, uri, args)
	}
	r.URI, r.Args, r.Exten = uri, args, extension(uri)
	r.internal, r.madeURI = true, true
	r.foreignURI, r.behindAlias = false, false
	r.gzip = gzipState{}
	r.resume = ServerRewrite
	r.enter(r.server.whole)
	return restart
}

// NamedLocation goes on in the location "@name" of this server, from its rewrite
// phase on; name has the "@". The handler returns what it returns.
func (r *Request) NamedLocation(name string) Result {
	if !r.mayRedirect() {
		r.Logf(log.Error, `rewrite or internal redirection cycle while redirect to named location "%s"`, name)
		return 500
	}
	if r.URI == "" {
		r.Logf(log.Error, `empty URI in redirect to named location "%s"`, name)
		return 500
	}
	l := r.server.named[name]
	if l == nil {
		r.Logf(log.Error, `could not find named location "%s"`, name)
		return 500
	}
	if r.Debugging() {
		r.Logf(log.Debug, `using location: %s "%s?%s"`, name, r.URI, r.Args)
	}
	r.internal = true
	r.uriChanged = false
	r.resume = Rewrite
	r.enter(l)
	return restart
}

// EnterLocation makes a nameless location, see [Builder.Nested], the request's:
// what follows obeys its configuration.
func (r *Request) EnterLocation(l *Location) {
	handler := r.loc.pipeline.content
	if handler == nil {
		handler = r.stray
	}
	r.enter(l)
	if r.loc.pipeline.content == nil {
		r.stray = handler
	}
}

// IsStray reports whether the content handler that runs is not the location's own: it
// is that of a block "if" which came before the one that counts, and what it was
// configured with counts no more.
func (r *Request) IsStray() bool { return r.loc.pipeline.content == nil }

// extension is what follows the last dot of the last segment of uri, as nginx
// counts it: a segment that starts with its only dot has none.
func extension(uri string) string {
	for i := len(uri) - 1; i > 0; i-- {
		if uri[i] == '.' && uri[i-1] != '/' {
			return uri[i+1:]
		}
		if uri[i] == '/' {
			return ""
		}
	}
	return ""
}
