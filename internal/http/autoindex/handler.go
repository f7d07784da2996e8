package autoindex

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
)

type handler struct {
	conf     *Conf
	callback *http.Variable // $arg_callback
}

// entry is one line of a listing.
type entry struct {
	name string
	http.FileInfo
}

// serve lists the directory that the URI names.
func (h *handler) serve(r *http.Request) http.Result {
	if !strings.HasSuffix(r.URI, "/") || r.Method&(h1.GET|h1.HEAD) == 0 {
		return http.Declined
	}
	if result := r.Discard(); result != http.Declined {
		return result
	}
	path := r.Path(r.URI, 0)
	if path == "" {
		return 500
	}
	if len(path) > 1 {
		path = path[:len(path)-1]
	}
	format, callback := h.conf.format.V, ""
	if format == jsonpFormat {
		callback, _ = h.callback.Get(r)
		if !validCallback(r, callback) {
			return 400
		}
		if callback == "" {
			format = jsonFormat
		}
	}
	dir, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return notOpened(r, path, err)
	}
	defer func() { _ = dir.Close() }() // it was only read
	r.Out.Status = 200
	r.Out.ContentType = format.contentType()
	if format == xmlFormat {
		r.Out.Charset = "utf-8"
	}
	if err := r.SendHeader(); err != nil || r.Out.HeadersOnly {
		return http.Done
	}
	entries, ok := list(r, dir, path)
	if !ok {
		return 500 // the head is sent: the connection closes without the end of the body
	}
	_ = r.Write(h.render(r, format, callback, entries)) // on failure the core closes the connection
	return http.Done
}

// validCallback checks the name of a function, which becomes part of a script.
func validCallback(r *http.Request, name string) bool {
	if len(name) > 128 {
		r.Logf(log.Info, "client sent too long callback name: \"%s\"", name)
		return false
	}
	for i := range len(name) {
		c := name[i]
		if c != '_' && c != '.' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			r.Logf(log.Info, "client sent invalid callback name: \"%s\"", name)
			return false
		}
	}
	return true
}

func notOpened(r *http.Request, path string, err error) http.Result {
	level, result := log.Error, http.Result(500)
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG):
		result = 404
	case errors.Is(err, syscall.EACCES):
		result = 403
	default:
		level = log.Crit
	}
	r.LogErr(level, err, "opendir() \"%s\" failed", path)
	return result
}

// list reads dir: directories first, then the rest, each by name. Names that
// start with a dot are left out.
func list(r *http.Request, dir *os.File, path string) (entries []entry, ok bool) {
	names, err := dir.Readdirnames(-1)
	if err != nil {
		r.LogErr(log.Crit, err, "readdir() \"%s\" failed", path)
		return nil, false
	}
	for _, name := range names {
		if name[0] == '.' {
			continue
		}
		info, listed, ok := describe(r, path+"/"+name)
		if !ok {
			return nil, false
		}
		if listed {
			entries = append(entries, entry{name, info})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int {
		if aDir, bDir := a.Kind == http.Directory, b.Kind == http.Directory; aDir != bDir {
			if aDir {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.name, b.name)
	})
	return entries, true
}

// describe looks at what a name leads to, or at the link itself when it leads
// nowhere. What may not be looked at is not listed.
func describe(r *http.Request, path string) (info http.FileInfo, listed, ok bool) {
	info, failure := r.StatFile(path)
	switch failure.Errno {
	case 0:
		return info, true, true
	case syscall.ENOENT, syscall.ELOOP:
	default:
		r.LogErr(log.Crit, failure.Errno, "%s \"%s\" failed", failure.Call, path)
		return info, false, failure.Errno == syscall.EACCES
	}
	link, err := os.Lstat(path)
	if err != nil {
		r.LogErr(log.Crit, err, "lstat() \"%s\" failed", path)
		return info, false, false
	}
	return http.FileInfo{Size: link.Size(), Modified: link.ModTime().Unix()}, true, true
}
