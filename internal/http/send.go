package http

import (
	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
)

// SendHeader runs the header filters and sends the head. An error means that the
// handler is to return Done.
func (r *Request) SendHeader() error {
	if r.broken {
		return ErrAnswered
	}
	if r.headerSent {
		if r.postAction {
			return nil
		}
		r.Logf(log.Alert, "header already sent")
		return ErrAnswered
	}
	out := &r.Out
	if r.errStatus != 0 {
		out.Status, out.StatusLine = r.errStatus, ""
	}
	if out.Status == 0 {
		out.Status = 200
	}
	if r.Method == h1.HEAD {
		out.HeadersOnly = true
	}
	p := r.loc.pipeline
	inner, outer := p.filters[:p.inner], p.filters[p.inner:]
	if r.sub != nil {
		inner, outer = p.subFilters, nil
		out.HeadersOnly = out.HeadersOnly || r.sub.HeadersOnly
	}
	if !r.filterHead(inner) {
		return ErrAnswered
	}
	i, innermost := 0, len(r.wraps)
	if !r.filterHead(outer) {
		return ErrAnswered
	}
	for i = len(r.wraps) - 1; i >= innermost; i-- {
		r.sink = r.wraps[i](r.sink)
	}
	r.junction = r.sink
	for ; i >= 0; i-- {
		r.sink = r.wraps[i](r.sink)
	}
	r.prepareHead()
	r.headerSent = true
	if err := r.wire.sendHead(r); err != nil {
		r.abort()
		return err
	}
	return nil
}

// filterHead lets filters see the head. It reports false when one of them wants
// another answer.
func (r *Request) filterHead(filters []HeaderFilter) bool {
	for _, filter := range filters {
		rc := filter(r)
		if r.broken { // it has given up
			return false
		}
		if rc != Declined {
			r.replaceAnswer(rc)
			return false
		}
	}
	return true
}

// replaceAnswer forgets what was to be answered; the engine answers with rc.
// The lines stay that filters have added, Content-Range of a 416 among them.
func (r *Request) replaceAnswer(rc Result) {
	lines := r.Out.Headers
	r.Out.reset()
	r.Out.Headers = lines
	clear(r.wraps)
	r.wraps = r.wraps[:0]
	r.errStatus = 0
	r.replaced = rc
	if rc == OK || rc == Done { // a filter has no business to answer itself
		r.replaced = 500
	}
}

// prepareHead makes Out what the rules of HTTP make of it.
func (r *Request) prepareHead() {
	out := &r.Out
	switch out.Status {
	case 200, 206, 304:
	default:
		out.LastModified = h1.NoTime
	}
	switch out.Status {
	case 204:
		out.HeadersOnly = true
		out.LastModified = h1.NoTime
		if out.StatusLine == "" { // an upstream may say what there is nothing of
			out.ContentType, out.ContentLength = "", -1
		}
	case 304:
		out.HeadersOnly = true
	}
	hasBody := r.Method != h1.HEAD && out.Status >= 200 && out.Status != 204 && out.Status != 304 &&
		(r.Method != h1.CONNECT || out.Status >= 300)
	if hasBody && !r.isHTTP2() && (out.ContentLength < 0 || len(out.Trailers) > 0) && r.sub == nil {
		r.chunked = r.Head.Version >= h1.HTTP11 && r.loc.conn.Chunked.V
		switch {
		case r.chunked:
			out.ContentLength = -1
		case out.ContentLength < 0:
			r.keepAlive = false // only the end of the connection ends the body
		}
	}
	if r.conn.worker.draining.Load() && !r.conn.departs() {
		r.keepAlive = false
	}
	r.fields = r.fields[:0]
	if out.Location != "" {
		if absolute := r.absoluteLocation(); absolute != "" {
			out.Location = absolute
		} else {
			r.plainLocation = true
			r.fields = append(r.fields, Field{Name: "Location", Value: out.Location})
		}
	}
	if out.ETag != "" {
		r.fields = append(r.fields, Field{Name: "ETag", Value: out.ETag})
	}
	r.fields = append(r.fields, out.Headers...)
	if out.LastModified != h1.NoTime {
		if _, given := out.Headers.Lookup("Last-Modified"); given {
			out.LastModified = h1.NoTime // the line itself is among the fields
		}
	}
}

// Write sends the next bytes of the body; p is the caller's again on return.
func (r *Request) Write(p []byte) error {
	if r.broken {
		return ErrAnswered
	}
	if r.Out.HeadersOnly || len(p) == 0 {
		return nil
	}
	return r.check(r.sink.Write(p))
}

// WriteString is Write of a string.
func (r *Request) WriteString(s string) error { return r.Write(bytesOf(s)) }

// SendFile sends n bytes of f from off; f stays the caller's to close.
func (r *Request) SendFile(f *fd.Owned, off, n int64) error {
	if r.broken {
		return ErrAnswered
	}
	if r.Out.HeadersOnly || n == 0 {
		return nil
	}
	return r.check(r.sink.SendFile(f, off, n))
}

// Flush sends on what is held back for better packing, for answers that come
// in their own time.
func (r *Request) Flush() error {
	if r.broken {
		return ErrAnswered
	}
	return r.check(r.sink.Flush())
}

// Finish ends the body. The engine calls it for a handler that returned Done
// without it.
func (r *Request) Finish() error {
	if r.broken || r.finished {
		return ErrAnswered
	}
	r.finished = true
	if r.Out.HeadersOnly {
		return nil
	}
	return r.check(r.sink.Finish())
}

func (r *Request) check(err error) error {
	if err != nil {
		r.abort()
	}
	return err
}

// Respond sends a whole answer: the head with status and contentType ("": what is
// set, else by types and default_type), and body. It is what "return 200 text" does.
func (r *Request) Respond(status int, contentType, body string) Result {
	if rc := r.Discard(); rc != Declined {
		return rc
	}
	out := &r.Out
	out.Status = status
	out.ContentLength = int64(len(body))
	if contentType != "" {
		out.ContentType = contentType
	} else {
		r.SetContentType()
	}
	if r.SendHeader() == nil {
		_ = r.WriteString(body) // the engine looks at r.broken
	}
	return Done
}
