package http

import (
	"errors"
	"slices"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/wire/h1"
	"github.com/baton-project/baton/internal/wire/h2"
	"golang.org/x/sys/unix"
)

// sendHead sends the head, which ends the stream when nothing follows.
func (s *h2Stream) sendHead(r *Request) error {
	h, out := s.h, &r.Out
	date := s.conn.worker.dateNow()
	last := out.HeadersOnly || out.ContentLength == 0 && len(out.Trailers) == 0
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.gone || h.broken {
		return errStreamGone
	}
	from := h.beginBlock()
	b := h2.AppendStatus(h.out, out.Status)
	if _, given := out.Headers.Lookup("Server"); !given {
		product := ServerProduct
		if r.loc.answers.Tokens.V == TokensOff {
			product = "nginx"
		}
		b = h2.AppendNamed(b, h2.NameServer, product)
	}
	if _, given := out.Headers.Lookup("Date"); !given {
		b = h2.AppendNamed(b, h2.NameDate, date)
	}
	b = appendContentType(b, out, r)
	if out.ContentLength >= 0 {
		var digits [20]byte
		b = h2.AppendNamed(b, h2.NameContentLength, View(h1.AppendInt(digits[:0], out.ContentLength)))
	}
	if out.LastModified != h1.NoTime {
		var date [h1.DateLen]byte
		b = h2.AppendNamed(b, h2.NameLastModified, View(h1.AppendDate(date[:0], out.LastModified)))
	}
	if out.Location != "" && !r.plainLocation {
		b = h2.AppendNamed(b, h2.NameLocation, out.Location)
	}
	if r.gzip.varies && r.loc.gzip.Vary.V {
		b = h2.AppendNamed(b, h2.NameVary, "Accept-Encoding")
	}
	for i := range r.fields {
		if f := &r.fields[i]; f.Name != "" {
			b = h2.AppendField(b, f.Name, f.Value)
		}
	}
	h.out = b
	flags := uint8(0)
	if last {
		flags = h2.FlagEndStream
		s.outClosed = true
	}
	before := from - h2.HeadSize
	h.finishBlock(from, s.id, flags)
	r.headSize = int64(len(h.out) - before)
	r.sent += r.headSize
	h.payload += r.headSize
	h.schedule()
	return nil
}

func appendContentType(b []byte, out *Response, r *Request) []byte {
	text := out.ContentType
	switch {
	case text == "":
		return b
	case out.typeLine != "" && out.typeRead == [2]string{out.ContentType, out.Charset}:
		text = out.typeLine
	case out.Charset != "":
		text = r.joined(text, "; charset=", out.Charset)
	}
	return h2.AppendNamed(b, h2.NameContentType, text)
}

// Write sends bytes of the body in frames as large as windows and settings allow.
func (s *h2Stream) Write(p []byte) error {
	for len(p) > 0 {
		n, err := s.await(int64(len(p)))
		if err != nil {
			return err
		}
		s.h.need(h2.HeadSize + n)
		s.dataHead(n)
		s.h.out = append(s.h.out, p[:n]...)
		s.h.mu.Unlock()
		p = p[n:]
	}
	return nil
}

// SendFile sends a piece of a file.
func (s *h2Stream) SendFile(f *fd.Owned, off, n int64) error {
	for n > 0 {
		piece, err := s.await(n)
		if err != nil {
			return err
		}
		s.h.need(h2.HeadSize + piece)
		at := len(s.h.out) + h2.HeadSize
		s.h.out = slices.Grow(s.h.out, h2.HeadSize+piece)
		if err := s.pread(f, s.h.out[at:at+piece], off); err != nil {
			s.h.mu.Unlock()
			return err
		}
		s.dataHead(piece)
		s.h.out = s.h.out[:at+piece]
		s.h.mu.Unlock()
		off, n = off+int64(piece), n-int64(piece)
	}
	return nil
}

