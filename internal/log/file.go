package log

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/baton-project/baton/fd"
	"golang.org/x/sys/unix"
)

// A File is one open log file. Any number of goroutines may write; a line
// written with one call is not torn, since the file is open for appending.
type File struct {
	path   string  // empty for stderr, which is never closed
	buffer *buffer // nil: lines of access logs are written at once

	mu sync.RWMutex // held for writing while fd changes
	fd *fd.Owned    // nil before it is opened and once it is closed

	full   atomic.Int64 // the second in which the disk was full
	failed complaint    // of WriteLine
}

// Path is the absolute path; empty for stderr.
func (f *File) Path() string { return f.path }

// Write writes p with one write(2). After ENOSPC it does not try again within
// the same second and returns ENOSPC at once. While it is not open it discards
// p.
func (f *File) Write(p []byte) (int, error) {
	if full := f.full.Load(); full != 0 && full == time.Now().Unix() {
		return 0, unix.ENOSPC
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.fd == nil {
		return len(p), nil
	}
	for {
		n, err := unix.Write(f.fd.Raw(), p)
		switch err {
		case nil:
			return n, nil
		case unix.EINTR:
			continue
		case unix.ENOSPC:
			f.full.Store(time.Now().Unix())
		}
		return 0, err
	}
}

// WriteLine is Write for a line of an access log, which may wait in the buffer of
// [Files.Buffer]. The error is a sentence for the log. It is returned at most
// once a minute for each file, and may be about lines before this one.
func (f *File) WriteLine(p []byte) error {
	if f.buffer != nil {
		return f.buffer.add(p)
	}
	return f.writeLines(p)
}

func (f *File) writeLines(p []byte) error {
	n, err := f.Write(p)
	if err == nil && n == len(p) || !f.failed.due(time.Now().Unix()) {
		return nil
	}
	if err != nil {
		return Failed(fmt.Sprintf("write() to \"%s\"", f.path), err)
	}
	return fmt.Errorf("write() to \"%s\" was incomplete: %d of %d", f.path, n, len(p))
}

// named lends the descriptor under its name.
func (f *File) named() Named {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return Named{Name: namePrefix + f.path, FD: f.fd}
}

func (f *File) isOpen() bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.fd != nil
}

// swap makes f write to next, nil for nowhere, and closes what it had. Writes
// that run meanwhile end first, and what waits in the buffer goes to the old one.
func (f *File) swap(next *fd.Owned) {
	if f.buffer != nil {
		f.buffer.drain()
	}
	f.mu.Lock()
	old := f.fd
	f.fd = next
	f.mu.Unlock()
	f.full.Store(0)
	if old != nil {
		old.Close()
	}
}
