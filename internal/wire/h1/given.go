package h1

// Heads of other protocols come in parts: their codecs put names and values into
// one buffer and give the parts to a Head, which is then like a parsed one. The
// order is GiveLine, GiveAuthority if there is one, GiveHeader for each line.

// HTTP20 is the version of HTTP/2 heads.
const HTTP20 Version = 2000

// GiveLine takes the parts of a request line, which stands in buf as it would in
// HTTP/1: "GET /path HTTP/2.0". It reports false when the target, which has the path and arguments, is
// none.
func (h *Head) GiveLine(buf []byte, method, target, protocol Span, v Version) bool {
	h.MethodName, h.Method = method, methodOf(method.Of(buf))
	h.Version, h.Protocol = v, protocol
	h.start, h.lineStart = method.Start, method.Start
	h.Request = Span{method.Start, protocol.End}
	h.pos = protocol.End
	p := int(target.Start)
	if target.Len() == 0 || buf[p] != '/' || int(target.End) == len(buf) {
		return false
	}
	h.Target.Start = uint32(p)
	h.state = stAfterSlash
	h.parseTarget(buf[:target.End+1], p+1)
	ok := h.state == stAfterTarget && h.Target.End == target.End
	h.state = stHeader
	return ok
}

// GiveAuthority takes the host that chooses the server. It reports false when it is
// none.
func (h *Head) GiveAuthority(buf []byte, authority Span) bool {
	host, port, ok := ValidHost(authority.View(buf))
	if !ok {
		return false
	}
	h.Authority = authority
	h.Server = Span{authority.Start, authority.Start + uint32(len(host))}
	h.Port = port
	return true
}

// GiveHeader takes a header line with a valid name. The result is More, Host or
// Failed, as of Parse.
func (h *Head) GiveHeader(buf []byte, name, value Span, opt *Options) Result {
	h.name, h.value = name, value
	h.invalid = false
	h.pos = value.End
	return h.endHeader(buf, opt)
}

// GiveEnd takes the end of the head, at offset pos. It reports false when the
// length of the body is none.
func (h *Head) GiveEnd(buf []byte, pos int) bool {
	h.pos, h.lineStart = uint32(pos), uint32(pos)
	h.state = stDone
	if h.first[HContentLength] == 0 {
		return true
	}
	n, ok := parseLength(h.Get(buf, HContentLength))
	if ok {
		h.ContentLength = n
	}
	return ok
}

// Refuse makes h a head that is refused.
func (h *Head) Refuse(status int, text string) *Error {
	h.given = true
	h.fail(status, text)
	return &h.Err
}

// NameKind says what a header name of HTTP/2 and later is worth.
type NameKind uint8

// The kinds of names.
const (
	NameValid   NameKind = iota
	NameIgnored          // left out by ignore_invalid_headers
	NameRefused          // the request is refused
)

// KindOfName looks at a name, which is in lower case unless it is refused.
func KindOfName(name string, underscores bool) NameKind {
	kind := NameValid
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch class := nameClass[c]; {
		case c >= 'A' && c <= 'Z', class >= nameColon:
			return NameRefused
		case class == nameOdd, class == nameUnderscore && !underscores:
			kind = NameIgnored
		}
	}
	return kind
}

// ValidValue reports whether a value has none of the bytes that end one.
func ValidValue(value []byte) bool { return skipValue(value, 0) == len(value) }

// ValidMethod reports whether name may be that of a method.
func ValidMethod(name string) bool {
	for i := 0; i < len(name); i++ {
		if !methodByte(name[i]) {
			return false
		}
	}
	return name != ""
}

// ValidScheme reports whether s may be a scheme.
func ValidScheme(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !isAlpha(c) && (i == 0 || !isDigit(c) && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != ""
}
