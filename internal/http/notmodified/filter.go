package notmodified

import (
	"github.com/baton-project/baton/internal/http"
)

// Conf is empty: notmodified has no directives.
type Conf struct{}

// Feature joins the server by its line in internal/modules, before every other
// header filter.
var Feature = http.Feature[Conf]{
	Name:    "not_modified",
	Doc:     "answers conditional requests",
	Install: (*Conf).install,
}

func (*Conf) install(b *http.Builder) error {
	b.ClientFilter(check)
	return nil
}

// check compares a 200 with the conditions of the request.
func check(r *http.Request) http.Result {
	if r.Out.Status != 200 || r.Out.Unconditional {
		return http.Declined
	}
	conditions, any := r.Head.Conditions(r.HeadBytes())
	if !any {
		return http.Declined
	}
	switch conditions.Check(r.Out.ETag, r.Out.LastModified, r.IfModifiedSince()) {
	case 304:
		r.Out.Status, r.Out.StatusLine = 304, ""
		r.Out.ContentType = ""
		r.Out.ContentLength = -1
		r.Out.AllowRanges = false
		r.Out.HeadersOnly = true
		r.Out.Headers.Del("Content-Encoding")
	case 412:
		r.Out.Headers = r.Out.Headers[:0]
		return 412
	}
	return http.Declined
}
