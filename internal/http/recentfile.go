package http

import (
	"hash/maphash"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	recentSlots = 128
	// recentTime is the time, in milliseconds, between two requests for a file after
	// which it is not kept open. A file that was deleted keeps its room on the disk
	// for at most twice as long.
	recentTime = 1000
)

// recentFiles keeps files open that are asked for again and again where there is no
// open_file_cache. It never answers from memory: the disk is asked at every use
// whether the path still leads to that file, unchanged in all that may be opened by
// whom, so that nobody can tell it from opening the file anew. What is saved is
// the opening and the closing. Any goroutine may use it.
type recentFiles struct {
	seed  maphash.Seed
	mu    sync.Mutex // guards what follows, and the readers of the files
	slots [recentSlots]recentFile
	sweep *time.Timer // nil: nothing is open
	done  bool        // nothing is kept any more
}

// A recentFile is the place of all paths with the same hash modulo recentSlots.
type recentFile struct {
	hash    uint64              // of the path that came last
	used    int64               // tick when it came
	idle    bool                // it has not come since the last sweep
	name    string              // of the open file
	open    *sharedFile         // nil: none
	changed unix.StatxTimestamp // of the inode, when it was opened
}

// openRecent is openFile for a path that all links are followed on.
func (r *Request) openRecent(path string) (*File, FileError) {
	t := &r.conn.worker.recent
	if f := t.find(r, path); f != nil {
		r.rootTested = !r.errorPage
		return f, FileError{}
	}
	f, failure := r.openFile(path, linkRule{})
	if failure.Errno == 0 && f.Kind == RegularFile {
		t.keep(path, f, r.now())
	}
	return f, failure
}

// find gives the file that is kept open for path if it is still what opening would
// lead to.
func (t *recentFiles) find(r *Request, path string) *File {
	slot := &t.slots[maphash.String(t.seed, path)%recentSlots]
	t.mu.Lock()
	open, changed := slot.open, slot.changed
	if open == nil || slot.name != path {
		t.mu.Unlock()
		return nil
	}
	open.readers++
	slot.used, slot.idle = r.now(), false
	t.mu.Unlock()
	var st unix.Statx_t
	if statPath(path, &st) != 0 || st.Ino != open.inode || st.Ctime != changed ||
		unix.Mkdev(st.Dev_major, st.Dev_minor) != open.device {
		t.mu.Lock()
		if slot.open == open {
			slot.drop()
		}
		t.mu.Unlock()
		open.giveBack()
		return nil
	}
	f := r.emptyFile()
	f.FileInfo = fileInfo(uint32(st.Mode), int64(st.Size), st.Mtime.Sec)
	f.shared = open
	f.Put(open.Raw())
	return f
}

// keep keeps f open, which was just opened, when it is for the second time within a
// short while.
func (t *recentFiles) keep(path string, f *File, now int64) {
	hash := maphash.String(t.seed, path)
	slot := &t.slots[hash%recentSlots]
	t.mu.Lock()
	defer t.mu.Unlock()
	if slot.hash != hash || now-slot.used > recentTime {
		if slot.open == nil || now-slot.used > recentTime {
			slot.drop()
			slot.hash, slot.used = hash, now
		}
		return
	}
	slot.used, slot.idle = now, false
	var st unix.Stat_t
	if t.done || slot.open != nil || !isLocal(f) || unix.Fstat(f.Raw(), &st) != nil {
		return
	}
	slot.name = strings.Clone(path)
	slot.changed = unix.StatxTimestamp{Sec: int64(st.Ctim.Sec), Nsec: uint32(st.Ctim.Nsec)}
	slot.open = &sharedFile{mu: &t.mu, readers: 1, device: st.Dev, inode: st.Ino}
	slot.open.Put(f.Raw())
	f.shared = slot.open
	if t.sweep == nil {
		t.sweep = time.AfterFunc(recentTime*time.Millisecond, t.sweepUnused)
	}
}

// sweepUnused closes what nobody has asked for since the last time, and comes back as
// long as anything is open.
func (t *recentFiles) sweepUnused() {
	t.mu.Lock()
	defer t.mu.Unlock()
	left := false
	for i := range t.slots {
		slot := &t.slots[i]
		if slot.idle {
			slot.drop()
		}
		slot.idle = true
		left = left || slot.open != nil
	}
	if !left {
		t.sweep = nil
		return
	}
	t.sweep.Reset(recentTime * time.Millisecond)
}

// close closes everything, when the worker is done.
func (t *recentFiles) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done = true
	if t.sweep != nil {
		t.sweep.Stop()
	}
	for i := range t.slots {
		t.slots[i].drop()
	}
}

// drop lets go of the open file. Needs the table's mu.
func (s *recentFile) drop() {
	if s.open != nil {
		s.open.leave()
		s.open, s.name = nil, ""
	}
}

// isLocal reports whether f is on a file system of this machine, where asking for
// what a path leads to tells all that opening it would. NFS looks at the server only
// when a file is opened.
func isLocal(f *File) bool {
	var fs unix.Statfs_t
	if unix.Fstatfs(f.Raw(), &fs) != nil {
		return false
	}
	switch int64(fs.Type) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC,
		unix.TMPFS_MAGIC, unix.OVERLAYFS_SUPER_MAGIC, unix.SQUASHFS_MAGIC:
		return true
	}
	return false
}
