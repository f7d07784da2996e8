package h1

import (
	"encoding/binary"
	"math/bits"
)

// What a byte means in a header name.
const (
	nameByte       = iota // letter, digit or '-'
	nameUnderscore        //
	nameOdd               // makes the name invalid, and the line ignored
	nameColon             //
	nameCR                //
	nameLF                //
	nameFatal             // control characters, space, DEL
)

// nameClass says what each byte means in a header name.
var nameClass = func() (t [256]uint8) {
	for i := range t {
		c := byte(i)
		switch {
		case isAlpha(c), isDigit(c), c == '-':
			t[i] = nameByte
		case c == '_':
			t[i] = nameUnderscore
		case c == ':':
			t[i] = nameColon
		case c == '\r':
			t[i] = nameCR
		case c == '\n':
			t[i] = nameLF
		case c <= ' ' || c == 0x7f:
			t[i] = nameFatal
		default:
			t[i] = nameOdd
		}
	}
	return t
}()

// parseHeaders reads header lines up to the empty one.
func (h *Head) parseHeaders(buf []byte, opt *Options) Result {
	p := int(h.pos)
	for p < len(buf) {
		switch h.state {
		case stHeader:
			h.lineStart = uint32(p)
			h.invalid = false
			switch nameClass[buf[p]] {
			case nameCR:
				h.state = stHeadCR
				p++
				continue
			case nameLF:
				h.pos = uint32(p) + 1
				return h.endHead(buf, opt)
			case nameColon, nameFatal:
				return h.refuseLine(buf, p)
			}
			h.state = stName
			fallthrough
		case stName:
			p = h.parseName(buf, p, opt)
			if h.state == stFailed {
				return Failed
			}
		case stBeforeValue:
			for p < len(buf) && buf[p] == ' ' {
				p++
			}
			if p < len(buf) {
				h.value.Start = uint32(p)
				h.state = stValue
			}
		case stValue:
			p = h.parseValue(buf, p)
			if h.state == stFailed {
				return Failed
			}
		case stValueCR:
			switch c := buf[p]; c {
			case '\n':
				h.state = stHeader
			case '\r':
			default:
				return h.refuseLine(buf, int(h.value.End))
			}
			p++
		case stHeadCR:
			if buf[p] != '\n' {
				return h.refuseLine(buf, int(h.lineStart))
			}
			h.pos = uint32(p) + 1
			return h.endHead(buf, opt)
		}
		if h.state == stHeader {
			h.pos = uint32(p)
			if r := h.endHeader(buf, opt); r != More {
				return r
			}
		}
	}
	h.pos = uint32(p)
	return More
}

// refuseLine ends the request because of the byte at offset at.
func (h *Head) refuseLine(buf []byte, at int) Result {
	return h.fail(400, h.invalidLine(buf, at))
}

// parseName reads a header name from p on. A line that ends without a colon is a
// header without value.
func (h *Head) parseName(buf []byte, p int, opt *Options) int {
	for ; p < len(buf); p++ {
		class := nameClass[buf[p]]
		if class == nameByte {
			continue
		}
		switch class {
		case nameUnderscore:
			if !opt.Underscores {
				h.invalid = true
			}
			continue
		case nameOdd:
			h.invalid = true
			continue
		case nameFatal:
			h.refuseLine(buf, p)
			return p
		}
		h.name = Span{h.lineStart, uint32(p)}
		h.value = Span{uint32(p), uint32(p)}
		switch class {
		case nameColon:
			h.state = stBeforeValue
		case nameCR:
			h.state = stValueCR
		case nameLF:
			h.state = stHeader
		}
		return p + 1
	}
	return p
}

// parseValue reads a header value from p on, up to its line end. Spaces at its end
// do not belong to it.
func (h *Head) parseValue(buf []byte, p int) int {
	p = skipValue(buf, p)
	if p == len(buf) {
		return p
	}
	c := buf[p]
	if c == 0 {
		h.refuseLine(buf, p)
		return p
	}
	end := p
	for end > int(h.value.Start) && buf[end-1] == ' ' {
		end--
	}
	h.value.End = uint32(end)
	if c == '\n' {
		h.state = stHeader
		return p + 1
	}
	if p+1 < len(buf) && buf[p+1] == '\n' {
		h.state = stHeader
		return p + 2
	}
	h.state = stValueCR
	return p + 1
}

