package http

import (
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/wire/h2"
)

// room makes sure that there is memory for frames. mu is held.
func (h *h2Conn) room() {
	if h.out == nil {
		h.out = *h.c.worker.frameOuts.Get().(*[]byte)
	}
}

// need makes sure that n bytes fit behind out, of which streams have no more than
// h2OutLimit. mu is held.
func (h *h2Conn) need(n int) {
	h.room()
	if cap(h.out)-len(h.out) >= n || cap(h.out) >= h2LargeSize {
		return
	}
	w := h.c.worker
	small := h.out[:0]
	h.out = append((*w.largeOuts.Get().(*[h2LargeSize]byte))[:0], h.out...)
	if cap(small) <= h2OutSize {
		w.frameOuts.Put(&small)
	}
}

// putOut takes a buffer back that was written.
func (w *Worker) putOut(out []byte) {
	switch cap(out) {
	case h2OutSize:
		out = out[:0]
		w.frameOuts.Put(&out)
	case h2LargeSize:
		w.largeOuts.Put((*[h2LargeSize]byte)(out[:h2LargeSize]))
	}
}

// frame begins a frame in out. mu is held.
func (h *h2Conn) frame(head h2.Head) {
	h.room()
	h.out = head.Append(h.out)
}

// control is room for what answers the client's frames, of which there is no more
// than a client that reads would leave unread. mu is held.
func (h *h2Conn) control() {
	h.room()
	if len(h.out) > h2Flood && !h.broken {
		h.c.logf(log.Info, "http2 flood detected%s", processingH2)
		h.broken = true
		h.out = h.out[:0]
		h.c.Wake(errH2Lost)
	}
}

// schedule has out written soon: behind the streams that the reactor is about to
// call, so that what they answer leaves in one write. mu is held.
func (h *h2Conn) schedule() {
	if !h.writing && len(h.out) > 0 && !h.broken {
		h.writing = true
		h.flusher.ServeNow()
	}
}

// Expire is never called.
func (*h2Flusher) Expire(*poll.Conn) {}

// Serve writes until nothing is left.
func (f *h2Flusher) Serve(*poll.Conn) {
	h := f.h
	w := h.c.worker
	defer h.close()
	defer func() {
		if reason := recover(); reason != nil {
			h.c.logPanic(reason)
			h.lostWrite()
		}
	}()
	for {
		h.mu.Lock()
		if len(h.out) == 0 || h.broken {
			h.writing = false
			h.mu.Unlock()
			return
		}
		out := h.out
		h.out = nil
		h.wakeNext()
		h.mu.Unlock()
		h.c.SetWriteTimeout(h.c.site.server.whole.conn.SendTimeout.V)
		_, err := h.c.Write(out)
		w.putOut(out)
		if err != nil {
			h.lostWriting(err)
			h.lostWrite()
			return
		}
	}
}

// lostWriting writes to the log why nothing can be written.
func (h *h2Conn) lostWriting(err error) {
	switch err {
	case errH2Lost, errDraining:
	case poll.ErrTimeout:
		h.c.logf(log.Info, "client timed out (110: Connection timed out)%s", processingH2)
	default:
		h.c.logf(log.Info, "send() failed (%s)%s", log.ErrText(err), processingH2)
	}
}

// lostWrite ends everything after a write that failed. If the connection is at rest
// it is taken from there when the last stream is gone.
func (h *h2Conn) lostWrite() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.writing = false
	h.broken, h.goaway = true, true
	h.out = nil
	h.endStreams()
}

// reset ends a stream. mu is held.
func (h *h2Conn) reset(id uint32, why h2.Code) {
	if h.broken {
		return
	}
	h.control()
	h.out = h2.AppendReset(h.out, id, why)
	h.schedule()
}

// widen opens a window of the client's. mu is held.
func (h *h2Conn) widen(id uint32, by int64) {
	if by <= 0 || h.broken {
		return
	}
	h.control()
	h.out = h2.AppendWindowUpdate(h.out, id, uint32(by))
	h.schedule()
}

// appendBlock appends a header block that begins at from, of which the head of its
// frame was left room for before, in as many frames as need be. mu is held.
func (h *h2Conn) finishBlock(from int, id uint32, flags uint8) {
	n := len(h.out) - from
	if n <= h.blockSize {
		head := h2.Head{Length: n, Type: h2.Headers, Flags: flags | h2.FlagEndHeaders, Stream: id}
		head.Append(h.out[:from-h2.HeadSize])
		return
	}
	block := append([]byte(nil), h.out[from:]...)
	h.out = h.out[:from-h2.HeadSize]
	kind := h2.Headers
	for len(block) > 0 {
		n := min(len(block), h.blockSize)
		if n == len(block) {
			flags |= h2.FlagEndHeaders
		}
		h.out = h2.Head{Length: n, Type: kind, Flags: flags, Stream: id}.Append(h.out)
		h.out = append(h.out, block[:n]...)
		block, kind, flags = block[n:], h2.Continuation, 0
	}
}

// beginBlock leaves room for the head of a frame and returns where the block
// begins. mu is held.
func (h *h2Conn) beginBlock() (from int) {
	h.frame(h2.Head{})
	from = len(h.out)
	if h.tableUpdate {
		h.tableUpdate = false
		h.out = h2.AppendTableSize(h.out)
	}
	return from
}
