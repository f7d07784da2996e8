package dav

import (
	"os"
	"syscall"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
)

// removePath removes a file, or a folder with all that is in it. What cannot be
// removed below it is logged. Declined: it is gone.
func removePath(r *http.Request, path string, folder bool) http.Result {
	if !folder {
		if err := syscall.Unlink(path); err != nil {
			return failed(r, err, 404, "unlink()", path)
		}
		return http.Declined
	}
	if !removeBelow(r, path) {
		return 500
	}
	if err := syscall.Rmdir(path); err != nil {
		return failed(r, err, 404, "rmdir()", path)
	}
	return http.Declined
}

// removeBelow empties a folder. Links are removed, not followed. It reports whether
// the folder could be read.
func removeBelow(r *http.Request, folder string) bool {
	entries, ok := list(r, folder)
	for _, e := range entries {
		path := folder + "/" + e.Name()
		if !e.IsDir() {
			if err := syscall.Unlink(path); err != nil {
				failed(r, err, 0, "unlink()", path)
			}
			continue
		}
		if !removeBelow(r, path) {
			return false
		}
		if err := syscall.Rmdir(path); err != nil {
			failed(r, err, 0, "rmdir()", path)
		}
	}
	return ok
}

// copyTree copies what is in a folder into another one; links and what else is no
// file are left out. It reports whether every folder could be read.
func copyTree(r *http.Request, from, to string) bool {
	entries, ok := list(r, from)
	for _, e := range entries {
		source, target := from+"/"+e.Name(), to+"/"+e.Name()
		info, err := e.Info()
		switch {
		case err != nil: // it went away meanwhile
		case info.Mode().IsRegular():
			r.CopyFile(source, target, copied(info))
		case info.IsDir():
			if err := syscall.Mkdir(target, http.FolderAccess(uint32(info.Mode().Perm()))); err != nil {
				failed(r, err, 0, "mkdir()", target)
			}
			if !copyTree(r, source, target) {
				return false
			}
			if err := os.Chtimes(target, r.Time(), info.ModTime()); err != nil {
				r.LogErr(log.Alert, err, `utimes() "%s" failed`, target)
			}
		}
	}
	return ok
}

func list(r *http.Request, folder string) ([]os.DirEntry, bool) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		r.LogErr(log.Crit, err, `opendir() "%s" failed`, folder)
		return nil, false
	}
	return entries, true
}
