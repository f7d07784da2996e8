package http

import (
	"errors"
	"io"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/log"
	"golang.org/x/sys/unix"
)

// A Body is a request's body that was read to its end: in memory, or in a
// temporary file. It belongs to the request and ends with it.
type Body struct {
	Memory []byte // of a body in memory
	Size   int64

	file  *fd.Owned // nil: in memory
	name  string    // of file
	named bool      // it has the name still
}

// Name is that of the file with the body; "" when it has none, or no longer.
func (b *Body) Name() string {
	if b.named {
		return b.name
	}
	return ""
}

// File lends the temporary file with the body from offset 0 on; nil for a body
// in memory. It is good until the request ends.
func (b *Body) File() *fd.Owned { return b.file }

// ReadAt reads from the body, wherever it is, as io.ReaderAt says.
func (b *Body) ReadAt(p []byte, off int64) (int, error) {
	if off >= b.Size {
		return 0, io.EOF
	}
	if b.file == nil {
		n := copy(p, b.Memory[off:])
		if n < len(p) {
			return n, io.EOF
		}
		return n, nil
	}
	read := 0
	for read < len(p) {
		n, err := unix.Pread(b.file.Raw(), p[read:], off+int64(read))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return read, log.Failed(`pread() "`+b.name+`"`, err)
		case n == 0:
			return read, io.EOF
		}
		read += n
	}
	return read, nil
}

// BufferBody reads the whole body: into memory as long as it fits into
// client_body_buffer_size, else, or when client_body_in_file_only says so, into
// a temporary file. Without a body it is empty. A result other than Declined is
// to be returned by the handler. The second call returns the same Body. A
// feature that calls it says so by [Builder.BuffersBody].
func (r *Request) BufferBody() (*Body, Result) {
	if r.buffered != nil {
		return r.buffered, Declined
	}
	b := r.newBody()
	if !r.bodyDiscarded && (!r.body.done || r.Head.ContentLength >= 0) {
		if r.Debugging() {
			r.Logf(log.Debug, "http read client request body")
		}
		if rc := r.readWhole(b); rc != Declined {
			return nil, rc
		}
	}
	r.buffered = b
	return b, Declined
}

// PassBody says that the body is to be passed on while it arrives, if it has not
// arrived already: client_body_in_file_only counts for nothing then.
func (r *Request) PassBody() { r.bodyPasses = true }

// BufferBodyInFile is BufferBody into a temporary file that has a name as long as the
// request lasts, so that it can be placed elsewhere.
func (r *Request) BufferBodyInFile() (*Body, Result) {
	r.bodyInFile = true
	b, rc := r.BufferBody()
	if rc == Declined && b.file == nil {
		rc = r.saveBody(b, b.Memory)
		b.Memory = nil
	}
	return b, rc
}

// bodyRoomSize is how large a body may be for which memory is kept ready.
const bodyRoomSize = 16 << 10

// A bodyRoom is a Body and the memory for a small one.
type bodyRoom struct {
	Body
	memory [bodyRoomSize]byte
}

// newBody is an empty Body, whose room is the request's until it has ended.
func (r *Request) newBody() *Body {
	room := r.conn.worker.bodyRooms.Get().(*bodyRoom)
	room.Body = Body{}
	r.bodyRoom = room
	return &room.Body
}

// bodyMemory has room for size bytes.
func (r *Request) bodyMemory(size int64) []byte {
	if size = max(size, 1); size <= bodyRoomSize {
		return r.bodyRoom.memory[:0:size]
	}
	return make([]byte, 0, size)
}

// readWhole reads the body to its end.
func (r *Request) readWhole(b *Body) Result {
	conf := r.loc.bodies
	size := conf.BufferSize.V
	nearly := size / 4 // nginx then takes a little more room, but for HTTP/2
	if r.isHTTP2() {
		nearly = 1
	}
	if n := r.Head.ContentLength; n >= 0 && n < size+nearly {
		size = n
	}
	onlyFile := conf.InFileOnly.V != bodyFileOff && !r.bodyPasses || r.bodyInFile
	buffer := r.bodyMemory(size)
	var more [1]byte
	for {
		room := buffer[len(buffer):cap(buffer)]
		if len(room) == 0 && r.body.isChunked {
			room = more[:] // it may be at its end: only more bytes make it too large
		}
		n, err := 0, error(nil)
		if len(room) > 0 {
			n, err = r.ReadBody(room)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return r.bodyResult(err)
		}
		if len(buffer) < cap(buffer) {
			buffer, n = buffer[:len(buffer)+n], 0
		}
		if r.body.done && n == 0 {
			break
		}
		if len(buffer) == cap(buffer) && (n > 0 || !r.body.isChunked) {
			if rc := r.saveBody(b, buffer); rc != Declined {
				return rc
			}
			buffer = append(buffer[:0], more[:n]...)
		}
	}
	if b.file == nil && !onlyFile {
		b.Memory, b.Size = buffer, int64(len(buffer))
		return Declined
	}
	return r.saveBody(b, buffer)
}

// bodyResult is how a request ends whose body cannot be read.
func (r *Request) bodyResult(err error) Result {
	var failed *BodyError
	if errors.As(err, &failed) {
		return failed.Status
	}
	r.errStatus = 400
	r.abort()
	return Done
}

// saveBody writes p behind what is in the file of b already.
func (r *Request) saveBody(b *Body, p []byte) Result {
	if b.file == nil {
		if err := r.openBodyFile(b); err != nil {
			r.Logf(log.Crit, "%v", err)
			return r.failBody()
		}
	}
	for len(p) > 0 {
		n, err := unix.Pwrite(b.file.Raw(), p, b.Size)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			r.LogErr(log.Crit, err, `pwrite() "%s" failed`, b.name)
			return r.failBody()
		}
		p = p[n:]
		b.Size += int64(n)
	}
	return Declined
}

// failBody is 500 for a body that is left unread.
func (r *Request) failBody() Result {
	r.keepAlive = false
	return 500
}

// openBodyFile gives b a temporary file, which ends with the request. Its name is
// taken away at once unless client_body_in_file_only keeps it.
func (r *Request) openBodyFile(b *Body) error {
	conf := r.loc.bodies
	w := r.conn.worker
	file, name, err := conf.TempPath.V.create(w.main.env.Prefix, &w.tempNumbers)
	if err != nil {
		return err
	}
	level := log.Notice
	b.named = true
	switch {
	case r.bodyInFile, conf.InFileOnly.V == bodyFileClean:
		r.OnEnd(func() {
			_ = unix.Unlink(name) // somebody may have taken it away
			_ = file.Close()
		})
	case conf.InFileOnly.V == bodyFileOff:
		level, b.named = log.Warn, false
		_ = unix.Unlink(name) // it is ours, and was made just now
		r.OnEnd(func() { _ = file.Close() })
	default:
		r.OnEnd(func() { _ = file.Close() })
	}
	b.file, b.name = file, name
	if r.bodyInFile {
		return nil // which is no news
	}
	r.Logf(level, "a client request body is buffered to a temporary file %s", name)
	return nil
}

// bufferedBody is $request_body: what BufferBody has read, if it is in memory.
func bufferedBody(r *Request) (string, bool) {
	if r.buffered == nil || r.buffered.Memory == nil {
		return "", false
	}
	return View(r.buffered.Memory), true
}

// bufferedFile is $request_body_file: the name of the temporary file.
func bufferedFile(r *Request) (string, bool) {
	if r.buffered == nil || r.buffered.file == nil {
		return "", false
	}
	return r.buffered.name, true
}
