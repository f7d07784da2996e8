package http

import (
	"github.com/baton-project/baton/internal/wire/h2"
)

// Frames may be as large as frames can be: those of bodies are taken as they come,
// and held to the windows, header blocks are held to the limits of
// large_client_header_buffers, and no other frame is large.
const h2FrameMost = h2.MaxFrameEver

// h2Part is what is still to come of a large DATA frame.
type h2Part struct {
	stream  uint32
	data    int
	padding int // bytes behind the data
	last    bool
}

func (p *h2Part) left() int { return p.data + p.padding }

// takeLarge takes the beginning of a frame that is larger than what clients usually
// send. It returns 0 when more of it has to come first.
func (h *h2Conn) takeLarge(head h2.Head, b []byte) (used int, ok bool) {
	switch {
	case head.Type != h2.Data || h.block.open || head.Length > h2FrameMost:
		if head.Length <= h2FrameMost && (head.Type == h2.Headers || head.Type == h2.Continuation) && int64(head.Length) <= h.blockLimit() {
			return 0, true
		}
		return 0, h.fail(h2.FrameSizeError, "client sent frame with too large length %d", head.Length)
	case head.Flags&h2.FlagPadded == 0:
		h.part = h2Part{stream: head.Stream, data: head.Length, last: head.Flags&h2.FlagEndStream != 0}
		return h2.HeadSize, true
	case len(b) == h2.HeadSize:
		return 0, true
	}
	padding := int(b[h2.HeadSize])
	h.part = h2Part{stream: head.Stream, data: head.Length - 1 - padding, padding: padding, last: head.Flags&h2.FlagEndStream != 0}
	return h2.HeadSize + 1, h.takePiece(head.Stream, nil, 1, false)
}

// takePart takes more of a large DATA frame.
func (h *h2Conn) takePart(b []byte) (used int, ok bool) {
	p := &h.part
	data := min(len(b), p.data)
	padding := min(len(b)-data, p.padding)
	if data+padding == 0 {
		return 0, true
	}
	p.data -= data
	p.padding -= padding
	return data + padding, h.takePiece(p.stream, b[:data], int64(padding), p.last && p.left() == 0)
}

// blockLimit is how large a header block may be, packed.
func (h *h2Conn) blockLimit() int64 {
	large := h.c.site.server.conf.LargeBuffers.V
	return int64(large.Num)*large.Size + h2.MaxFrame
}

// enough is memory for all of the frame that b begins with, buffer if that will do.
func (h *h2Conn) enough(buffer, b []byte) []byte {
	need := len(b) + h2.HeadSize
	if len(b) >= h2.HeadSize && h.prefaced {
		if head := h2.ParseHead(b); head.Type == h2.Headers || head.Type == h2.Continuation {
			need = max(need, h2.HeadSize+head.Length) // takeLarge has found it bearable
		}
	}
	if need <= len(buffer) {
		return buffer
	}
	larger := make([]byte, need)
	copy(larger, b)
	return larger
}