// skipValue returns the offset of the first CR, LF or NUL from p on, or len(buf).
func skipValue(buf []byte, p int) int {
	const (
		ones = 0x0101010101010101
		tops = 0x8080808080808080
	)
	for p+8 <= len(buf) {
		// The lowest byte below 14 has its top bit set in low, those below it
		// have not.
		x := binary.LittleEndian.Uint64(buf[p:])
		low := (x - 14*ones) & ^x & tops
		if low == 0 {
			p += 8
			continue
		}
		p += bits.TrailingZeros64(low) / 8
		switch buf[p] {
		case '\r', '\n', 0:
			return p
		}
		p++
	}
	for p < len(buf) && buf[p] != '\r' && buf[p] != '\n' && buf[p] != 0 {
		p++
	}
	return p
}

// endHeader takes in a complete header line. More means to go on.
func (h *Head) endHeader(buf []byte, opt *Options) Result {
	if h.invalid && !opt.KeepInvalid {
		h.Ignored = Span{h.lineStart, h.value.End}
		h.lineStart = h.pos
		return Ignored
	}
	h.lineStart = h.pos
	if opt.MaxHeaders != 0 && len(h.Headers) >= opt.MaxHeaders {
		return h.fail(494, "client sent too many header lines")
	}
	id := knownHeader(h.name.Of(buf))
	h.Headers = append(h.Headers, Header{Name: h.name, Value: h.value, ID: id})
	if id == HOther {
		return More
	}
	if h.first[id] != 0 {
		if uniqueHeaders>>id&1 != 0 {
			return h.duplicate(buf, id)
		}
	} else if len(h.Headers) <= 1<<16-1 {
		h.first[id] = uint16(len(h.Headers))
	}
	switch id {
	case HHost:
		return h.acceptHost(buf)
	case HConnection:
		h.acceptConnection(h.value.View(buf))
	}
	return More
}

// duplicate refuses the second header of its kind.
func (h *Head) duplicate(buf []byte, id HeaderID) Result {
	kind := "header line"
	if id == HHost {
		kind = "host header"
	}
	last, first := h.Headers[len(h.Headers)-1], h.Headers[h.first[id]-1]
	return h.fail(400, "client sent duplicate "+kind+`: "`+last.text(buf)+
		`", previous value: "`+first.text(buf)+`"`)
}

// text is the header line as logs show it.
func (f *Header) text(buf []byte) string {
	return string(f.Name.Of(buf)) + ": " + string(f.Value.Of(buf))
}

// acceptHost takes the server's name from the Host header just read, if the
// request line has not given it.
func (h *Head) acceptHost(buf []byte) Result {
	host, port, ok := ValidHost(h.value.View(buf))
	if !ok {
		return h.fail(400, "client sent invalid host header")
	}
	if h.Authority.End != 0 {
		return More
	}
	h.Server = Span{h.value.Start, h.value.Start + uint32(len(host))}
	h.Port = port
	return Host
}

// acceptConnection looks for the two words anywhere in the value, as nginx does.
func (h *Head) acceptConnection(value string) {
	switch {
	case containsFold(value, "close"):
		h.Connection = ConnectionClose
	case containsFold(value, "keep-alive"):
		h.Connection = ConnectionKeepAlive
	}
}

// endHead checks what only the whole head can tell.
func (h *Head) endHead(buf []byte, opt *Options) Result {
	h.lineStart = h.pos
	if h.first[HHost] == 0 && h.Version > HTTP10 {
		return h.fail(400, `client sent HTTP/1.1 request without "Host" header`)
	}
	if h.first[HContentLength] != 0 {
		n, ok := parseLength(h.Get(buf, HContentLength))
		if !ok {
			return h.fail(400, `client sent invalid "Content-Length" header`)
		}
		h.ContentLength = n
	}
	if h.first[HTransferEncoding] != 0 {
		coding := h.Get(buf, HTransferEncoding)
		switch {
		case h.Version < HTTP11:
			return h.fail(400, `client sent HTTP/1.0 request with "Transfer-Encoding" header`)
		case !EqualFold(coding, "chunked"):
			return h.fail(501, `client sent unknown "Transfer-Encoding": "`+coding+`"`)
		case h.first[HContentLength] != 0:
			return h.fail(400, `client sent "Content-Length" and "Transfer-Encoding" headers at the same time`)
		}
		h.Chunked = true
	}
	switch h.Method {
	case CONNECT:
		if h.Version != HTTP11 || !opt.AllowConnect {
			return h.fail(405, "client sent CONNECT method")
		}
		if h.ContentLength > 0 || h.Chunked {
			return h.fail(400, "client sent CONNECT request with body")
		}
	case TRACE:
		return h.fail(405, "client sent TRACE method")
	}
	h.state = stDone
	return Done
}
