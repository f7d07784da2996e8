package cache

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"syscall"
	"unsafe"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/log"
	"golang.org/x/sys/unix"
)

// atCWD is AT_FDCWD as a system call takes it.
const atCWD = ^uintptr(99)

// A File is a file of the cache, open for reading. The zero value is not open.
type File struct {
	fd.Owned
	Size   int64
	OnDisk int64 // in bytes
	Inode  uint64
}

// Open opens the file with a name, which ends with a NUL. f must not be open.
func (f *File) Open(name []byte) (call string, errno syscall.Errno) {
	errno = syscall.EINTR
	var n uintptr
	for errno == syscall.EINTR {
		n, _, errno = syscall.Syscall6(unix.SYS_OPENAT, atCWD, uintptr(unsafe.Pointer(&name[0])),
			unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0, 0, 0)
	}
	if errno != 0 {
		return "open()", errno
	}
	f.Put(int(n))
	var st unix.Stat_t
	if _, _, errno := syscall.RawSyscall(unix.SYS_FSTAT, n, uintptr(unsafe.Pointer(&st)), 0); errno != 0 {
		_ = f.Close() // nothing was written
		return "fstat()", errno
	}
	f.Size, f.OnDisk, f.Inode = st.Size, st.Blocks*512, st.Ino
	return "", 0
}

// ReadStart reads the beginning of the file into buf.
func (f *File) ReadStart(buf []byte) (n int, errno syscall.Errno) {
	errno = syscall.EINTR
	var got uintptr
	for errno == syscall.EINTR {
		got, _, errno = syscall.Syscall6(unix.SYS_PREAD64, uintptr(f.Raw()), uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf)), 0, 0, 0)
	}
	if errno != 0 {
		return 0, errno
	}
	return int(got), 0
}

// collision is how far the number of a temporary file jumps when it is there.
const collision = 123456

// CreateTemp makes the file that becomes the one with a name, beside it. It is the
// caller's to close, and to rename or remove.
func (c *Cache) CreateTemp(name string) (*fd.Owned, string, error) {
	number := rand.Uint32()
	for missing := 0; ; {
		temp := fmt.Sprintf("%s.%010d", name, number)
		n, err := unix.Open(temp, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
		switch {
		case err == nil:
			return fd.New(n), temp, nil
		case err == unix.EINTR:
		case err == unix.EEXIST:
			number += collision
		case err == unix.ENOENT && len(c.Levels) > 0 && missing < 3 && c.makeFolders(name) == nil:
			missing++ // it has its folders now, unless somebody takes them away again
		default:
			return nil, "", log.Failed(fmt.Sprintf(`open() "%s"`, temp), err)
		}
	}
}

// makeFolders makes the folders between c's directory and a file in it.
func (c *Cache) makeFolders(name string) error {
	folder := c.Dir
	for _, part := range strings.Split(filepath.Dir(name)[len(c.Dir)+1:], "/") {
		folder += "/" + part
		if err := unix.Mkdir(folder, 0o700); err != nil && err != unix.EEXIST {
			return err
		}
	}
	return nil
}

// Place renames a complete temporary file to what it is to be. temp is gone
// afterwards in any case.
func (c *Cache) Place(f *fd.Owned, temp, name string) (onDisk int64, err error) {
	var st unix.Stat_t
	if err = unix.Fstat(f.Raw(), &st); err != nil {
		_ = unix.Unlink(temp) // what is told is why it cannot be used
		return 0, log.Failed(fmt.Sprintf(`fstat() "%s"`, temp), err)
	}
	err = unix.Rename(temp, name)
	if err == unix.ENOENT && len(c.Levels) > 0 && c.makeFolders(name) == nil {
		err = unix.Rename(temp, name)
	}
	if err == unix.EXDEV {
		err = c.copyOver(f, name)
		_ = unix.Unlink(temp) // it was copied, or cannot be
	} else if err != nil {
		_ = unix.Unlink(temp) // what is told is why it is of no use
	}
	if err != nil {
		return 0, log.Failed(fmt.Sprintf(`rename() "%s" to "%s"`, temp, name), err)
	}
	return st.Blocks * 512, nil
}

// copyOver makes the file name with what f has, which lies on another file system.
func (c *Cache) copyOver(f *fd.Owned, name string) error {
	to, temp, err := c.CreateTemp(name)
	if err != nil {
		return err
	}
	defer to.Close()
	buf := make([]byte, 64<<10)
	for off := int64(0); ; {
		n, err := unix.Pread(f.Raw(), buf, off)
		if err == nil && n == 0 {
			return unix.Rename(temp, name)
		}
		for done := 0; err == nil && done < n; {
			var w int
			w, err = unix.Pwrite(to.Raw(), buf[done:n], off+int64(done))
			done += w
		}
		if err != nil {
			_ = unix.Unlink(temp) // what is told is why it is of no use
			return err
		}
		off += int64(n)
	}
}

// Refresh writes another fixed part of the header to a file, if that is still the
// one that f was when it was opened, with the header that old says.
func (f *File) Refresh(name string, old, h *Header, key []byte) error {
	n, err := unix.Open(name, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err == unix.ENOENT {
		return nil
	}
	if err != nil {
		return log.Failed(fmt.Sprintf(`open() "%s"`, name), err)
	}
	file := fd.New(n)
	defer file.Close()
	var st unix.Stat_t
	if err := unix.Fstat(n, &st); err != nil {
		return log.Failed(fmt.Sprintf(`fstat() "%s"`, name), err)
	}
	if st.Ino != f.Inode || st.Size != f.Size {
		return nil
	}
	buf := make([]byte, old.BodyStart)
	if got, err := unix.Pread(n, buf, 0); err != nil || got < len(buf) {
		return err
	}
	var now Header
	if now.Parse(buf, key, old.CRC) != nil || now.LastModified != old.LastModified || now.BodyStart != old.BodyStart {
		return nil
	}
	h.Put(buf)
	if _, err := unix.Pwrite(n, buf[:HeaderSize], 0); err != nil {
		return log.Failed(fmt.Sprintf(`pwrite() "%s"`, name), err)
	}
	return nil
}

// remove removes the file of k.
func (c *Cache) remove(k Key) {
	name := string(c.AppendName(nil, k))
	if err := unix.Unlink(name); err != nil && c.tell != nil {
		c.tell.Logf(log.Crit, 0, `unlink() "%s" failed (%s)`, name, log.ErrText(err))
	}
}

// blockSize is the size of blocks of the file system that dir is on.
func blockSize(dir string) int64 {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil || st.Bsize <= 0 || st.Bsize%512 != 0 {
		return 512
	}
	return st.Bsize
}

// available is how many bytes are free on the file system that dir is on.
func available(dir string) int64 {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return 1<<63 - 1
	}
	return int64(st.Bavail) * st.Bsize
}
