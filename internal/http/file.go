package http

import (
	"syscall"
	"unsafe"

	"github.com/baton-project/baton/fd"
	"golang.org/x/sys/unix"
)

// FileKind is what a path leads to.
type FileKind uint8

const (
	OtherFile   FileKind = iota // a pipe, a socket, a device
	RegularFile                 // bytes to send
	Directory
)

// A FileInfo is what the server wants to know of a file.
type FileInfo struct {
	Kind       FileKind
	Executable bool // by its owner
	Size       int64
	Modified   int64 // Unix seconds
}

// A File is a file of the disk, open for reading. It belongs to the request that
// opened it and is closed by the handler that opened it. For a [Directory]
// nothing is open.
type File struct {
	fd.Owned
	FileInfo
	shared *sharedFile // what the descriptor is really of; nil: it is the request's own
}

// A FileError says which call failed, as logs name it, and why. The zero value
// means that none did.
type FileError struct {
	Call  string // "open()", "stat()", "fstat()"
	Errno syscall.Errno
}

// OpenFile opens the file at path, as [Request.Path] gives it, whatever links
// are on the way. Opening never waits for the other end of a pipe.
func (r *Request) OpenFile(path string) (*File, FileError) { return r.openFile(path, linkRule{}) }

func (r *Request) openFile(path string, rule linkRule) (*File, FileError) {
	n, failure := openPath(path, rule)
	if failure.Errno != 0 {
		return nil, failure
	}
	f := r.emptyFile()
	f.Put(int(n))
	if r.Debugging() {
		r.debugFile(path, int(n))
	}
	var st unix.Stat_t
	if _, _, errno := syscall.RawSyscall(unix.SYS_FSTAT, n, uintptr(unsafe.Pointer(&st)), 0); errno != 0 {
		_ = f.Close()
		return nil, FileError{"fstat()", errno}
	}
	f.FileInfo = fileInfo(st.Mode, st.Size, st.Mtim.Sec)
	if f.Kind == Directory {
		_ = f.Close()
	}
	r.rootTested = !r.errorPage
	return f, FileError{}
}

// openPath gives a descriptor of the file at path, which is the caller's.
func openPath(path string, rule linkRule) (uintptr, FileError) {
	if rule.mode != followLinks {
		return openChecked(path, rule)
	}
	var room [nameRoom]byte
	name := append(append(room[:0], path...), 0)
	n, errno := openAt(atCWD, &name[0], readFlags)
	if errno != 0 {
		return 0, FileError{"open()", errno}
	}
	return n, FileError{}
}

// emptyFile is where a file of the request is opened into.
func (r *Request) emptyFile() *File {
	if r.file.Raw() >= 0 {
		return new(File) // a second one at the same time
	}
	return &r.file
}

// RootTested reports whether a file was opened for the request, which is why its
// root exists.
func (r *Request) RootTested() bool { return r.rootTested }

// StatFile tells what is at path, links followed.
func (r *Request) StatFile(path string) (FileInfo, FileError) {
	var st unix.Statx_t
	if errno := statPath(path, &st); errno != 0 {
		return FileInfo{}, FileError{"stat()", errno}
	}
	return fileInfo(uint32(st.Mode), int64(st.Size), st.Mtime.Sec), FileError{}
}

// statPath is stat(2).
func statPath(path string, st *unix.Statx_t) (errno syscall.Errno) {
	var room [nameRoom]byte
	name := append(append(room[:0], path...), 0)
	errno = syscall.EINTR
	for errno == syscall.EINTR {
		_, _, errno = syscall.Syscall6(unix.SYS_STATX, atCWD, uintptr(unsafe.Pointer(&name[0])), 0,
			unix.STATX_BASIC_STATS, uintptr(unsafe.Pointer(st)), 0)
	}
	return errno
}

const (
	// nameRoom is enough for the usual path, which then needs no memory.
	nameRoom = 256
	// atCWD is AT_FDCWD as a system call takes it. Paths are absolute, it only
	// stands in its place.
	atCWD = ^uintptr(99)
)

// statChecked is StatFile where rule is against links. What may not be read is
// not told of, as it must be opened.
func statChecked(path string, rule linkRule) (st unix.Stat_t, failure FileError) {
	n, failure := openChecked(path, rule)
	if failure.Errno != 0 {
		return st, failure
	}
	if _, _, errno := syscall.RawSyscall(unix.SYS_FSTAT, n, uintptr(unsafe.Pointer(&st)), 0); errno != 0 {
		failure = FileError{"fstat()", errno}
	}
	_ = unix.Close(int(n)) // nothing was written
	return st, failure
}

func fileInfo(mode uint32, size, modified int64) FileInfo {
	info := FileInfo{Size: size, Modified: modified, Executable: mode&unix.S_IXUSR != 0}
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		info.Kind = RegularFile
	case unix.S_IFDIR:
		info.Kind = Directory
	}
	return info
}
