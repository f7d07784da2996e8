package http

import (
	"errors"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/wire/h1"
	"golang.org/x/sys/unix"
)

// sendHead puts the head into the buffer.
func (x *exchange) sendHead(r *Request) error {
	if r.Head.Version == h1.HTTP09 {
		return nil
	}
	out, h := &r.Out, &x.head
	*h = h1.Response{
		Status: out.Status, StatusLine: out.StatusLine,
		Server: ServerProduct, Date: x.conn.worker.dateNow(),
		ContentType: out.ContentType, Charset: out.Charset,
		ContentLength: out.ContentLength, LastModified: out.LastModified,
		Chunked: r.chunked, Connection: h1.ConnectionClose, Fields: r.fields,
		Vary: r.gzip.varies && r.loc.gzip.Vary.V,
	}
	if r.loc.answers.Tokens.V == TokensOff {
		h.Server = "nginx"
	}
	if out.typeLine != "" && out.typeRead == [2]string{out.ContentType, out.Charset} {
		h.ContentType, h.Charset = out.typeLine, ""
	}
	if !r.plainLocation {
		h.Location = out.Location
	}
	switch {
	case out.Status == 101:
		h.Connection = h1.ConnectionUpgrade
	case r.keepAlive:
		h.Connection = h1.ConnectionKeepAlive
		h.KeepAliveTimeout = int64(r.loc.conn.keepaliveHeader / time.Second)
	}
	if len(out.Headers) > 0 || out.WithoutServer || out.WithoutDate {
		x.takeOver(r)
	}
	before := len(x.out)
	x.out = h.Append(x.out)
	r.headSize = int64(len(x.out) - before)
	if r.pacer != nil {
		return x.paceHead(before)
	}
	r.sent += r.headSize
	if len(x.out) > outSize {
		return x.flush()
	}
	return nil
}

// takeOver lets lines of an upstream stand for those that the server would
// write itself.
func (x *exchange) takeOver(r *Request) {
	if _, ok := r.Out.Headers.Lookup("Server"); ok || r.Out.WithoutServer {
		x.head.Server = ""
	}
	if _, ok := r.Out.Headers.Lookup("Date"); ok || r.Out.WithoutDate {
		x.head.Date = ""
	}
}

// sendContinue asks for the body.
func (x *exchange) sendContinue() error {
	const line = "HTTP/1.1 100 Continue\r\n\r\n"
	x.out = append(x.out, line...)
	x.req.interim += int64(len(line))
	return x.flush()
}

// Write puts p into the buffer, or sends it behind what is there.
func (x *exchange) Write(p []byte) error {
	r := &x.req
	before := len(x.out)
	if r.chunked {
		x.out = h1.AppendChunkSize(x.out, int64(len(p)))
	}
	if len(x.out)+len(p)+len(h1.ChunkEnd) <= outSize {
		x.out = append(x.out, p...)
	} else {
		r.sent += int64(len(x.out) - before)
		if err := x.flushWith(p); err != nil {
			return err
		}
		r.sent += int64(len(p))
		before = 0
	}
	if r.chunked {
		x.out = append(x.out, h1.ChunkEnd...)
	}
	r.sent += int64(len(x.out) - before)
	return nil
}

// SendFile sends a small piece of a file from the buffer, so that it leaves
// together with its head, and a larger one by sendfile(2).
func (x *exchange) SendFile(f *fd.Owned, off, n int64) error {
	r := &x.req
	before := len(x.out)
	if r.chunked {
		x.out = h1.AppendChunkSize(x.out, n)
	}
	r.sent += int64(len(x.out) - before)
	var err error
	switch {
	case n <= smallFile && int(n)+len(x.out)+len(h1.ChunkEnd) <= outSize:
		err = x.copyPiece(f, off, int(n))
	case r.loc.paths.Sendfile.V:
		err = x.sendfile(f, off, n)
	default:
		err = x.copyFile(f, off, n)
	}
	if err != nil {
		return err
	}
	r.sent += n
	if r.chunked {
		x.out = append(x.out, h1.ChunkEnd...)
		r.sent += int64(len(h1.ChunkEnd))
	}
	return nil
}

// errTruncated says that a file became shorter while it was sent.
var errTruncated = errors.New("file was truncated")

// copyPiece reads n bytes of f into the free room of the buffer.
func (x *exchange) copyPiece(f *fd.Owned, off int64, n int) error {
	at := len(x.out)
	for n > 0 {
		got, err := unix.Pread(f.Raw(), x.out[at:at+n], off)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			x.req.LogErr(log.Crit, err, "pread() failed")
			return err
		case got == 0:
			x.req.Logf(log.Alert, "pread() read less than expected from a file: it was truncated")
			return errTruncated
		}
		at, n, off = at+got, n-got, off+int64(got)
	}
	x.out = x.out[:at]
	return nil
}

