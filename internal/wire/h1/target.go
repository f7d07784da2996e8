package h1

import "encoding/binary"

// plain marks the bytes of a target that mean nothing special anywhere in it: all
// but control characters, DEL, space and # % + . / ?
var plain = func() (t [256]bool) {
	for c := range t {
		t[c] = c > ' ' && c != 0x7f
	}
	for _, c := range "#%+./?" {
		t[c] = false
	}
	return t
}()

// parseTarget reads path and arguments and takes note of what makes decoding
// necessary.
func (h *Head) parseTarget(buf []byte, p int) int {
	for ; p < len(buf); p++ {
		c := buf[p]
		if plain[c] {
			if h.state == stAfterSlash {
				h.state = stPath
			}
			for p++; p < len(buf) && plain[buf[p]]; p++ {
			}
			if p == len(buf) {
				return p
			}
			c = buf[p]
		}
		switch {
		case c == ' ':
			h.Target.End = uint32(p)
			h.state = stAfterTarget
			return p + 1
		case c == '\r' || c == '\n':
			h.Target.End = uint32(p)
			h.state = stAfterTarget
			return p // an HTTP/0.9 line end
		case c < ' ' || c == 0x7f:
			h.invalidRequest()
			return p
		case c == '#':
			h.complex = true
			h.state = stArgs
		case h.state != stArgs:
			h.inPath(c, uint32(p))
		}
	}
	return p
}

// inPath takes note of the special byte c, at p, of the path.
func (h *Head) inPath(c byte, p uint32) {
	switch c {
	case '/':
		h.ext = 0
		if h.state == stAfterSlash {
			h.complex = true
			h.state = stArgs
			return
		}
		h.state = stAfterSlash
	case '.':
		if h.state == stAfterSlash {
			h.complex = true
			h.state = stArgs
			return
		}
		h.ext = p + 1
	case '%':
		h.quoted = true
		h.state = stArgs
	case '?':
		h.args = p + 1
		h.state = stArgs
	case '+':
		h.plus = true
	}
}

// The protocol and line end of nearly every request, and its first 8 bytes as a
// little-endian word.
const (
	protocol11   = "HTTP/1.1\r\n"
	protocolWord = 'H' | 'T'<<8 | 'T'<<16 | 'P'<<24 | '/'<<32 | '1'<<40 | '.'<<48 | '1'<<56
)

// parseProtocol reads what follows the target, up to the end of the line.
func (h *Head) parseProtocol(buf []byte, p int) int {
	if h.state == stAfterTarget && len(buf)-p >= len(protocol11) &&
		binary.LittleEndian.Uint64(buf[p:]) == protocolWord && buf[p+8] == '\r' && buf[p+9] == '\n' {
		h.Protocol = Span{uint32(p), uint32(p) + 8}
		if h.Method == CONNECT {
			h.Target = Span{uint32(p) + 4, uint32(p) + 5}
		}
		h.Version = HTTP11
		h.Request = Span{h.start, uint32(p) + 8}
		h.state = stHeader
		return p + len(protocol11)
	}
	for p < len(buf) && h.state < stHeader {
		h.protocolByte(buf[p], uint32(p))
		if h.state == stFailed {
			return p
		}
		p++
	}
	return p
}

// protocolByte acts on the byte c, at p, behind the target.
func (h *Head) protocolByte(c byte, p uint32) {
	switch {
	case h.state == stLineCR:
		if c == '\n' {
			h.state = stHeader
			return
		}
		h.Version = 0 // the line has not ended: nothing is known, and least that it is HTTP/0.9
	case c == '\r' && h.mayEnd():
		h.closeLine(p)
		h.state = stLineCR
		return
	case c == '\n' && h.mayEnd():
		h.closeLine(p)
		h.state = stHeader
		return
	case h.state == stAfterTarget && c == ' ':
		return
	case h.state == stAfterTarget && c == 'H':
		h.Protocol = Span{p, p + 1}
		h.state = stProtocol
		return
	case h.state == stProtocol && c == "HTTP/"[p-h.Protocol.Start]:
		if c == '/' {
			if h.Method == CONNECT {
				h.Target = Span{p, p + 1} // its path is "/"
			}
			h.state = stMajorStart
		}
		return
	case h.state == stMajorStart && c >= '1' && c <= '9', h.state == stMajor && isDigit(c):
		if h.state == stMajor || c != '1' {
			h.fail(505, "client sent invalid version")
			return
		}
		h.state = stMajor
		return
	case h.state == stMajor && c == '.':
		h.state = stMinorStart
		return
	case (h.state == stMinorStart || h.state == stMinor && h.minor <= 99) && isDigit(c):
		h.minor = h.minor*10 + uint16(c-'0')
		h.state = stMinor
		return
	case (h.state == stMinor || h.state == stAfterMinor) && c == ' ':
		h.state = stAfterMinor
		return
	}
	h.invalidRequest()
}

// mayEnd reports whether the request line may end here.
func (h *Head) mayEnd() bool {
	return h.state == stAfterTarget || h.state == stMinor || h.state == stAfterMinor
}

// closeLine takes note of a request line whose first line-end byte is at p.
func (h *Head) closeLine(p uint32) {
	h.Request = Span{h.start, p}
	if h.state == stAfterTarget {
		h.Version = HTTP09
		return
	}
	h.Protocol.End = p
	h.Version = HTTP10 + Version(h.minor)
}
