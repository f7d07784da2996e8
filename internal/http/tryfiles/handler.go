package tryfiles

import (
	"strings"
	"syscall"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
)

// handler is one try_files directive, compiled.
type handler struct {
	tries []try       // the last one is the fallback
	code  http.Result // answers instead of the fallback unless -1
}

type try struct {
	value   *http.Value
	dir     bool
	literal bool
}

// serve makes the first file that is there the request's URI, or falls back.
func (h *handler) serve(r *http.Request) http.Result {
	root, replaced, ok := r.Root()
	if !ok {
		return 500
	}
	last := len(h.tries) - 1
	for i := range h.tries[:last] {
		t := &h.tries[i]
		name := t.name(r, replaced)
		path := join(r, root, name)
		info, failure := r.StatCached(path)
		switch failure.Errno {
		case 0:
			if (info.Kind == http.Directory) == t.dir {
				r.SetFound(name, t.dir)
				return http.Declined
			}
		case syscall.ENOENT, syscall.ENOTDIR, syscall.ENAMETOOLONG:
		default:
			r.LogErr(log.Crit, failure.Errno, "%s \"%s\" failed", failure.Call, path)
		}
	}
	if h.code >= 0 {
		return h.code
	}
	return fallBack(r, h.tries[last].name(r, replaced))
}

// name is the file to look for below the root. Below an alias, what the alias
// replaces is taken off a name that a variable such as $uri has brought along.
func (t *try) name(r *http.Request, replaced int) string {
	name := t.value.Eval(r)
	if replaced == 0 || t.literal {
		return name
	}
	return strings.TrimPrefix(name, r.URI[:replaced])
}

// fallBack goes on with a named location or another URI.
func fallBack(r *http.Request, name string) http.Result {
	if strings.HasPrefix(name, "@") {
		return r.NamedLocation(name)
	}
	uri, args := h1.SplitArgs(name)
	return r.InternalRedirect(uri, args)
}

// join is a followed by b; without a it is b itself.
func join(r *http.Request, a, b string) string {
	if a == "" {
		return b
	}
	return http.View(append(append(r.Scratch(len(a)+len(b)), a...), b...))
}
