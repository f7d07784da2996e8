package http

import (
	"errors"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
	"github.com/baton-project/baton/internal/wire/h2"
)

// takeHeaders takes the frame that begins a stream, or ends one with trailers.
func (h *h2Conn) takeHeaders(head h2.Head, body []byte) bool {
	least := 0
	if head.Flags&h2.FlagPadded != 0 {
		least++
	}
	if head.Flags&h2.FlagPriority != 0 {
		least += 5
	}
	switch {
	case len(body) < least:
		return h.fail(h2.FrameSizeError, "client sent HEADERS frame with incorrect length %d", len(body))
	case len(body) == least:
		return h.fail(h2.FrameSizeError, "client sent HEADERS frame with empty header block")
	}
	block, _, ok := unpad(head, body)
	if !ok {
		return h.fail(h2.ProtocolError, "client sent padded HEADERS frame with incorrect length: %d, padding: %d", len(body)-least, body[0])
	}
	depends, weight, exclusive := uint32(0), uint16(0), false
	if head.Flags&h2.FlagPriority != 0 {
		if len(block) < 5 {
			return h.fail(h2.ProtocolError, "client sent padded HEADERS frame with incorrect length: %d, padding: %d", len(body)-least, body[0])
		}
		depends, weight, exclusive = h2.ParsePriority(block)
		block = block[5:]
	}
	switch {
	case head.Stream%2 == 0:
		return h.fail(h2.ProtocolError, "client sent HEADERS frame with incorrect identifier %d, the last was %d", head.Stream, h.last)
	case depends == head.Stream:
		return h.fail(h2.ProtocolError, "client sent HEADERS frame for stream %d with incorrect dependency", head.Stream)
	case head.Stream <= h.last:
		if ok, why := h.mayEnd(head); !ok {
			return h.fail(why, "client sent HEADERS frame with incorrect identifier %d, the last was %d", head.Stream, h.last)
		}
	}
	if weight != 0 && head.Stream > h.last {
		h.prioritize(head.Stream, depends, weight, exclusive)
	}
	if head.Flags&h2.FlagEndHeaders == 0 {
		h.block = h2Block{open: true, stream: head.Stream, flags: head.Flags, text: append(h.block.text[:0], block...)}
		return true
	}
	return h.takeBlock(head.Stream, head.Flags, block)
}

// mayEnd reports whether a header block may be the trailers of a stream.
func (h *h2Conn) mayEnd(head h2.Head) (ok bool, why h2.Code) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.streams[head.Stream]
	switch {
	case s == nil && h.endedEarly(head.Stream):
		return true, 0
	case s == nil, s.canceled, s.inClosed && !s.gone:
		return false, h2.StreamClosed
	}
	return head.Flags&h2.FlagEndStream != 0, h2.ProtocolError
}

// takeContinuation takes more of a header block.
func (h *h2Conn) takeContinuation(head h2.Head, body []byte) bool {
	b := &h.block
	switch {
	case !b.open:
		return h.fail(h2.ProtocolError, "client sent unexpected CONTINUATION frame")
	case head.Stream != b.stream:
		return h.fail(h2.ProtocolError, "client sent CONTINUATION frame with incorrect identifier")
	}
	b.text = append(b.text, body...)
	b.frames++
	if int64(len(b.text)) > h.blockLimit() || b.frames > 1000 {
		return h.fail(h2.EnhanceYourCalm, "client sent too large header")
	}
	if head.Flags&h2.FlagEndHeaders == 0 {
		return true
	}
	b.open = false
	ok := h.takeBlock(b.stream, b.flags, b.text)
	b.text = nil
	return ok
}

