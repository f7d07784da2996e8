package index

import (
	"strings"
	"syscall"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
)

type handler struct {
	files []*http.Value
}

// serve looks for the index files of the directory that the URI names, and goes
// on with the first one there is.
func (h *handler) serve(r *http.Request) http.Result {
	if !strings.HasSuffix(r.URI, "/") || r.Method&(h1.GET|h1.HEAD|h1.POST) == 0 {
		return http.Declined
	}
	dir := "" // file name of the directory, as root and URI give it
	dirTested := false
	for _, value := range h.files {
		name := value.Eval(r)
		if strings.HasPrefix(name, "/") {
			return r.InternalRedirect(name, r.Args)
		}
		if dir == "" {
			if dir = r.Path(r.URI, 0); dir == "" {
				return 500
			}
		}
		path := join(r, dir, name)
		_, failure := r.StatCached(path)
		switch failure.Errno {
		case 0:
			return r.InternalRedirect(join(r, r.URI, name), r.Args)
		case syscall.EMLINK, syscall.ELOOP:
			return 403
		case syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.EACCES:
			return missing(r, path, failure.Errno)
		}
		if !dirTested {
			if result := testDirectory(r, dir, path); result != http.OK {
				return result
			}
			dirTested = true
		}
		if failure.Errno != syscall.ENOENT {
			r.LogErr(log.Crit, failure.Errno, "%s \"%s\" failed", failure.Call, path)
			return 500
		}
	}
	return http.Declined
}

// testDirectory tells a directory without the index file path from one that is
// not there at all. OK means that it is there. It is asked after the file, as
// requests that find something should cost least.
func testDirectory(r *http.Request, dir, path string) http.Result {
	dir = strings.TrimSuffix(dir, "/")
	if dir == "" {
		dir = "/"
	}
	info, failure := r.StatCached(dir)
	switch failure.Errno {
	case 0:
		if info.Kind == http.Directory {
			return http.OK
		}
		r.Logf(log.Alert, "\"%s\" is not a directory", dir)
		return 500
	case syscall.EMLINK, syscall.ELOOP:
		return 403
	case syscall.ENOENT:
		return missing(r, path, failure.Errno)
	case syscall.EACCES:
		return http.OK // searching it is allowed, or else the file had said so
	}
	r.LogErr(log.Crit, failure.Errno, "%s \"%s\" failed", failure.Call, dir)
	return 500
}

// missing logs that the index file at path cannot be there, and answers.
func missing(r *http.Request, path string, errno syscall.Errno) http.Result {
	if errno == syscall.EACCES {
		r.LogErr(log.Error, errno, "\"%s\" is forbidden", path)
		return 403
	}
	if r.LogNotFound() {
		r.LogErr(log.Error, errno, "\"%s\" is not found", path)
	}
	return 404
}

// join is a followed by b.
func join(r *http.Request, a, b string) string {
	return http.View(append(append(r.Scratch(len(a)+len(b)), a...), b...))
}
