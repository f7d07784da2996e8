package http

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
)

// A Placement says how a finished file gets to its name.
type Placement struct {
	// Access are the file's permissions; 0: those that it has.
	Access uint32
	// FolderAccess are those of folders that are made on the way; who may read in
	// them may also enter. MakeFolders: folders are made.
	FolderAccess uint32
	MakeFolders  bool
	// Modified is when the file is to have been changed last, in Unix seconds;
	// h1.NoTime: when it was.
	Modified int64
	// Keep: what cannot be placed stays where it is. Else it is removed.
	Keep bool
}

// ErrNotPlaced is returned when a file is not where it was to be. Why is in the
// error log.
var ErrNotPlaced = errors.New("file could not be placed")

// Place moves the file at from to the name to, over what is there. On another file
// system it is copied beside the name first, so nobody ever sees a part of it.
func (r *Request) Place(from, to string, p Placement) error {
	if r.prepareFile(from, p) && r.rename(from, to, p) {
		return nil
	}
	if !p.Keep {
		r.remove(from)
	}
	return ErrNotPlaced
}

// prepareFile gives a file what it is to have at its name.
func (r *Request) prepareFile(name string, p Placement) bool {
	if p.Access != 0 {
		if err := os.Chmod(name, os.FileMode(p.Access)); err != nil {
			r.LogErr(log.Crit, err, `chmod() "%s" failed`, name)
			return false
		}
	}
	if p.Modified != h1.NoTime {
		if err := os.Chtimes(name, r.Time(), time.Unix(p.Modified, 0)); err != nil {
			r.LogErr(log.Crit, err, `utimes() "%s" failed`, name)
			return false
		}
	}
	return true
}

func (r *Request) rename(from, to string, p Placement) bool {
	err := syscall.Rename(from, to)
	if errors.Is(err, syscall.ENOENT) && p.MakeFolders {
		if err := makeFolders(to, p.FolderAccess); err != nil {
			r.LogErr(log.Crit, err, `mkdir() "%s" failed`, to)
			return false
		}
		err = syscall.Rename(from, to)
	}
	switch {
	case err == nil:
		return true
	case errors.Is(err, syscall.EXDEV):
		return r.moveByCopy(from, to, p)
	}
	r.LogErr(log.Crit, err, `rename() "%s" to "%s" failed`, from, to)
	return false
}

// makeFolders makes the folders that a file is to be in.
func makeFolders(file string, access uint32) error {
	folder := filepath.Dir(file)
	err := syscall.Mkdir(folder, FolderAccess(access))
	if errors.Is(err, syscall.ENOENT) && folder != "/" {
		if err := makeFolders(folder, access); err != nil {
			return err
		}
		err = syscall.Mkdir(folder, FolderAccess(access))
	}
	if errors.Is(err, syscall.EEXIST) {
		return nil
	}
	return err
}

// FolderAccess are permissions of a folder: who may read a file with access may
// also enter.
func FolderAccess(access uint32) uint32 { return access | (access&0o444)>>2 }

// moveByCopy is rename between two file systems.
func (r *Request) moveByCopy(from, to string, p Placement) bool {
	beside := fmt.Sprintf("%s.%010d", to, r.conn.worker.tempNumbers.Add(1))
	if !r.CopyFile(from, beside, p) || !r.prepareFile(beside, p) {
		return false
	}
	if err := syscall.Rename(beside, to); err != nil {
		r.LogErr(log.Crit, err, `rename() "%s" to "%s" failed`, beside, to)
		r.remove(beside)
		return false
	}
	return r.remove(from)
}

// CopyFile makes to a copy of the file at from, over what is there. Of p only the
// file's own settings count. It reports whether that worked out; if not, it is in the
// error log why.
func (r *Request) CopyFile(from, to string, p Placement) bool {
	source, err := os.Open(from)
	if err != nil {
		r.LogErr(log.Crit, err, `open() "%s" failed`, from)
		return false
	}
	defer func() { _ = source.Close() }() // it was only read
	access := os.FileMode(p.Access)
	if access == 0 {
		info, err := source.Stat()
		if err != nil {
			r.LogErr(log.Crit, err, `fstat() "%s" failed`, from)
			return false
		}
		access = info.Mode().Perm()
	}
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, access)
	if err != nil {
		r.LogErr(log.Crit, err, `open() "%s" failed`, to)
		return false
	}
	if _, err := io.Copy(target, source); err != nil {
		_ = target.Close() // the copy has failed already
		r.LogErr(log.Crit, err, `copying "%s" to "%s" failed`, from, to)
		return false
	}
	if err := target.Close(); err != nil {
		r.LogErr(log.Alert, err, `close() "%s" failed`, to)
		return false
	}
	return r.prepareFile(to, Placement{Modified: p.Modified})
}

func (r *Request) remove(name string) bool {
	if err := syscall.Unlink(name); err != nil {
		r.LogErr(log.Crit, err, `unlink() "%s" failed`, name)
		return false
	}
	return true
}
