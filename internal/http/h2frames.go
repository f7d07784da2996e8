package http

import (
	"fmt"
	"time"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/wire/h2"
)

// h2Block is a header block that comes in several frames.
type h2Block struct {
	open   bool
	stream uint32
	flags  uint8 // of its first frame
	text   []byte
	frames int
}

// take takes the whole frames in b and returns how many bytes they had. It reports
// false when the connection came to its end.
func (h *h2Conn) take(b []byte) (used int, ok bool) {
	if !h.prefaced {
		n := min(len(b), len(h2.Preface))
		if string(b[:n]) != h2.Preface[:n] {
			return 0, h.fail(h2.ProtocolError, "invalid connection preface")
		}
		if n < len(h2.Preface) {
			return 0, true
		}
		h.prefaced = true
		used = n
	}
	for {
		if h.part.left() > 0 {
			n, ok := h.takePart(b[used:])
			if used += n; !ok {
				return used, false
			}
		}
		if len(b)-used < h2.HeadSize {
			break
		}
		head := h2.ParseHead(b[used:])
		if head.Length > h2.MaxFrame {
			n, ok := h.takeLarge(head, b[used:])
			if used += n; !ok {
				return used, false
			}
			if n > 0 {
				continue
			}
		}
		if len(b)-used < h2.HeadSize+head.Length {
			break
		}
		used += h2.HeadSize
		body := b[used : used+head.Length]
		used += head.Length
		if !h.takeFrame(head, body) {
			return used, false
		}
	}
	return used, true
}

// hopeless reports whether the first bytes of a frame tell that it will not do,
// whatever comes: a client that has lost count need not be waited for.
func (h *h2Conn) hopeless(b []byte) bool {
	if !h.prefaced || len(b) <= h2.HeadSize || len(b) > 64 {
		return false
	}
	head := h2.ParseHead(b)
	return head.Type == h2.Headers && head.Flags&(h2.FlagPadded|h2.FlagPriority) == 0 && h2.Hopeless(b[h2.HeadSize:])
}

// fail ends the connection because of what the client has sent; it is false.
func (h *h2Conn) fail(why h2.Code, format string, args ...any) bool {
	h.c.logf(log.Info, "%s%s", fmt.Sprintf(format, args...), processingH2)
	h.finalize(why)
	return false
}

func (h *h2Conn) takeFrame(head h2.Head, body []byte) bool {
	if h.block.open && head.Type != h2.Continuation {
		return h.fail(h2.ProtocolError, "client sent inappropriate frame while CONTINUATION was expected")
	}
	if h.c.debug {
		h.c.debugf("http2 frame type:%d f:%X l:%d sid:%d", head.Type, head.Flags, head.Length, head.Stream)
	}
	switch head.Type {
	case h2.Data:
		return h.takeData(head, body)
	case h2.Headers:
		return h.takeHeaders(head, body)
	case h2.Priority:
		return h.takePriority(head, body)
	case h2.RSTStream:
		return h.takeReset(head, body)
	case h2.Settings:
		return h.takeSettings(head, body)
	case h2.PushPromise:
		return h.fail(h2.ProtocolError, "client sent PUSH_PROMISE frame")
	case h2.Ping:
		return h.takePing(head, body)
	case h2.GoAway:
		return h.takeGoAway(head, body)
	case h2.WindowUpdate:
		return h.takeWindowUpdate(head, body)
	case h2.Continuation:
		return h.takeContinuation(head, body)
	}
	return true // to be ignored
}

// unpad takes the padding off a frame; ok is false when there is less than that.
func unpad(head h2.Head, body []byte) (rest []byte, padding int, ok bool) {
	if head.Flags&h2.FlagPadded == 0 {
		return body, 0, true
	}
	if len(body) == 0 || int(body[0]) > len(body)-1 {
		return nil, 0, false
	}
	padding = int(body[0])
	return body[1 : len(body)-padding], padding, true
}

func (h *h2Conn) takeData(head h2.Head, body []byte) bool {
	data, _, ok := unpad(head, body)
	switch {
	case !ok && len(body) == 0:
		return h.fail(h2.FrameSizeError, "client sent padded DATA frame with incorrect length: 0")
	case !ok:
		return h.fail(h2.ProtocolError, "client sent padded DATA frame with incorrect length: %d, padding: %d", len(body)-1, body[0])
	}
	return h.takePiece(head.Stream, data, int64(len(body)-len(data)), head.Flags&h2.FlagEndStream != 0)
}