// copyFile sends n bytes of f without sendfile(2).
func (x *exchange) copyFile(f *fd.Owned, off, n int64) error {
	if cap(x.out) < copySize {
		x.out = append(make([]byte, 0, copySize), x.out...)
	}
	first, whole := off, n
	for n > 0 {
		free := int64(cap(x.out) - len(x.out))
		if free == 0 {
			if err := x.flushOf(f, first, whole, off-first); err != nil {
				return err
			}
			continue
		}
		piece := min(n, free)
		if err := x.copyPiece(f, off, int(piece)); err != nil {
			return err
		}
		off, n = off+piece, n-piece
	}
	return nil
}

// sendfile sends the buffer and n bytes of f behind it. Without tcp_nopush the
// buffer is a packet of its own: pages of the file that begin a packet are
// cheaper for both ends than the odd pieces that would follow the head.
func (x *exchange) sendfile(f *fd.Owned, off, n int64) error {
	c := x.conn
	x.prepareWrite()
	if len(x.out) > 0 {
		send := c.Write
		if x.req.loc.conn.TCPNopush.V {
			send = c.WriteMore
		}
		_, err := send(x.out)
		x.out = x.out[:0]
		if err != nil {
			return x.lostWrite("send", err)
		}
	}
	sent, err := x.sendFile(f, off, n)
	if errors.Is(err, errMoving) {
		x.req.abort()
		return err
	}
	if err != nil {
		return x.lostWrite("sendfile", err)
	}
	if sent < n {
		x.req.Logf(log.Alert, "sendfile() reported that a file was truncated at %d", off+sent)
		return errTruncated
	}
	return nil
}

// Flush sends what is in the buffer.
func (x *exchange) Flush() error { return x.flush() }

// Finish ends the body.
func (x *exchange) Finish() error {
	r := &x.req
	before := len(x.out)
	switch {
	case r.chunked && len(r.Out.Trailers) > 0:
		x.out = append(x.out, h1.LastSize...)
		for _, t := range r.Out.Trailers {
			x.out = h1.AppendField(x.out, t.Name, t.Value)
		}
		x.out = append(x.out, "\r\n"...)
	case r.chunked:
		x.out = append(x.out, h1.LastChunk...)
	case r.Out.ContentLength >= 0 && r.sent-r.headSize != r.Out.ContentLength:
		r.keepAlive = false // the client must see that something is missing
	}
	r.sent += int64(len(x.out) - before)
	return nil
}

// flush sends the buffer.
func (x *exchange) flush() error { return x.flushAnd(false) }

// flushAnd sends the buffer. When the socket is then closed at once, the last
// packet waits for that, which saves one.
func (x *exchange) flushAnd(closed bool) error {
	if len(x.out) == 0 {
		return nil
	}
	x.prepareWrite()
	rest, err := x.out, error(nil)
	if x.req.stall != nil && x.conn.secured == nil {
		rest, _, err = x.writeStalling(rest, nil)
	}
	switch {
	case err != nil:
	case closed:
		_, err = x.conn.WriteMore(rest)
	default:
		_, err = x.conn.Write(rest)
	}
	x.out = x.out[:0]
	if err != nil {
		return x.lostWrite("send", err)
	}
	return nil
}

// flushWith sends the buffer and p behind it.
func (x *exchange) flushWith(p []byte) error {
	x.prepareWrite()
	rest, err := x.out, error(nil)
	if x.req.stall != nil && x.conn.secured == nil {
		rest, p, err = x.writeStalling(rest, p)
	}
	if err == nil {
		_, err = x.conn.Writev([][]byte{rest, p})
	}
	x.out = x.out[:0]
	if err != nil {
		return x.lostWrite("writev", err)
	}
	return nil
}

func (x *exchange) prepareWrite() {
	timeout := time.Minute
	if l := x.req.loc; l != nil {
		timeout = l.conn.SendTimeout.V
	}
	x.conn.SetWriteTimeout(timeout)
}

// lostWrite notes that the client cannot be reached any more.
func (x *exchange) lostWrite(call string, err error) error {
	r := &x.req
	x.conn.doing = sendingAnswer
	switch {
	case errors.Is(err, poll.ErrTimeout):
		r.timedOut = true
		r.Logf(log.Info, "client timed out (110: Connection timed out)")
	case errors.Is(err, errDraining):
	default:
		r.LogErr(log.Info, err, "%s() failed", call)
	}
	x.conn.doing = ""
	r.abort()
	return err
}