// takeBlock takes a whole header block.
func (h *h2Conn) takeBlock(id uint32, flags uint8, block []byte) bool {
	fresh := id > h.last
	if fresh && !h.isGoing() {
		h.last = id
	}
	h.begunLast = max(h.begunLast, id)
	s := h.c.worker.h2Streams.Get().(*h2Stream)
	s.packed = len(block)
	ok := s.decode(h, block)
	if !ok {
		h.c.worker.h2Streams.Put(s)
		return false
	}
	if !fresh {
		h.c.worker.h2Streams.Put(s)
		h.mu.Lock()
		defer h.mu.Unlock()
		if open := h.streams[id]; open != nil && !open.inClosed {
			open.takeData(nil, 0, true)
		}
		return true
	}
	if h.isGoing() {
		h.c.worker.h2Streams.Put(s)
		return true
	}
	if refused, ok := h.refuses(id, flags); refused {
		h.c.worker.h2Streams.Put(s)
		return ok
	}
	h.open(s, id, flags&h2.FlagEndStream != 0)
	return true
}

func (h *h2Conn) isGoing() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.goaway
}

// refuses refuses a stream when there are too many. It is not ok when that was
// once too often.
func (h *h2Conn) refuses(id uint32, flags uint8) (refused, ok bool) {
	h.mu.Lock()
	most, now := h.conf.MaxStreams.V, len(h.streams)
	h.mu.Unlock()
	switch {
	case now >= most:
		h.c.logf(log.Info, "concurrent streams exceeded %d%s", now, processingH2)
	case h.newStreams >= 2*most:
		h.c.logf(log.Info, "client sent too many streams at once%s", processingH2)
	case !h.settled && flags&h2.FlagEndStream == 0 && h.conf.Preread.V < h2.Window:
		h.c.logf(log.Info, "client sent stream with data before settings were acknowledged%s", processingH2)
	default:
		h.newStreams++
		return false, true
	}
	if now < most {
		h.newStreams++
	}
	if h.refused++; h.refused > max(most, 100)+1 {
		return true, h.fail(h2.NoError, "client sent too many refused streams")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reset(id, h2.RefusedStream)
	return true, true
}

// decode decodes a header block into the stream's memory. It reports false when the
// connection came to its end.
func (s *h2Stream) decode(h *h2Conn, block []byte) bool {
	large := h.c.site.server.conf.LargeBuffers.V
	limit := int64(large.Num) * large.Size
	s.text, s.fields = s.text[:0], s.fields[:0]
	h.decoder.Begin()
	for len(block) > 0 {
		var f h2.Field
		var err error
		s.text, block, f, err = h.decoder.Next(s.text, block, int(large.Size))
		var bad *h2.BlockError
		if errors.As(err, &bad) {
			return h.fail(bad.Code, "%s", bad.Text)
		}
		if f.NameEnd == f.Name {
			break
		}
		if limit -= int64(f.NameEnd - f.Name + f.ValueEnd - f.Value); limit < 0 {
			return h.fail(h2.EnhanceYourCalm, "client sent too large header")
		}
		s.fields = append(s.fields, f)
	}
	return true
}

// pseudo are the pseudo-headers of a request; a zero Span was not sent.
type pseudo struct{ method, scheme, path, authority h1.Span }

// build makes the request's head of the decoded fields, and says how the request
// begins.
func (s *h2Stream) build() Result {
	r := &s.req
	r.server = s.conn.defaultServer()
	r.loc = r.server.whole
	r.head = s.text
	options := r.server.conf.parsing
	headers, cookies := 0, 0
	line := false
	for i := range s.fields {
		f := &s.fields[i]
		name, value := h1.Span{Start: f.Name, End: f.NameEnd}, h1.Span{Start: f.Value, End: f.ValueEnd}
		text := name.View(r.head)
		bare := text
		if text[0] == ':' {
			bare = text[1:]
		}
		kind := h1.KindOfName(bare, options.Underscores)
		switch {
		case kind == h1.NameRefused:
			return s.malformed(`client sent invalid header name: "` + text + `"`)
		case !h1.ValidValue(value.Of(r.head)):
			return s.malformed(`client sent header "` + text + `" with invalid value: "` + value.View(r.head) + `"`)
		case text[0] == ':':
			if line {
				return s.malformed("client sent out of order pseudo-headers")
			}
			if rc := s.takePseudo(bare, value, &options); rc != Declined {
				return rc
			}
			continue
		}
		if !line {
			line = true
			if rc := s.requestLine(); rc != Declined {
				return rc
			}
		}
		if kind == h1.NameIgnored && !options.KeepInvalid {
			r.Logf(log.Info, `client sent invalid header: "%s"`, text)
			continue
		}
		if text == "cookie" {
			cookies++
			continue
		}
		if rc := s.takeHeader(name, value, &options); rc != Declined {
			return rc
		}
		headers++
	}
	if !r.server.whole.http2.Enable.V && !s.conn.site.http2 {
		return s.refuse(421, "client attempted to request the server name for which the negotiated protocol is disabled")
	}
	if !line {
		if rc := s.requestLine(); rc != Declined {
			return rc
		}
	}
	options.MaxHeaders = 0
	if cookies > 0 {
		s.joinCookies(&options)
	}
	return s.check(&options)
}

// takeHeader takes a line that is no pseudo-header.
func (s *h2Stream) takeHeader(name, value h1.Span, options *h1.Options) Result {
	r := &s.req
	switch r.Head.GiveHeader(r.head, name, value, options) {
	case h1.Host:
		*options = *r.chooseServer()
	case h1.Failed:
		return s.malformed(r.Head.Err.Text)
	}
	return Declined
}

// takePseudo takes the pseudo-header with this name, without its colon.
func (s *h2Stream) takePseudo(name string, value h1.Span, options *h1.Options) Result {
	r := &s.req
	var at *h1.Span
	valid := true
	text := value.View(r.head)
	switch name {
	case "path":
		at = &s.pseudo.path
	case "method":
		at, valid = &s.pseudo.method, h1.ValidMethod(text)
	case "scheme":
		at, valid = &s.pseudo.scheme, h1.ValidScheme(text)
	case "authority":
		if s.pseudo.authority.End != 0 {
			return s.malformed(`client sent duplicate ":authority" header`)
		}
		s.pseudo.authority = value
		if !r.Head.GiveAuthority(r.head, value) {
			return s.malformed(`client sent invalid ":authority" header`)
		}
		*options = *r.chooseServer()
		return Declined
	default:
		return s.malformed(`client sent unknown pseudo-header ":` + name + `"`)
	}
	switch {
	case at.End != 0:
		return s.malformed("client sent duplicate :" + name + " header")
	case text == "":
		return s.malformed("client sent empty :" + name + " header")
	case !valid && name == "method":
		return s.malformed(`client sent invalid method: "` + text + `"`)
	case !valid:
		return s.malformed(`client sent invalid :` + name + ` header: "` + text + `"`)
	}
	*at = value
	return Declined
}

// append puts text behind the head and returns where it is.
func (s *h2Stream) append(text string) h1.Span {
	start := uint32(len(s.text))
	s.text = append(s.text, text...)
	s.req.head = s.text
	return h1.Span{Start: start, End: uint32(len(s.text))}
}

// requestLine makes the line that HTTP/1 would have of the pseudo-headers.
func (s *h2Stream) requestLine() Result {
	r := &s.req
	p := &s.pseudo
	switch {
	case p.method.End == 0:
		return s.malformed("client sent no :method header")
	case p.scheme.End == 0:
		return s.malformed("client sent no :scheme header")
	case p.path.End == 0:
		return s.malformed("client sent no :path header")
	}
	method := s.append(p.method.View(s.text))
	s.append(" ")
	target := s.append(p.path.View(s.text))
	s.append(" ")
	protocol := s.append("HTTP/2.0")
	s.append("\r\n")
	if !r.Head.GiveLine(r.head, method, target, protocol, h1.HTTP20) {
		path := target.View(r.head)
		r.Head.Target = h1.Span{}
		return s.malformed(`client sent invalid :path header: "` + path + `"`)
	}
	return Declined
}

// joinCookies makes one line of all cookies.
func (s *h2Stream) joinCookies(options *h1.Options) {
	name := s.append("cookie")
	value := s.append(": ")
	value.Start = value.End
	for i := range s.fields {
		f := &s.fields[i]
		if string(s.text[f.Name:f.NameEnd]) != "cookie" {
			continue
		}
		if value.End > value.Start {
			s.append("; ")
		}
		value.End = s.append(View(s.text[f.Value:f.ValueEnd])).End
	}
	s.append("\r\n")
	s.req.Head.GiveHeader(s.req.head, name, value, options) // nothing can be wrong with it
}

// check checks what only the whole head can tell, and prepares the request.
func (s *h2Stream) check(options *h1.Options) Result {
	r := &s.req
	head := &r.Head
	for _, forbidden := range [...]struct {
		id   h1.HeaderID
		name string
	}{{h1.HConnection, "Connection"}, {h1.HKeepAlive, "Keep-Alive"}, {h1.HTransferEncoding, "Transfer-Encoding"}, {h1.HUpgrade, "Upgrade"}} {
		if head.Has(forbidden.id) {
			return s.malformed(`client sent "` + forbidden.name + `" header`)
		}
	}
	if head.Has(h1.HTE) && !s.validTE() {
		return s.malformed(`client sent invalid "TE" header`)
	}
	if head.Server.Len() == 0 {
		return s.malformed(`client sent neither ":authority" nor "Host" header`)
	}
	if authority := s.pseudo.authority; authority.End != 0 {
		if head.Has(h1.HHost) {
			if r.Header(h1.HHost) != authority.View(r.head) {
				return s.malformed(`client sent ":authority" and "Host" headers with different values`)
			}
		} else {
			name := s.append("host")
			s.append(": ")
			value := s.append(authority.View(s.text))
			s.append("\r\n")
			head.GiveHeader(r.head, name, value, options)
		}
	}
	switch {
	case !head.GiveEnd(r.head, len(r.head)):
		return s.malformed(`client sent invalid "Content-Length" header`)
	case head.ContentLength > 0 && s.ended:
		return s.malformed("client prematurely closed stream")
	case head.ContentLength < 0 && !s.ended:
		head.Chunked = true
	}
	switch head.Method {
	case h1.CONNECT:
		return s.refuse(405, "client sent CONNECT method")
	case h1.TRACE:
		return s.refuse(405, "client sent TRACE method")
	}
	return s.accept()
}

func (s *h2Stream) validTE() bool {
	r := &s.req
	seen := false
	for i := range r.Head.Headers {
		line := &r.Head.Headers[i]
		if line.ID != h1.HTE {
			continue
		}
		if seen || !equalFold(line.Value.View(r.head), "trailers") {
			return false
		}
		seen = true
	}
	return true
}

// accept prepares a request whose head is complete.
func (s *h2Stream) accept() Result {
	r := &s.req
	uri, decoded, err := r.Head.URI(r.Scratch(r.Head.Target.Len()+1), r.head, r.server.conf.MergeSlashes.V)
	if err != nil {
		r.Head.Target = h1.Span{}
		return s.malformed(err.Text)
	}
	text := r.head
	if uri.Decoded {
		text = decoded
	}
	r.URI, r.Exten = uri.Path.View(text), uri.Exten.View(text)
	r.Args = uri.Args.View(r.head)
	r.Method = r.Head.Method
	r.keepAlive = true
	if r.Debugging() {
		r.debugHead()
	}
	r.body = requestBody{isChunked: true, done: s.ended} // whatever its length, END_STREAM ends it
	return Declined
}

// malformed refuses a request that is none.
func (s *h2Stream) malformed(text string) Result {
	s.broken = true
	return s.refuse(400, text)
}

func (s *h2Stream) refuse(status int, text string) Result {
	return s.req.refuse(s.req.Head.Refuse(status, text))
}
