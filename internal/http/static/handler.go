package static

import (
	"strings"
	"syscall"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
)

// Conf is empty: static has no directives.
type Conf struct{}

// Feature joins the server by its line in internal/modules, behind the other
// content handlers.
var Feature = http.Feature[Conf]{
	Name:    "static",
	Doc:     "answers with files",
	Install: (*Conf).install,
}

func (*Conf) install(b *http.Builder) error {
	b.Phase(http.Content, serve)
	return nil
}

// serve answers with the file that the URI leads to.
func serve(r *http.Request) http.Result {
	if r.Method&(h1.GET|h1.HEAD|h1.POST) == 0 {
		return 405
	}
	if strings.HasSuffix(r.URI, "/") {
		return http.Declined
	}
	path := r.Path(r.URI, 0)
	if path == "" {
		return 500
	}
	f, failure := r.OpenCached(path)
	if failure.Errno != 0 {
		return notOpened(r, path, failure)
	}
	switch f.Kind {
	case http.Directory:
		return addSlash(r)
	case http.OtherFile:
		_ = f.Close()
		r.Logf(log.Crit, "\"%s\" is not a regular file", path)
		return 404
	}
	result := send(r, f)
	_ = f.Close()
	return result
}

// send answers with f, which stays the caller's to close.
func send(r *http.Request, f *http.File) http.Result {
	if r.Method == h1.POST {
		return 405
	}
	if result := r.Discard(); result != http.Declined {
		return result
	}
	r.Out.Status = 200
	r.Out.ContentLength = f.Size
	r.Out.LastModified = f.Modified
	if r.ETagEnabled() {
		r.Out.ETag = http.View(h1.AppendETag(r.Scratch(len(`""`)+16+1+16), f.Modified, f.Size))
	}
	r.SetContentType()
	r.Out.AllowRanges = true
	r.Doing(" while sending response to client")
	if err := r.SendHeader(); err != nil || r.Out.HeadersOnly || f.Size == 0 {
		return http.Done
	}
	_ = r.SendFile(&f.Owned, 0, f.Size) // on failure the core closes the connection
	return http.Done
}

// notOpened logs why path could not be opened and gives the answer to it.
func notOpened(r *http.Request, path string, failure http.FileError) http.Result {
	level, result := log.Error, http.Result(500)
	switch failure.Errno {
	case syscall.ENOENT, syscall.ENOTDIR, syscall.ENAMETOOLONG:
		result = 404
	case syscall.EACCES, syscall.EMLINK, syscall.ELOOP:
		result = 403
	default:
		level = log.Crit
	}
	if result != 404 || r.LogNotFound() {
		r.LogErr(level, failure.Errno, "%s \"%s\" failed", failure.Call, path)
	}
	return result
}

// addSlash sends the client from a directory's name to the directory, where
// relative references lead to what is in it.
func addSlash(r *http.Request) http.Result {
	location := h1.AppendEscaped(r.Scratch(3*len(r.URI)+2+len(r.Args)), r.URI, h1.EscapeURI)
	location = append(location, '/')
	if r.Args != "" {
		location = append(append(location, '?'), r.Args...)
	}
	return r.Redirect(301, http.View(location))
}
