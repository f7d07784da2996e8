package log

import (
	"container/list"
	"os"
	"sync"
	"time"

	"github.com/baton-project/baton/fd"
	"golang.org/x/sys/unix"
)

// Caching says how a [PathCache] keeps files open.
type Caching struct {
	Max      int           // files
	Inactive time.Duration // how long a file stays that nobody writes to
	MinUses  int           // lines until a file is kept open
	Valid    time.Duration // how often it is looked whether the path still leads to the file
}

// A PathCache opens log files whose paths come from requests, as the user that
// the process runs as, and keeps those open that are used again
// (open_log_file_cache). A nil PathCache opens a file for each line. Any number
// of goroutines may use it.
type PathCache struct {
	how Caching

	mu     sync.Mutex // guards the rest; held while a file is opened
	closed bool
	byPath map[string]*list.Element // of *pathEntry
	recent list.List                // the one used last in front
}

// pathEntry is one path.
type pathEntry struct {
	path    string
	lent    *Lent // nil when it is not open
	uses    int
	used    time.Time
	checked time.Time
}

// Lent is an open log file, until Done.
type Lent struct {
	File
	cache  *PathCache
	users  int       // guarded by cache.mu
	let    bool      // no longer in the cache: the last user closes it
	serial [2]uint64 // device and inode
}

// PathCache makes a cache, which lives as long as fs.
func (fs *Files) PathCache(how Caching) *PathCache {
	c := &PathCache{how: how, byPath: make(map[string]*list.Element)}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.caches = append(fs.caches, c)
	return c
}

// Open opens the file at path, and creates it where need be. The caller calls
// Done. The error reads `open() "/x" failed (13: Permission denied)`.
func (c *PathCache) Open(path string) (*Lent, error) {
	if c == nil {
		return openLent(path)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, Failed("open() \""+path+"\"", os.ErrClosed)
	}
	now := time.Now()
	c.expire(now)
	e := c.entry(path)
	e.uses++
	e.used = now
	if e.lent != nil && now.Sub(e.checked) >= c.how.Valid {
		e.checked = now
		if serialOf(path) != e.lent.serial {
			e.letGo()
		}
	}
	if e.lent == nil {
		f, err := openLent(path)
		if err != nil {
			return nil, err
		}
		f.cache, e.lent, e.checked = c, f, now
	}
	e.lent.users++
	f := e.lent
	if e.uses < c.how.MinUses {
		e.letGo()
	}
	return f, nil
}

// Done gives the file back.
func (f *Lent) Done() {
	if f.cache == nil {
		f.swap(nil)
		return
	}
	f.cache.mu.Lock()
	defer f.cache.mu.Unlock()
	f.users--
	f.closeUnused()
}

func (f *Lent) closeUnused() {
	if f.let && f.users == 0 {
		f.swap(nil)
	}
}

// letGo takes the open file out of the cache.
func (e *pathEntry) letGo() {
	if e.lent != nil {
		e.lent.let = true
		e.lent.closeUnused()
		e.lent = nil
	}
}

// entry finds the entry of path or makes one, at the cost of the one that was
// not used for longest.
func (c *PathCache) entry(path string) *pathEntry {
	if at := c.byPath[path]; at != nil {
		c.recent.MoveToFront(at)
		return at.Value.(*pathEntry)
	}
	if len(c.byPath) >= c.how.Max {
		c.remove(c.recent.Back())
	}
	e := &pathEntry{path: path}
	c.byPath[path] = c.recent.PushFront(e)
	return e
}

// expire removes up to two paths that nobody uses any more.
func (c *PathCache) expire(now time.Time) {
	for range 2 {
		at := c.recent.Back()
		if at == nil || now.Sub(at.Value.(*pathEntry).used) <= c.how.Inactive {
			return
		}
		c.remove(at)
	}
}

func (c *PathCache) remove(at *list.Element) {
	if at == nil {
		return
	}
	e := c.recent.Remove(at).(*pathEntry)
	delete(c.byPath, e.path)
	e.letGo()
}

func (c *PathCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for c.recent.Len() > 0 {
		c.remove(c.recent.Back())
	}
}

func openLent(path string) (*Lent, error) {
	o, err := openFile(path)
	if err != nil {
		return nil, err
	}
	f := &Lent{File: File{path: path, fd: o}}
	f.serial = serialOfFD(o)
	return f, nil
}

// serialOf is the device and the inode at path; zero when there is nothing.
func serialOf(path string) [2]uint64 {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return [2]uint64{}
	}
	return [2]uint64{uint64(st.Dev), st.Ino}
}

func serialOfFD(o *fd.Owned) [2]uint64 {
	var st unix.Stat_t
	if unix.Fstat(o.Raw(), &st) != nil {
		return [2]uint64{}
	}
	return [2]uint64{uint64(st.Dev), st.Ino}
}
