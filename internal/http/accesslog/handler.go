package accesslog

import (
	"syscall"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
)

// rootExists reports whether the root of the request is there. As in nginx logs
// whose paths have variables are made only then, so that names of hosts that are
// not served make no files.
func rootExists(r *http.Request) bool {
	if r.RootTested() {
		return true
	}
	root, _, ok := r.Root()
	if !ok {
		return false
	}
	info, failed := r.StatCached(root)
	switch {
	case failed.Errno != 0:
		r.LogErr(log.Error, failed.Errno, "testing \"%s\" existence failed", root)
	case info.Kind != http.Directory:
		r.LogErr(log.Error, syscall.ENOTDIR, "testing \"%s\" existence failed", root)
	default:
		return true
	}
	return false
}
