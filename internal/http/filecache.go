package http

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/baton-project/baton/fd"
	"golang.org/x/sys/unix"
)

// A fileCache remembers what paths lead to, and keeps files open, as
// open_file_cache says. What it hands out stays open until it is given back, also
// when it has left the cache. Any goroutine may use it.
type fileCache struct {
	most     int   // entries
	inactive int64 // milliseconds after which an entry that is not asked for goes

	mu             sync.Mutex // guards what follows
	byName         map[string]*fileEntry
	newest, oldest *fileEntry // by their last use
	closed         bool       // nothing is kept any more
}

// A fileEntry is what is known of one path.
type fileEntry struct {
	name         string
	rule         linkRule // by which the disk was asked
	info         FileInfo
	failure      FileError
	open         *sharedFile // nil: not kept open
	uses         int
	checked      int64 // tick at which the disk was asked
	used         int64 // tick of the last use
	newer, older *fileEntry
}

// A sharedFile is an open file that several requests may be reading.
type sharedFile struct {
	fd.Owned
	mu      *sync.Mutex // of who keeps it; guards what follows
	readers int
	left    bool // nobody keeps it: the last reader closes it
	device  uint64
	inode   uint64
}

func newFileCache(most int, inactive time.Duration) *fileCache {
	return &fileCache{most: most, inactive: int64(inactive / time.Millisecond), byName: make(map[string]*fileEntry)}
}

// OpenCached is OpenFile by way of open_file_cache and disable_symlinks, for files
// that are served.
func (r *Request) OpenCached(path string) (*File, FileError) {
	files := r.loc.files
	rule := r.linkRule(path)
	cache := files.Cache.V
	switch {
	case cache != nil:
	case rule.mode != followLinks || r.Debugging():
		return r.openFile(path, rule)
	default:
		return r.openRecent(path)
	}
	if f, failure, ok := cache.find(r, path, rule); ok {
		return f, failure
	}
	f, failure := r.openFile(path, rule)
	if failure.Errno == 0 || files.Errors.V {
		cache.keep(r, path, rule, f, failure)
	}
	return f, failure
}

// StatCached is StatFile for what open_file_cache may know, as far as
// disable_symlinks lets it be known.
func (r *Request) StatCached(path string) (FileInfo, FileError) {
	rule := r.linkRule(path)
	if cache := r.loc.files.Cache.V; cache != nil {
		if info, failure, ok := cache.peek(r, path, rule); ok {
			return info, failure
		}
	}
	if rule.mode != followLinks {
		st, failure := statChecked(path, rule)
		return fileInfo(st.Mode, st.Size, st.Mtim.Sec), failure
	}
	return r.StatFile(path)
}

// now is the time in milliseconds by which entries age.
func (r *Request) now() int64 { return r.conn.worker.reactor.Tick() }

// find gives what is known of path, unless the disk must be asked to open it.
func (c *fileCache) find(r *Request, path string, rule linkRule) (*File, FileError, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := r.now()
	e := c.byName[path]
	if e == nil {
		return nil, FileError{}, false
	}
	c.touch(e, now)
	if !e.valid(r, rule) && !e.revalidate(now, rule) {
		return nil, FileError{}, false
	}
	c.expire(now, 2)
	if e.failure.Errno != 0 {
		return nil, e.failure, true
	}
	if e.open == nil && e.info.Kind != Directory {
		return nil, FileError{}, false
	}
	f := r.emptyFile()
	f.FileInfo = e.info
	if e.open != nil {
		e.open.readers++
		f.shared = e.open
		f.Put(e.open.Raw())
	}
	r.rootTested = !r.errorPage
	return f, FileError{}, true
}

// peek gives what was learned of path within its time, without counting as a use.
func (c *fileCache) peek(r *Request, path string, rule linkRule) (FileInfo, FileError, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byName[path]
	if e == nil || !e.valid(r, rule) {
		return FileInfo{}, FileError{}, false
	}
	return e.info, e.failure, true
}

// valid reports whether what is known was learned by rule and within its time.
func (e *fileEntry) valid(r *Request, rule linkRule) bool {
	return e.rule == rule && r.now()-e.checked < int64(r.loc.files.Valid.V/time.Millisecond)
}

