package http

import (
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
)

// SafeURI splits a URI that a page names into path and arguments, and decodes the
// path. It is not ok, and logged, when the path leads upwards.
func (r *Request) SafeURI(target string) (uri, args string, ok bool) {
	path, args, ok := h1.SafePath(r.Scratch(len(target)), target)
	if !ok {
		uri, _ := h1.SplitArgs(target)
		r.Logf(log.Error, `unsafe URI "%s" was detected`, uri)
		return "", "", false
	}
	return View(path), args, true
}
