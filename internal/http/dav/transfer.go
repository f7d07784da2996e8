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

// transfer copies or moves what the URI names to what Destination names.
func (c *Conf) transfer(r *http.Request) http.Result {
	if rc := refuseBody(r, "COPY and MOVE with body are"); rc != http.Declined {
		return rc
	}
	uri, rc := destination(r)
	if rc != http.Declined {
		return rc
	}
	if rc := checkDepth(r); rc != http.Declined {
		return rc
	}
	overwrite, rc := mayOverwrite(r)
	if rc != http.Declined {
		return rc
	}
	from, to := r.Path(r.URI, 0), r.Path(uri, 0)
	if from == "" || to == "" {
		return 500
	}
	from, to = mergeSlashes(from), mergeSlashes(to)
	folder := isCollection(to)
	from, to = strings.TrimSuffix(from, "/"), strings.TrimSuffix(to, "/")
	if rc := checkPaths(r, from, to, folder); rc != http.Declined {
		return rc
	}
	exists, rc := checkTarget(r, to, folder, overwrite)
	if rc != http.Declined {
		return rc
	}
	info, err := os.Lstat(from)
	switch {
	case err != nil:
		return failed(r, err, 404, "lstat()", from)
	case !info.IsDir() && isCollection(r.URI):
		return failed(r, syscall.ENOTDIR, 404, "lstat()", from+"/")
	case !info.IsDir():
		return c.transferFile(r, from, to, info)
	case !isCollection(r.URI):
		r.Logf(log.Error, `"%s" is collection`, r.URI)
		return 400
	}
	if exists != nil {
		if rc := removePath(r, to, exists.IsDir()); rc != http.Declined {
			return rc
		}
	}
	return transferFolder(r, from, to, info)
}

// destination is the path that the Destination header names.
func destination(r *http.Request) (uri string, rc http.Result) {
	header := r.Header(h1.HDestination)
	if !r.Head.Has(h1.HDestination) {
		r.Logf(log.Error, `client sent no "Destination" header`)
		return "", 400
	}
	path := header
	if !strings.HasPrefix(header, "/") {
		schema := "http://"
		if r.TLS() != nil {
			schema = "https://"
		}
		rest, ok := strings.CutPrefix(header, schema)
		switch {
		case r.Host == "":
			r.Logf(log.Error, `client sent no "Host" header`)
			return "", 400
		case !ok:
			return "", invalidDestination(r, header)
		case !strings.HasPrefix(rest, r.Host):
			r.Logf(log.Error, `"Destination" URI "%s" is handled by different repository than the source URI`, header)
			return "", 400
		}
		slash := strings.IndexByte(rest[len(r.Host):], '/')
		if slash < 0 {
			return "", invalidDestination(r, header)
		}
		path = rest[len(r.Host)+slash:]
	}
	uri, _, ok := r.SafeURI(path)
	if !ok || uri == "" {
		return "", invalidDestination(r, header)
	}
	if isCollection(r.URI) != isCollection(path) {
		r.Logf(log.Error, `both URI "%s" and "Destination" URI "%s" should be either collections or non-collections`, r.URI, header)
		return "", 409
	}
	if _, replaced, ok := r.Root(); !ok || len(uri) < replaced {
		return "", invalidDestination(r, header)
	}
	return uri, http.Declined
}

func invalidDestination(r *http.Request, header string) http.Result {
	r.Logf(log.Error, `client sent invalid "Destination" header: "%s"`, header)
	return 400
}

func checkDepth(r *http.Request) http.Result {
	switch d := depthHeader(r, depthInfinity); {
	case d == depthInfinity, r.Method == h1.COPY && d == depth0:
		return http.Declined
	case r.Method == h1.COPY:
		r.Logf(log.Error, `"Depth" header must be 0 or infinity`)
	default:
		r.Logf(log.Error, `"Depth" header must be infinity`)
	}
	return 400
}

// mayOverwrite is what the Overwrite header says.
func mayOverwrite(r *http.Request) (may bool, rc http.Result) {
	if !r.Head.Has(h1.HOverwrite) {
		return true, http.Declined
	}
	switch text := r.Header(h1.HOverwrite); text {
	case "T", "t":
		return true, http.Declined
	case "F", "f":
		return false, http.Declined
	default:
		r.Logf(log.Error, `client sent invalid "Overwrite" header: "%s"`, text)
		return false, 400
	}
}

func mergeSlashes(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}

// checkPaths refuses what would come to lie in itself.
func checkPaths(r *http.Request, from, to string, folder bool) http.Result {
	header := r.Header(h1.HDestination)
	switch {
	case from == to:
		r.Logf(log.Error, `both URI "%s" and "Destination" URI "%s" point to the same location`, r.URI, header)
		return 403
	case folder && (strings.HasPrefix(to, from+"/") || strings.HasPrefix(from, to+"/")):
		return notTo(r, header, 403)
	}
	return http.Declined
}

func notTo(r *http.Request, header string, status http.Result) http.Result {
	r.Logf(log.Error, `"%s" could not be %sed to collection "%s"`, r.URI, r.MethodName(), header)
	return status
}

// checkTarget looks at what is where to transfer to; nil: nothing is.
func checkTarget(r *http.Request, to string, folder, overwrite bool) (info os.FileInfo, rc http.Result) {
	info, err := os.Lstat(to)
	switch {
	case errors.Is(err, syscall.ENOENT):
		return nil, http.Declined
	case err != nil:
		return nil, failed(r, err, 404, "lstat()", to)
	case info.IsDir() && !folder:
		return nil, notTo(r, r.Header(h1.HDestination), 409)
	case !overwrite:
		r.LogErr(log.Error, syscall.EEXIST, `"%s" could not be created`, to)
		return nil, 412
	}
	return info, http.Declined
}

func (c *Conf) transferFile(r *http.Request, from, to string, info os.FileInfo) http.Result {
	if r.Method == h1.MOVE {
		place := http.Placement{FolderAccess: c.access.V, MakeFolders: true, Modified: h1.NoTime, Keep: true}
		if r.Place(from, to, place) != nil {
			return 500
		}
		return 204
	}
	if !r.CopyFile(from, to, copied(info)) {
		return 500
	}
	return 204
}

// copied are the settings of a copy of a file.
func copied(info os.FileInfo) http.Placement {
	return http.Placement{Access: uint32(info.Mode().Perm()), Modified: info.ModTime().Unix()}
}

func transferFolder(r *http.Request, from, to string, info os.FileInfo) http.Result {
	if r.Method == h1.MOVE && syscall.Rename(from, to) == nil {
		return 201
	}
	if err := syscall.Mkdir(to, uint32(info.Mode().Perm())); err != nil {
		return failed(r, err, 404, "mkdir()", to)
	}
	if !copyTree(r, from, to) {
		return 500
	}
	if r.Method == h1.MOVE {
		if rc := removePath(r, from, true); rc != http.Declined {
			return rc
		}
	}
	return 201
}
