package http

import (
	"errors"
	"strings"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/log"
	"golang.org/x/sys/unix"
)

// pieceSize is how much of a file is in memory at a time for a sink that looks
// at the body; nginx's output_buffers.
const pieceSize = 32 << 10

// EachPiece reads n bytes of f from off, for a sink whose SendFile has to see
// them, and calls take with one piece after the other. A piece may be changed,
// and is valid until take returns. The error is that of take, or says that the
// file could not be read; that is logged.
func (r *Request) EachPiece(f *fd.Owned, off, n int64, take func([]byte) error) error {
	pool := &r.conn.worker.pieces
	buffer, ok := pool.Get().(*[pieceSize]byte)
	if !ok {
		buffer = new([pieceSize]byte)
	}
	defer pool.Put(buffer)
	for n > 0 {
		got, err := unix.Pread(f.Raw(), buffer[:min(n, pieceSize)], off)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			r.LogErr(log.Crit, err, "pread() failed")
			return err
		case got == 0:
			r.Logf(log.Alert, "pread() read less than expected from a file: it was truncated")
			return errTruncated
		}
		if err := take(buffer[:got]); err != nil {
			return err
		}
		off, n = off+int64(got), n-int64(got)
	}
	return nil
}

// WillChangeSize is for a header filter whose sink makes the body longer or
// shorter: its length is not known any more, and it cannot be cut into ranges.
func (o *Response) WillChangeSize() {
	o.ContentLength = -1
	o.AllowRanges = false
	o.Headers.Del("Accept-Ranges") // an upstream's
}

// WeakenETag is for a header filter whose sink changes the body: it says the
// same, but not byte by byte.
func (r *Request) WeakenETag() {
	switch tag := r.Out.ETag; {
	case strings.HasPrefix(tag, "W/"):
	case strings.HasPrefix(tag, `"`):
		r.Out.ETag = r.joined("W/", tag, "")
	default:
		r.Out.ETag = ""
	}
}
