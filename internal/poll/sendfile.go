package poll

import (
	"io"
	"unsafe"

	"github.com/baton-project/baton/fd"
	"golang.org/x/sys/unix"
)

const (
	// cachedChunk bounds one sendfile(2) of bytes that are in memory, so that a
	// fast client does not hold up the others for more than some 0.3 ms; nginx's
	// sendfile_max_chunk.
	cachedChunk = 2 << 20

	// unknownChunk bounds one that may have to wait for the disk. From memory it
	// is done before the runtime's monitor looks, which would be dear.
	unknownChunk = 64 << 10

	pageSize = 4096 // of most machines; on others only a little slower
)

// Sendfile sends n bytes of f from offset off, without moving f's own offset.
// It returns how much went out: less than n only with an error, which is
// [io.ErrUnexpectedEOF] when the file ended before. f stays the caller's.
//
// The file may have to be read from disk. What is in memory goes the short way
// of the other calls; for the rest the runtime is told that the call may take
// long, so that other connections go on meanwhile.
func (c *Conn) Sendfile(f *fd.Owned, off, n int64) (sent int64, err error) {
	if err := c.notReady(); err != ErrAgain {
		return 0, err
	}
	for sent < n {
		m, err := c.sendPiece(f.Raw(), off+sent, n-sent)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			err = c.wait(writing)
		case err == nil && m == 0:
			err = io.ErrUnexpectedEOF
		case err == nil:
			sent += m
		}
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// sendPiece is one sendfile(2) of at most n bytes.
func (c *Conn) sendPiece(file int, off, n int64) (sent int64, err error) {
	c.roomUsed()
	if chunk := untilPage(off, n, cachedChunk); isCached(file, off+chunk-1) {
		m, errno := rawSendfile(int(c.descriptor), file, off, chunk)
		return int64(m), result(errno)
	}
	m, err := unix.Sendfile(int(c.descriptor), file, &off, int(untilPage(off, n, unknownChunk)))
	return int64(m), err
}

// untilPage is n, or if that is more than limit, about limit: so much that the
// rest begins with a page of its own.
func untilPage(off, n, limit int64) int64 {
	if n <= limit {
		return n
	}
	return limit - (off+limit)%pageSize
}

// isCached reports whether the byte of file at off can be read from memory. It
// is false, too, where the file system cannot tell, such as tmpfs, and at the
// end of the file.
func isCached(file int, off int64) bool {
	var b [1]byte
	vector := unix.Iovec{Base: &b[0]}
	vector.SetLen(1)
	n, _, _ := unix.RawSyscall6(unix.SYS_PREADV2, uintptr(file), uintptr(unsafe.Pointer(&vector)), 1,
		uintptr(off), uintptr(uint64(off)>>32), unix.RWF_NOWAIT)
	return n == 1
}
