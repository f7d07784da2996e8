package dav

import (
	"errors"
	"os"
	"strings"
	"syscall"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
)

// serve is the content handler.
func (c *Conf) serve(r *http.Request) http.Result {
	if r.Method&c.methods.V == 0 {
		return http.Declined
	}
	switch r.Method {
	case h1.PUT:
		return c.put(r)
	case h1.DELETE:
		return c.remove(r)
	case h1.MKCOL:
		return c.makeFolder(r)
	case h1.COPY, h1.MOVE:
		return c.transfer(r)
	}
	return http.Declined
}

func isCollection(uri string) bool { return strings.HasSuffix(uri, "/") }

// refuseBody is for methods that have no use for one.
func refuseBody(r *http.Request, text string) http.Result {
	if r.Head.ContentLength > 0 || r.Head.Chunked {
		r.Logf(log.Error, "%s unsupported", text)
		return 415
	}
	return http.Declined
}

// put makes a file of the request's body.
func (c *Conf) put(r *http.Request) http.Result {
	if isCollection(r.URI) {
		r.Logf(log.Error, "cannot PUT to a collection")
		return 409
	}
	if r.Head.Has(h1.HContentRange) {
		r.Logf(log.Error, "PUT with range is unsupported")
		return 501
	}
	body, rc := r.BufferBodyInFile()
	if rc != http.Declined {
		return rc
	}
	if body.Name() == "" {
		r.Logf(log.Error, "PUT request body must be in a file")
		return 500
	}
	path := r.Path(r.URI, 0)
	if path == "" {
		return 500
	}
	status := 204
	info, err := os.Stat(path)
	switch {
	case err != nil:
		status = 201
	case info.IsDir():
		r.LogErr(log.Error, syscall.EISDIR, `"%s" could not be created`, path)
		return 409
	}
	place := http.Placement{Access: c.access.V, FolderAccess: c.access.V, MakeFolders: c.fullPath.V, Modified: h1.NoTime, Keep: true}
	if date := r.Header(h1.HDate); date != "" {
		place.Modified, _ = h1.ParseDate(date)
	}
	if r.Place(body.Name(), path, place) != nil {
		return 500
	}
	if status == 201 {
		locate(r)
		r.Out.ContentLength = 0
	}
	r.Out.Status, r.Out.HeadersOnly = status, true
	_ = r.SendHeader() // the core knows what it means when that fails
	return http.Done
}

// locate tells the client where something was made.
func locate(r *http.Request) {
	r.Out.Location = r.URI
	if h1.NeedsEscape(r.URI, h1.EscapeURI) {
		r.Out.Location = http.View(h1.AppendEscaped(r.Scratch(3*len(r.URI)), r.URI, h1.EscapeURI))
	}
}

// makeFolder makes a folder.
func (c *Conf) makeFolder(r *http.Request) http.Result {
	if rc := refuseBody(r, "MKCOL with body is"); rc != http.Declined {
		return rc
	}
	if !isCollection(r.URI) {
		r.Logf(log.Error, "MKCOL can create a collection only")
		return 409
	}
	path := r.Path(r.URI, 0)
	if path == "" {
		return 500
	}
	path = strings.TrimSuffix(path, "/")
	if err := syscall.Mkdir(path, http.FolderAccess(c.access.V)); err != nil {
		return failed(r, err, 409, "mkdir()", path)
	}
	locate(r)
	return 201
}

// remove removes a file, or a folder with all that is in it.
func (c *Conf) remove(r *http.Request) http.Result {
	if rc := refuseBody(r, "DELETE with body is"); rc != http.Declined {
		return rc
	}
	if deep := depthOf(r.URI); deep < c.minDepth.V {
		r.Logf(log.Error, "insufficient URI depth:%d to DELETE", strings.Count(r.URI, "/"))
		return 409
	}
	path := r.Path(r.URI, 0)
	if path == "" {
		return 500
	}
	info, err := os.Lstat(path)
	if err != nil {
		status := http.Result(404)
		if errors.Is(err, syscall.ENOTDIR) {
			status = 409
		}
		return failed(r, err, status, "lstat()", path)
	}
	if !info.IsDir() {
		if depth := depthHeader(r, depth0); depth != depth0 && depth != depthInfinity {
			r.Logf(log.Error, `"Depth" header must be 0 or infinity`)
			return 400
		}
		return orNoContent(removePath(r, path, false))
	}
	if !isCollection(r.URI) {
		r.LogErr(log.Error, syscall.EISDIR, `DELETE "%s" failed`, path)
		return 409
	}
	if depthHeader(r, depthInfinity) != depthInfinity {
		r.Logf(log.Error, `"Depth" header must be infinity`)
		return 400
	}
	return orNoContent(removePath(r, strings.TrimSuffix(path, "/"), true))
}

// depthOf counts the parts of a path: 2 for "/a/b" and for "/a/b/".
func depthOf(uri string) int { return strings.Count(strings.TrimSuffix(uri, "/"), "/") }

func orNoContent(rc http.Result) http.Result {
	if rc == http.Declined {
		return 204
	}
	return rc
}

// A depth is what the Depth header says.
type depth uint8

const (
	depthInvalid depth = iota
	depth0
	depth1
	depthInfinity
)

// depthHeader is the request's Depth, or absent if it has none.
func depthHeader(r *http.Request, absent depth) depth {
	if !r.Head.Has(h1.HDepth) {
		return absent
	}
	text := r.Header(h1.HDepth)
	switch text {
	case "0":
		return depth0
	case "1":
		return depth1
	case "infinity":
		return depthInfinity
	}
	r.Logf(log.Error, `client sent invalid "Depth" header: "%s"`, text)
	return depthInvalid
}

// failed logs a call that has failed, and gives the answer to it: missing, where
// something on the way is not there.
func failed(r *http.Request, err error, missing http.Result, call, path string) http.Result {
	level, result := log.Crit, http.Result(500)
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG):
		level, result = log.Error, missing
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		level, result = log.Error, 403
	case errors.Is(err, syscall.EEXIST):
		level, result = log.Error, 405
	case errors.Is(err, syscall.ENOSPC):
		result = 507
	}
	r.LogErr(level, err, `%s "%s" failed`, call, path)
	return result
}