// pread fills p from f.
func (s *h2Stream) pread(f *fd.Owned, p []byte, off int64) error {
	for len(p) > 0 {
		n, err := unix.Pread(f.Raw(), p, off)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			s.req.LogErr(log.Crit, err, "pread() failed")
			return err
		case n == 0:
			s.req.Logf(log.Alert, "pread() read less than expected from a file: it was truncated")
			return errTruncated
		}
		p, off = p[n:], off+int64(n)
	}
	return nil
}

// dataHead begins a frame with n bytes of the body, the last one if it completes
// the length that was announced. h.mu is held.
func (s *h2Stream) dataHead(n int) {
	h, r := s.h, &s.req
	r.headSize += h2.HeadSize
	r.sent += int64(h2.HeadSize + n)
	head := h2.Head{Length: n, Type: h2.Data, Stream: s.id}
	if r.sent-r.headSize == r.Out.ContentLength && len(r.Out.Trailers) == 0 {
		head.Flags = h2.FlagEndStream
		s.outClosed = true
	}
	s.sendWindow -= int64(n)
	h.sendWindow -= int64(n)
	h.payload += int64(n)
	h.frame(head)
	h.schedule()
	s.leaveQueue()
}

// await waits until at least one byte may be sent and returns how many, at most
// want. Without an error h.mu is then held.
func (s *h2Stream) await(want int64) (n int, err error) {
	h, r := s.h, &s.req
	chunk := min(want, r.loc.http2.ChunkSize.V)
	for {
		h.mu.Lock()
		if s.gone || h.broken || s.outClosed {
			h.mu.Unlock()
			return 0, errStreamGone
		}
		n := min(chunk, int64(h.frameSize), s.sendWindow, h.sendWindow)
		if n > 0 && (len(h.out) == 0 || int64(len(h.out))+n <= h2OutLimit) && s.isNext() {
			s.stalled = 0
			return int(n), nil
		}
		s.conn.Consumed(poll.Room)
		if s.exhausted = s.sendWindow <= 0; s.exhausted {
			s.leaveQueue()
		} else {
			s.joinQueue()
		}
		h.mu.Unlock()
		if err := s.stall(); err != nil {
			return 0, err
		}
	}
}

// stall waits for room, from the last byte sent on no longer than send_timeout.
func (s *h2Stream) stall() error {
	r := &s.req
	now := s.conn.worker.reactor.Tick()
	if s.stalled == 0 {
		s.stalled = now
	}
	timeout := r.loc.conn.SendTimeout.V
	s.conn.SetWriteTimeout(max(timeout-time.Duration(now-s.stalled)*time.Millisecond, time.Millisecond))
	err := s.conn.AwaitRoom()
	if errors.Is(err, poll.ErrTimeout) {
		r.timedOut = true
		r.Logf(log.Info, "client timed out (110: Connection timed out)%s", sendingAnswer)
	}
	return err
}

// Flush does nothing: what was written leaves by itself.
func (s *h2Stream) Flush() error { return nil }

// Finish ends the stream, with trailers if there are any.
func (s *h2Stream) Finish() error {
	h, r := s.h, &s.req
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case s.outClosed:
		return nil
	case s.gone || h.broken:
		return errStreamGone
	case r.Out.ContentLength >= 0 && r.sent-r.headSize != r.Out.ContentLength:
		return nil // the client must see that something is missing
	}
	s.outClosed = true
	before := int64(len(h.out))
	if len(r.Out.Trailers) == 0 {
		h.frame(h2.Head{Type: h2.Data, Flags: h2.FlagEndStream, Stream: s.id})
	} else {
		from := h.beginBlock()
		for _, t := range r.Out.Trailers {
			if t.Name != "" {
				h.out = h2.AppendField(h.out, t.Name, t.Value)
			}
		}
		h.finishBlock(from, s.id, h2.FlagEndStream)
	}
	size := int64(len(h.out)) - before
	r.sent += size
	r.headSize += size
	h.schedule()
	return nil
}
