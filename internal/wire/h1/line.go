package h1

// parseLine reads the request line, one section of its grammar after the other.
func (h *Head) parseLine(buf []byte) Result {
	p := int(h.pos)
	for p < len(buf) {
		switch {
		case h.state <= stBeforeURI:
			p = h.parseMethod(buf, p)
		case h.state <= stBeforeHost:
			p = h.parseScheme(buf, p)
		case h.state <= stPort:
			p = h.parseAuthority(buf, p)
		case h.state <= stArgs:
			p = h.parseTarget(buf, p)
		default:
			p = h.parseProtocol(buf, p)
		}
		if h.state == stHeader {
			h.pos = uint32(p)
			return h.endLine(buf)
		}
		if h.state == stFailed {
			h.pos = uint32(p)
			return Failed
		}
	}
	h.pos = uint32(p)
	if h.state == stStart {
		h.start, h.lineStart = h.pos, h.pos
	}
	return More
}

// endLine checks the complete request line.
func (h *Head) endLine(buf []byte) Result {
	h.lineStart = h.pos
	if h.Version == HTTP09 {
		if h.Method != GET {
			return h.fail(400, "client sent invalid method in HTTP/0.9 request")
		}
		h.state = stDone // it has no headers
	}
	if h.Authority.End == 0 {
		return Line
	}
	host, port, ok := ValidHost(h.Authority.View(buf))
	if !ok {
		return h.fail(400, "client sent invalid host in request line")
	}
	h.Server = Span{h.Authority.Start, h.Authority.Start + uint32(len(host))}
	h.Port = port
	return Line
}

func (h *Head) invalidRequest() { h.fail(400, "client sent invalid request") }

// parseMethod reads empty lines, the method, and the spaces behind it.
func (h *Head) parseMethod(buf []byte, p int) int {
	if h.state == stStart {
		for p < len(buf) && (buf[p] == '\r' || buf[p] == '\n') {
			p++
		}
		if p == len(buf) {
			return p
		}
		h.start, h.lineStart = uint32(p), uint32(p)
		if !methodByte(buf[p]) {
			h.fail(400, "client sent invalid method")
			return p
		}
		h.state = stMethod
	}
	if h.state == stMethod {
		for p < len(buf) && methodByte(buf[p]) {
			p++
		}
		if p == len(buf) {
			return p
		}
		if buf[p] != ' ' {
			h.fail(400, "client sent invalid method")
			return p
		}
		h.MethodName = Span{h.start, uint32(p)}
		h.Method = methodOf(buf[h.start:p])
		p++
		if h.Method == CONNECT {
			h.state = stBeforeHost
			return p
		}
		h.state = stBeforeURI
	}
	for p < len(buf) && buf[p] == ' ' {
		p++
	}
	if p == len(buf) {
		return p
	}
	switch c := buf[p]; {
	case c == '/':
		h.Target.Start = uint32(p)
		h.state = stAfterSlash
	case isAlpha(c):
		h.Scheme.Start = uint32(p)
		h.state = stScheme
	default:
		h.invalidRequest()
		return p
	}
	return p + 1
}

// parseScheme reads "http://", or the spaces between CONNECT and its authority.
func (h *Head) parseScheme(buf []byte, p int) int {
	for ; p < len(buf); p++ {
		c := buf[p]
		switch {
		case h.state == stBeforeHost && c == ' ':
		case h.state == stBeforeHost:
			h.state = stHostStart
			return p
		case h.state == stScheme && (isAlpha(c) || isDigit(c) || c == '+' || c == '-' || c == '.'):
		case h.state == stScheme && c == ':':
			h.Scheme.End = uint32(p)
			h.state = stSchemeSlash
		case h.state == stSchemeSlash && c == '/':
			h.state = stSchemeSlash2
		case h.state == stSchemeSlash2 && c == '/':
			h.state = stHostStart
			return p + 1
		default:
			h.invalidRequest()
			return p
		}
	}
	return p
}

// parseAuthority reads host and port, and decides by the byte behind them what
// comes next.
func (h *Head) parseAuthority(buf []byte, p int) int {
	for ; p < len(buf); p++ {
		c := buf[p]
		switch h.state {
		case stHostStart:
			h.Authority.Start = uint32(p)
			if c == '[' {
				h.state = stHostLiteral
				continue
			}
			h.state = stHost
			fallthrough
		case stHost:
			if isAlpha(c) || isDigit(c) || c == '.' || c == '-' {
				continue
			}
			fallthrough
		case stHostEnd:
			if c == ':' {
				h.state = stPortStart
				continue
			}
			if h.Method == CONNECT {
				h.invalidRequest()
				return p
			}
		case stHostLiteral:
			if c == ']' {
				h.state = stHostEnd
			} else if c != ':' && !hostByte(c) {
				h.invalidRequest()
				return p
			}
			continue
		case stPortStart:
			h.state = stPort
			if !isDigit(c) && h.Method == CONNECT {
				h.invalidRequest()
				return p
			}
			fallthrough
		case stPort:
			if isDigit(c) {
				continue
			}
		}
		h.Authority.End = uint32(p)
		h.afterAuthority(c, uint32(p))
		return p + 1
	}
	return p
}

// afterAuthority acts on the byte c, at p, behind an authority.
func (h *Head) afterAuthority(c byte, p uint32) {
	switch {
	case h.Method == CONNECT:
		h.state = stAfterTarget // its target is found with the protocol
		if c != ' ' {
			h.invalidRequest()
		}
	case c == '/':
		h.Target.Start = p
		h.state = stAfterSlash
	case c == '?':
		h.Target.Start = p
		h.args = p + 1
		h.emptyPath = true
		h.state = stArgs
	case c == ' ':
		// The path is "/": the first slash behind the scheme serves as one.
		h.Target = Span{h.Scheme.End + 1, h.Scheme.End + 2}
		h.state = stAfterTarget
	default:
		h.invalidRequest()
	}
}

func isAlpha(c byte) bool { c |= 0x20; return c >= 'a' && c <= 'z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func methodByte(c byte) bool { return c >= 'A' && c <= 'Z' || c == '_' || c == '-' }
