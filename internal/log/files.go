package log

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/baton-project/baton/fd"
	"golang.org/x/sys/unix"
)

// namePrefix starts the name of a log file's descriptor; its path follows.
const namePrefix = "log:"

// Named is a descriptor on its way between master and worker.
type Named struct {
	Name string // "log:/abs/path"
	FD   *fd.Owned
}

// Files is the set of log files of one cycle, in the master, or of a worker. It
// may be used from several goroutines.
//
// A new cycle opens its files itself, also those that the old cycle has open,
// for a reload after a rename is a way to rotate logs. Its owner closes the old
// Files when the new cycle is current, or the new ones when it never will be.
type Files struct {
	clock   clock
	pid     string // "12#12"
	adopted bool   // a worker's: has what it was given and opens nothing
	stderr  *File
	main    atomic.Pointer[Logger]

	mu      sync.Mutex // guards the rest
	closed  bool
	console bool // a directive says stderr
	byPath  map[string]*File
	order   []*File // as named, without stderr
	senders map[Syslog]*Sender
	caches  []*PathCache
}

func newFiles(adopted bool) *Files {
	pid := strconv.Itoa(os.Getpid())
	return &Files{
		pid:     pid + "#" + pid, // one thread at a time, as far as a reader cares
		adopted: adopted,
		stderr:  &File{fd: fd.New(stderrFD)},
		byPath:  make(map[string]*File),
		senders: make(map[Syslog]*Sender),
	}
}

// NewFiles is the master's side: files are named by File and Logger, and then
// opened by Open. Close it.
func NewFiles() *Files { return newFiles(false) }

// AdoptFiles is a worker's side: it takes over those of files that
// [Files.Handout] named, leaves the others alone, and never opens a path. Close
// it.
func AdoptFiles(files []Named) *Files {
	fs := newFiles(true)
	for _, n := range files {
		path, ok := strings.CutPrefix(n.Name, namePrefix)
		if !ok {
			continue
		}
		if old := fs.byPath[path]; old != nil {
			old.swap(n.FD)
			continue
		}
		fs.add(path, n.FD)
	}
	return fs
}

// add is called with mu held, or before anybody else knows fs; o may be nil.
func (fs *Files) add(path string, o *fd.Owned) *File {
	f := &File{path: path, fd: o}
	fs.byPath[path] = f
	fs.order = append(fs.order, f)
	return f
}

// File returns the file with this absolute path, stderr for "". In the master it discards what
// is written until [Files.Open] opens it, so that a configuration can be checked
// before anything is created. In a worker a file that the master did not hand
// out is an error. The File lives as long as fs.
func (fs *Files) File(path string) (*File, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if path == "" {
		fs.console = true
		return fs.stderr, nil
	}
	if f := fs.byPath[path]; f != nil {
		return f, nil
	}
	if fs.adopted {
		return nil, fmt.Errorf("log file \"%s\" was not handed out by the master", path)
	}
	return fs.add(path, nil), nil
}

// Open opens, and creates where need be, every file that was named and is not
// open. It is the master's; a worker's files are open. The error reads
// `open() "/x" failed (13: Permission denied)`, and what was opened before it
// stays open until Close.
func (fs *Files) Open() error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range fs.order {
		if f.isOpen() {
			continue
		}
		if fs.closed {
			return Failed(fmt.Sprintf("open() \"%s\"", f.path), os.ErrClosed)
		}
		o, err := openFile(f.path)
		if err != nil {
			return err
		}
		f.swap(o)
	}
	return nil
}

func openFile(path string) (*fd.Owned, error) {
	for {
		n, err := unix.Open(path, unix.O_WRONLY|unix.O_APPEND|unix.O_CREAT|unix.O_CLOEXEC, 0o644)
		switch err {
		case nil:
			return fd.New(n), nil
		case unix.EINTR: // a FIFO that waits for its reader
			continue
		}
		return nil, Failed(fmt.Sprintf("open() \"%s\"", path), err)
	}
}

// Logger makes the logger of the error_log directives of one level, whose paths
// the caller has made absolute. The same file twice gets each line twice, as in
// nginx. No directive at all gives a logger that discards.
func (fs *Files) Logger(specs []Spec) (*Logger, error) {
	outputs := make([]output, 0, len(specs))
	for _, s := range specs {
		o := output{level: s.Level}
		switch {
		case s.Stderr:
			o.file = fs.stderr
			fs.keepStderr()
		case s.Syslog != nil:
			o.syslog = fs.Syslog(*s.Syslog)
		default:
			f, err := fs.File(s.Path)
			if err != nil {
				return nil, err
			}
			o.file = f
		}
		outputs = append(outputs, o)
	}
	return newLogger(fs, outputs), nil
}