// revalidate asks the disk whether the open file is still the one that rule leads
// to by that name.
func (e *fileEntry) revalidate(now int64, rule linkRule) bool {
	if e.open == nil {
		return false
	}
	var st unix.Stat_t
	if rule.mode != followLinks {
		var failure FileError
		if st, failure = statChecked(e.name, rule); failure.Errno != 0 {
			return false
		}
	} else if unix.Stat(e.name, &st) != nil {
		return false
	}
	if st.Dev != e.open.device || st.Ino != e.open.inode {
		return false
	}
	e.info = fileInfo(st.Mode, st.Size, st.Mtim.Sec)
	e.checked, e.rule = now, rule
	return true
}

// keep remembers what opening path has come to. f may be nil.
func (c *fileCache) keep(r *Request, path string, rule linkRule, f *File, failure FileError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	now := r.now()
	e := c.byName[path]
	if e == nil {
		if len(c.byName) >= c.most {
			c.remove(c.oldest)
		}
		e = &fileEntry{name: strings.Clone(path)}
		c.byName[e.name] = e
		c.touch(e, now)
	} else {
		e.drop()
	}
	c.expire(now, 2)
	e.checked, e.rule, e.failure = now, rule, failure
	if failure.Errno != 0 {
		if rule.mode != followLinks {
			e.failure.Call = "openat()" // nginx does not remember that it was "from" which failed
		}
		return
	}
	e.info = f.FileInfo
	if f.Kind != RegularFile || e.uses < r.loc.files.MinUses.V {
		return
	}
	var st unix.Stat_t
	if unix.Fstat(f.Raw(), &st) != nil {
		return
	}
	e.open = &sharedFile{mu: &c.mu, readers: 1, device: st.Dev, inode: st.Ino}
	e.open.Put(f.Raw())
	f.shared = e.open
}

// touch makes e the newest. Needs c.mu.
func (c *fileCache) touch(e *fileEntry, now int64) {
	e.uses++
	e.used = now
	if c.newest == e {
		return
	}
	c.unlink(e)
	e.older = c.newest
	if c.newest != nil {
		c.newest.newer = e
	}
	c.newest = e
	if c.oldest == nil {
		c.oldest = e
	}
}

// unlink takes e out of the order, where it may not be yet. Needs c.mu.
func (c *fileCache) unlink(e *fileEntry) {
	if e.newer != nil {
		e.newer.older = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	}
	if c.newest == e {
		c.newest = e.older
	}
	if c.oldest == e {
		c.oldest = e.newer
	}
	e.newer, e.older = nil, nil
}

// expire removes the oldest entries that nobody has asked for, at most n of them.
// Needs c.mu.
func (c *fileCache) expire(now int64, n int) {
	for range n {
		e := c.oldest
		if e == nil || now-e.used <= c.inactive {
			return
		}
		c.remove(e)
	}
}

// remove forgets e. Needs c.mu.
func (c *fileCache) remove(e *fileEntry) {
	c.unlink(e)
	delete(c.byName, e.name)
	e.drop()
}

// drop lets go of the open file. Needs the cache's mu.
func (e *fileEntry) drop() {
	if open := e.open; open != nil {
		e.open = nil
		open.leave()
	}
}

// leave is for who keeps the file and does so no more. Needs mu.
func (s *sharedFile) leave() {
	s.left = true
	s.closeUnread()
}

// closeUnread closes a file that nobody keeps or reads. Needs mu.
func (s *sharedFile) closeUnread() {
	if s.left && s.readers == 0 {
		_ = s.Owned.Close() // nothing was written to it
	}
}

// giveBack ends one reader's use.
func (s *sharedFile) giveBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers--
	s.closeUnread()
}

// close forgets everything, when the worker is done.
func (c *fileCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for c.oldest != nil {
		c.remove(c.oldest)
	}
}

// Close gives the file back: to the cache, when that keeps it open.
func (f *File) Close() error {
	if f.shared == nil {
		return f.Owned.Close()
	}
	shared := f.shared
	f.shared = nil
	if f.Take() < 0 {
		return errors.New("file is closed already")
	}
	shared.giveBack()
	return nil
}
