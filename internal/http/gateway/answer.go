package gateway

import (
	"strings"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
)

// respond passes the answer on to the client.
func (x *Exchange) respond() http.Result {
	r, a := x.Request, &x.Answer
	x.obeyCacheControl()
	if to, ok := a.Get(h1.AnswerXAccelRedirect); ok && x.Pass.Settings.IgnoreHeaders.V&IgnoreAccelRedirect == 0 {
		return x.redirect(to)
	}
	out := &r.Out
	if charset, ok := a.Get(h1.AnswerXAccelCharset); ok && x.Pass.Settings.IgnoreHeaders.V&IgnoreAccelCharset == 0 {
		out.OverrideCharset = charset
	}
	for i := range a.Lines {
		if line := &a.Lines[i]; line.Name != "" && !x.Pass.Settings.hidden.has(line.Name) {
			x.copyLine(line)
		}
	}
	if a.Whole {
		out.WithoutServer = !x.Pass.Settings.hidden.has("Server")
		out.WithoutDate = !x.Pass.Settings.hidden.has("Date")
	}
	out.Status, out.StatusLine = a.Status, a.StatusLine
	out.ContentLength = a.ContentLength
	out.Unconditional = !x.Cacheable()
	if x.Pass.Settings.ForceRanges.V {
		out.AllowRanges, out.SingleRange = true, !x.fromFile()
	}
	if a.Upgrade && !x.fromFile() {
		x.freeKept()
		return x.upgrade()
	}
	if x.Pass.Settings.PassTrailers.V && r.Head.Version >= h1.HTTP20 && a.ContentLength != 0 && !x.fromFile() {
		out.Trailers.Add("", "") // holds the place: the last byte of the body may not be the end
	}
	if r.SendHeader() != nil {
		return http.Done
	}
	if x.fromFile() {
		return x.sendKeptBody()
	}
	if a.Status == 0 {
		out.Status = 0 // which is what the log is to say
	}
	x.beginKeeping()
	hasBody := x.codec.StartBody(x)
	if x.Cacheable() {
		return x.passTo(&x.kept.fill, hasBody)
	}
	if x.beginStore(hasBody) {
		return x.passTo(&x.store.fill, hasBody)
	}
	surplus := !hasBody && x.start < len(x.head) && (!out.HeadersOnly || a.Status == 204 || a.Status == 304)
	if surplus || hasBody && !out.HeadersOnly {
		return x.passBody()
	}
	return http.Done
}

// copyLine makes a line of the answer one of the client's.
func (x *Exchange) copyLine(line *Line) {
	out := &x.Request.Out
	switch line.ID {
	case h1.AnswerContentLength, h1.AnswerTransferEncoding, h1.AnswerConnection, h1.AnswerKeepAlive:
		return
	case h1.AnswerContentType:
		out.SetContentTypeLine(line.Value)
		return
	case h1.AnswerETag:
		out.ETag = line.Value
		return
	case h1.AnswerLastModified:
		out.LastModified = x.Answer.LastModified
	case h1.AnswerAcceptRanges:
		switch {
		case x.Pass.Settings.ForceRanges.V:
			return
		case x.fromFile(), x.Cacheable():
			out.AllowRanges, out.SingleRange = true, !x.fromFile()
			return
		}
	case h1.AnswerLocation:
		if x.Pass.Rewrite != nil && x.Pass.Rewrite(x, line) {
			out.Location = line.Value
			return
		}
	case h1.AnswerRefresh, h1.AnswerSetCookie:
		if x.Pass.Rewrite != nil {
			x.Pass.Rewrite(x, line)
		}
	}
	out.Headers.Add(line.Name, line.Value)
}

// copyAuthenticate keeps the challenges of a 401 whose page is another one.
func (x *Exchange) copyAuthenticate() {
	for i := range x.Answer.Lines {
		if line := &x.Answer.Lines[i]; line.ID == h1.AnswerWWWAuthenticate {
			x.Request.Out.Headers.Add(line.Name, line.Value)
		}
	}
}

// redirect goes on where X-Accel-Redirect says.
func (x *Exchange) redirect(to string) http.Result {
	r := x.Request
	named := strings.HasPrefix(to, "@")
	path, args, safe := h1.SafePath(r.Scratch(len(to)), to)
	if !named && !safe {
		r.Logf(log.Error, `unsafe URI "%s" was detected`, to)
	}
	x.finalize()
	for i := range x.Answer.Lines {
		line := &x.Answer.Lines[i]
		switch line.ID {
		case h1.AnswerContentType, h1.AnswerSetCookie, h1.AnswerContentDisposition, h1.AnswerCacheControl, h1.AnswerExpires, h1.AnswerAcceptRanges:
			if line.Name != "" {
				x.copyLine(line)
			}
		}
	}
	switch {
	case named:
		return r.NamedLocation(to)
	case !safe:
		return 404
	}
	if r.Method != h1.HEAD {
		r.Method = h1.GET
	}
	return r.InternalRedirect(http.View(path), args)
}