// SetMain names the logger that hears of syslog servers and files that fail:
// the cycle's outermost. Until then nobody does.
func (fs *Files) SetMain(l *Logger) { fs.main.Store(l) }

func (fs *Files) keepStderr() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.console = true
}

// StderrTarget lends the file that descriptor 2 should lead to when the server
// runs: the first one of the main logger. It is nil, and descriptor 2 stays, if
// there is none or if any error_log says stderr.
func (fs *Files) StderrTarget() *fd.Owned {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	main := fs.main.Load()
	if fs.console || fs.closed || main == nil {
		return nil
	}
	for _, o := range main.outputs {
		if o.file != nil {
			return o.file.named().FD
		}
	}
	return nil
}

// Syslog returns the sender to a destination, also for lines of an access log.
// It lives as long as fs.
func (fs *Files) Syslog(s Syslog) *Sender {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if sender := fs.senders[s]; sender != nil {
		return sender
	}
	sender := newSender(fs, s)
	fs.senders[s] = sender
	return sender
}

// Handout lends every file, in the order of naming, by a name that AdoptFiles
// and Replace know. A descriptor is good until the next Reopen, Replace or
// Close.
func (fs *Files) Handout() []Named {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.closed {
		return nil
	}
	lent := make([]Named, len(fs.order))
	for i, f := range fs.order {
		lent[i] = f.named()
	}
	return lent
}

// Replace swaps the file of that name for o, which fs owns from here on; for a
// name that it does not know it closes o and says so.
func (fs *Files) Replace(name string, o *fd.Owned) error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	path, ok := strings.CutPrefix(name, namePrefix)
	f := fs.byPath[path]
	if !ok || f == nil || fs.closed {
		o.Close()
		return fmt.Errorf("no log file \"%s\" to replace", name)
	}
	f.swap(o)
	return nil
}

// Reopen opens every file anew and gives it to the worker's user, which is uid,
// or -1 to leave the owner alone (USR1). A file that cannot be opened is logged
// and goes on as it was; err joins those errors. The new descriptors are lent
// as by Handout, with the others left out.
func (fs *Files) Reopen(uid int) (reopened []Named, err error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.adopted || fs.closed {
		return nil, errors.New("only the master reopens log files")
	}
	for _, f := range fs.order {
		o, openErr := reopenFile(f.path, uid)
		if openErr != nil {
			fs.main.Load().Log(Emerg, 0, openErr.Error())
			err = errors.Join(err, openErr)
			continue
		}
		f.swap(o)
		reopened = append(reopened, f.named())
	}
	return reopened, err
}

// reopenFile opens path, and makes it uid's, readable and writable for it.
func reopenFile(path string, uid int) (*fd.Owned, error) {
	o, err := openFile(path)
	if err != nil || uid < 0 {
		return o, err
	}
	if err := giveTo(o, path, uid); err != nil {
		o.Close()
		return nil, err
	}
	return o, nil
}

func giveTo(o *fd.Owned, path string, uid int) error {
	var st unix.Stat_t
	if err := unix.Fstat(o.Raw(), &st); err != nil {
		return Failed(fmt.Sprintf("stat() \"%s\"", path), err)
	}
	if int(st.Uid) != uid {
		if err := unix.Fchown(o.Raw(), uid, -1); err != nil {
			return Failed(fmt.Sprintf("chown(\"%s\", %d)", path, uid), err)
		}
	}
	const readWrite = unix.S_IRUSR | unix.S_IWUSR
	if st.Mode&readWrite != readWrite {
		if err := unix.Fchmod(o.Raw(), st.Mode&0o7777|readWrite); err != nil {
			return Failed(fmt.Sprintf("chmod() \"%s\"", path), err)
		}
	}
	return nil
}

// Close closes all files and sockets; what loggers and Files write afterwards
// is lost.
func (fs *Files) Close() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.closed = true
	for _, f := range fs.order {
		f.swap(nil)
	}
	for _, c := range fs.caches {
		c.close()
	}
	for _, s := range fs.senders {
		s.close()
	}
}