// takePiece takes bytes of a body, and padding, of a DATA frame or a part of one.
func (h *h2Conn) takePiece(id uint32, data []byte, padding int64, last bool) bool {
	size := int64(len(data)) + padding
	switch {
	case !h.hasBegun(id):
		return h.fail(h2.ProtocolError, "client sent DATA frame with incorrect identifier")
	case size > h.recvWindow:
		return h.fail(h2.FlowControlError, "client violated connection flow control: received DATA frame length %d, available window %d", size, h.recvWindow)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.recvWindow -= size
	if h.recvWindow < h2.MaxWindow/4 {
		h.widen(0, h2.MaxWindow-h.recvWindow)
		h.recvWindow = h2.MaxWindow
	}
	s := h.streams[id]
	if s == nil {
		if id <= h.last && !h.endedEarly(id) {
			h.reset(id, h2.StreamClosed)
		}
		return true
	}
	switch {
	case s.canceled:
		h.reset(id, h2.StreamClosed)
		return true
	case s.gone:
		return true
	case size > s.recvWindow+max(0, h2BodyWindow-s.recvMost):
		// What will be added when somebody reads the body counts already: clients that
		// do not wait for it get along with nginx, which reads before it looks further.
		h.c.logf(log.Info, "client violated flow control for stream %d: received DATA frame length %d, available window %d%s",
			s.id, size, s.recvWindow, processingH2)
		h.terminate(s, h2.FlowControlError)
		return true
	case s.inClosed:
		h.c.logf(log.Info, "client sent DATA frame for half-closed stream %d%s", s.id, processingH2)
		h.terminate(s, h2.StreamClosed)
		return true
	}
	s.recvWindow -= size
	s.takeData(data, padding, last)
	return true
}

// hasBegun reports whether the client has begun a stream, be it one that is not
// served because our GOAWAY was on its way: what comes on that is to be ignored
// (RFC 9113, 6.8).
func (h *h2Conn) hasBegun(id uint32) bool { return id%2 == 1 && id <= h.begunLast }

// endedEarly reports whether we have ended a stream on which the client may go on
// for a while. mu is held.
func (h *h2Conn) endedEarly(id uint32) bool {
	for _, early := range h.early {
		if early == id {
			return true
		}
	}
	return false
}

// terminate ends a stream because of what the client has sent on it. mu is held.
func (h *h2Conn) terminate(s *h2Stream, why h2.Code) {
	if s.gone {
		return
	}
	if !s.resetSent {
		s.resetSent = true
		h.reset(s.id, why)
	}
	s.gone = true
	s.conn.Report(poll.Input | poll.Room | poll.Ended)
}

func (h *h2Conn) takePriority(head h2.Head, body []byte) bool {
	h.priorities--
	switch {
	case len(body) != 5:
		return h.fail(h2.FrameSizeError, "client sent PRIORITY frame with incorrect length %d", len(body))
	case h.priorities < 0:
		return h.fail(h2.EnhanceYourCalm, "client sent too many PRIORITY frames")
	case head.Stream == 0:
		return h.fail(h2.ProtocolError, "client sent PRIORITY frame with incorrect identifier")
	case h2.Uint31(body) == head.Stream:
		return h.fail(h2.ProtocolError, "client sent PRIORITY frame for stream %d with incorrect dependency", head.Stream)
	}
	depends, weight, exclusive := h2.ParsePriority(body)
	h.prioritize(head.Stream, depends, weight, exclusive)
	return true
}

// maxCancels is how many streams a client may give up within a second.
const maxCancels = 500

func (h *h2Conn) takeReset(head h2.Head, body []byte) bool {
	switch {
	case len(body) != 4:
		return h.fail(h2.FrameSizeError, "client sent RST_STREAM frame with incorrect length %d", len(body))
	case !h.hasBegun(head.Stream):
		return h.fail(h2.ProtocolError, "client sent RST_STREAM frame with incorrect identifier")
	}
	if tick := h.c.worker.reactor.Tick(); tick-h.cancelFrom > time.Second.Milliseconds() {
		h.cancelFrom, h.cancels = tick, 0
	}
	if h.cancels++; h.cancels > max(maxCancels, 2*h.conf.MaxStreams.V) {
		return h.fail(h2.EnhanceYourCalm, "client canceled too many streams")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.streams[head.Stream]
	if s == nil {
		for i, early := range h.early {
			if early == head.Stream {
				h.early[i] = 0 // nothing more may come
			}
		}
		return true
	}
	switch why := h2.Code(uint32(body[0])<<24 | uint32(body[1])<<16 | uint32(body[2])<<8 | uint32(body[3])); why {
	case h2.Cancel:
		h.c.logf(log.Info, "client canceled stream %d", s.id)
	case h2.InternalError:
		h.c.logf(log.Info, "client terminated stream %d due to internal error", s.id)
	default:
		h.c.logf(log.Info, "client terminated stream %d with status %d", s.id, why)
	}
	s.cut = !s.inClosed
	s.inClosed, s.resetSent, s.gone, s.canceled = true, true, true, true
	s.conn.Report(poll.Input | poll.Room | poll.Ended)
	return true
}

func (h *h2Conn) takeSettings(head h2.Head, body []byte) bool {
	switch {
	case head.Stream != 0:
		return h.fail(h2.ProtocolError, "client sent SETTINGS frame with incorrect identifier")
	case head.Flags&h2.FlagAck != 0 && len(body) != 0:
		return h.fail(h2.FrameSizeError, "client sent SETTINGS frame with the ACK flag and nonzero length")
	case head.Flags&h2.FlagAck != 0:
		h.settled = true
		return true
	case len(body)%h2.SettingSize != 0:
		return h.fail(h2.FrameSizeError, "client sent SETTINGS frame with incorrect length %d", len(body))
	}
	for ; len(body) > 0; body = body[h2.SettingSize:] {
		name, value := h2.ParseSetting(body)
		switch {
		case name == h2.InitialWindowSize && value > h2.MaxWindow:
			return h.fail(h2.FlowControlError, "client sent SETTINGS frame with incorrect INITIAL_WINDOW_SIZE value %d", value)
		case name == h2.MaxFrameSize && (value < h2.MaxFrame || value > h2.MaxFrameEver):
			return h.fail(h2.ProtocolError, "client sent SETTINGS frame with incorrect MAX_FRAME_SIZE value %d", value)
		case name == h2.EnablePush && value > 1:
			return h.fail(h2.ProtocolError, "client sent SETTINGS frame with incorrect ENABLE_PUSH value %d", value)
		}
		if !h.apply(name, value) {
			return h.fail(h2.FlowControlError, "client sent SETTINGS frame with incorrect INITIAL_WINDOW_SIZE value %d", value)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.control()
	h.frame(h2.Head{Type: h2.Settings, Flags: h2.FlagAck})
	h.schedule()
	return true
}

// apply applies a setting. It reports false when a window became too large.
func (h *h2Conn) apply(name h2.Setting, value uint32) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch name {
	case h2.InitialWindowSize:
		delta := int64(value) - h.initWindow
		h.initWindow = int64(value)
		for _, s := range h.streams {
			if s.sendWindow += delta; s.sendWindow > h2.MaxWindow {
				return false
			}
			s.rejoinQueue()
		}
	case h2.MaxFrameSize:
		h.frameSize, h.blockSize = int(min(value, h2OutLimit/2)), int(value)
	case h2.HeaderTableSize:
		h.tableUpdate = true
	}
	return true
}

func (h *h2Conn) takePing(head h2.Head, body []byte) bool {
	switch {
	case len(body) != 8:
		return h.fail(h2.FrameSizeError, "client sent PING frame with incorrect length %d", len(body))
	case head.Stream != 0:
		return h.fail(h2.ProtocolError, "client sent PING frame with incorrect identifier")
	case head.Flags&h2.FlagAck != 0:
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.control()
	h.frame(h2.Head{Length: 8, Type: h2.Ping, Flags: h2.FlagAck})
	h.out = append(h.out, body...)
	h.schedule()
	return true
}

func (h *h2Conn) takeGoAway(head h2.Head, body []byte) bool {
	switch {
	case len(body) < 8:
		return h.fail(h2.FrameSizeError, "client sent GOAWAY frame with incorrect length %d", len(body))
	case head.Stream != 0:
		return h.fail(h2.ProtocolError, "client sent GOAWAY frame with incorrect identifier")
	}
	return true // it ends the connection itself
}

func (h *h2Conn) takeWindowUpdate(head h2.Head, body []byte) bool {
	if len(body) != 4 {
		return h.fail(h2.FrameSizeError, "client sent WINDOW_UPDATE frame with incorrect length %d", len(body))
	}
	by := int64(h2.Uint31(body))
	switch {
	case head.Stream != 0 && !h.hasBegun(head.Stream):
		return h.fail(h2.ProtocolError, "client sent WINDOW_UPDATE frame with incorrect identifier")
	case by == 0:
		return h.fail(h2.ProtocolError, "client sent WINDOW_UPDATE frame with incorrect window increment 0")
	case head.Stream == 0:
		h.mu.Lock()
		before := h.sendWindow
		h.sendWindow += by
		if before <= 0 {
			h.wakeNext()
		}
		h.mu.Unlock()
		if before+by > h2.MaxWindow {
			return h.fail(h2.FlowControlError, "client violated connection flow control: received WINDOW_UPDATE frame with window increment %d not allowed for window %d", by, before)
		}
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.streams[head.Stream]
	if s == nil {
		return true
	}
	if by > h2.MaxWindow-s.sendWindow {
		h.c.logf(log.Info, "client violated flow control for stream %d: received WINDOW_UPDATE frame with window increment %d not allowed for window %d%s",
			s.id, by, s.sendWindow, processingH2)
		h.terminate(s, h2.FlowControlError)
		return true
	}
	s.sendWindow += by
	s.rejoinQueue()
	return true
}
