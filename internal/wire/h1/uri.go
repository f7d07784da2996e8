package h1

// A URI is a request target taken apart. When Decoded, Path and Exten are spans of
// the buffer that URI filled; otherwise of the request buffer. Args is always a span
// of the request buffer.
type URI struct {
	Path, Args, Exten Span
	Decoded           bool
	Quoted            bool // '%' stands in the path as sent
	Plus              bool // '+' stands in the path
}

// URI takes the target apart; call it any time after Line. Only when something has
// to be decoded or normalized it writes to dst, which it returns extended. An error
// is answered with its Status (400).
func (h *Head) URI(dst, buf []byte, mergeSlashes bool) (URI, []byte, *Error) {
	if h.complex || h.quoted || h.emptyPath {
		out, u, ok := appendURI(dst, h.Target.View(buf), mergeSlashes, h.emptyPath)
		if !ok {
			h.fail(400, "client sent invalid request")
			return u, dst, &h.Err
		}
		u.Args.Start += h.Target.Start
		u.Args.End += h.Target.Start
		return u, out, nil
	}
	u := URI{Path: h.Target, Plus: h.plus}
	if h.args != 0 {
		u.Path.End = h.args - 1
		u.Args = Span{h.args, h.Target.End}
	}
	if h.ext != 0 {
		u.Exten = Span{h.ext, u.Path.End}
	}
	return u, dst, nil
}

// AppendURI appends the decoded and normalized path of target, which may have
// arguments and a fragment behind the path: "//" becomes "/" when mergeSlashes,
// "/./" and "/../" are resolved, %XX is decoded. Path and Exten are spans of out, Args is
// one of target. Not ok are a ".." above the root, a broken %XX, and %00.
func AppendURI(dst []byte, target string, mergeSlashes bool) (out []byte, u URI, ok bool) {
	return appendURI(dst, target, mergeSlashes, false)
}

// segment is what the path written so far ends with.
type segment uint8

const (
	inSegment   segment = iota // some character that is not special
	afterSlash                 // "/"
	afterDot                   // "/."
	afterDotDot                // "/.."
)

// appendURI is AppendURI; emptyPath says that target begins with '?' and its path
// is "/". See RFC 3986, section 5.2.4 and nginx's rules for a "%" inside of dots.
func appendURI(dst []byte, t string, mergeSlashes, emptyPath bool) (out []byte, u URI, ok bool) {
	base := len(dst)
	if emptyPath {
		dst = append(dst, '/')
	}
	ext := -1
	seg := inSegment
	i := 0
scan:
	for i < len(t) {
		c := t[i]
		i++
		if plain[c] {
			dst = append(dst, c)
			seg = inSegment
			continue
		}
		literal := false
		if c == '%' {
			u.Quoted = true
			if c, ok = unhex(t[i:]); !ok || c == 0 {
				return dst, u, false
			}
			i += 2
			literal = c == '%' || c == '#' || c == '?'
		}
		switch {
		case literal:
			dst = append(dst, c)
			seg = inSegment
		case c == '?' || c == '#':
			i--
			break scan
		case c == '/':
			ext = -1
			switch seg {
			case inSegment:
				dst = append(dst, '/')
			case afterSlash:
				if !mergeSlashes {
					dst = append(dst, '/')
				}
			case afterDot:
				dst = dst[:len(dst)-1]
			case afterDotDot:
				if dst, ok = parent(dst, base); !ok {
					return dst, u, false
				}
			}
			seg = afterSlash
		case c == '.':
			dst = append(dst, '.')
			switch seg {
			case inSegment:
				ext = len(dst)
			case afterSlash:
				seg = afterDot
			case afterDot:
				seg = afterDotDot
			case afterDotDot:
				seg = inSegment
			}
		default:
			u.Plus = u.Plus || c == '+'
			dst = append(dst, c)
			seg = inSegment
		}
	}
	switch seg {
	case afterDot:
		dst = dst[:len(dst)-1]
	case afterDotDot:
		if dst, ok = parent(dst, base); !ok {
			return dst, u, false
		}
	}
	u.Decoded = true
	u.Path = Span{uint32(base), uint32(len(dst))}
	if ext >= 0 {
		u.Exten = Span{uint32(ext), uint32(len(dst))}
	}
	if i < len(t) && t[i] == '?' {
		u.Args = argsSpan(t, i+1)
	}
	return dst, u, true
}

// argsSpan is what stands from i on in t, up to a fragment.
func argsSpan(t string, i int) Span {
	end := i
	for end < len(t) && t[end] != '#' {
		end++
	}
	return Span{uint32(i), uint32(end)}
}

// parent takes "/.." and the segment before it off dst, down to base.
func parent(dst []byte, base int) ([]byte, bool) {
	for i := len(dst) - 4; i >= base; i-- {
		if dst[i] == '/' {
			return dst[:i+1], true
		}
	}
	return dst, false
}

// hexDigits has the value of each hexadecimal digit, and 16 for every other byte.
var hexDigits = func() (t [256]uint8) {
	for i := range t {
		c := byte(i)
		switch {
		case isDigit(c):
			t[i] = c - '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			t[i] = c | 0x20 - 'a' + 10
		default:
			t[i] = 16
		}
	}
	return t
}()

// unhex reads the two hexadecimal digits that s begins with.
func unhex(s string) (byte, bool) {
	if len(s) < 2 {
		return 0, false
	}
	high, low := hexDigits[s[0]], hexDigits[s[1]]
	return high<<4 | low&15, high < 16 && low < 16
}

// SplitArgs cuts uri at its first '?'.
func SplitArgs(uri string) (path, args string) {
	for i := 0; i < len(uri); i++ {
		if uri[i] == '?' {
			return uri[:i], uri[i+1:]
		}
	}
	return uri, ""
}

// Unescape appends s with %XX decoded. As in nginx a '%' and a digit before a byte
// that is no hexadecimal digit vanish with it, and a '%' before such a byte alone.
func Unescape(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '%' {
			dst = append(dst, c)
			continue
		}
		i++
		if i == len(s) {
			break
		}
		if hexDigits[s[i]] == 16 {
			dst = append(dst, s[i])
			continue
		}
		i++
		if i < len(s) && hexDigits[s[i]] < 16 {
			dst = append(dst, hexDigits[s[i-1]]<<4|hexDigits[s[i]])
		}
	}
	return dst
}

// SafePath checks a URI that comes from elsewhere than the request line
// (Destination, X-Accel-Redirect, SSI) and appends its path, decoded. Not ok ("unsafe
// URI") are an empty path, "..", and NUL, as sent or decoded.
func SafePath(dst []byte, uri string) (out []byte, args string, ok bool) {
	path, args := SplitArgs(uri)
	if path == "" || !safe(path) {
		return dst, "", false
	}
	base := len(dst)
	dst = Unescape(dst, path)
	return dst, args, len(dst) > base && safe(view(dst[base:]))
}

// safe reports whether path has neither NUL nor a segment "..".
func safe(path string) bool {
	start := 0 // of the segment
	for i := 0; i <= len(path); i++ {
		if i < len(path) && path[i] == 0 {
			return false
		}
		if i == len(path) || path[i] == '/' {
			if path[start:i] == ".." {
				return false
			}
			start = i + 1
		}
	}
	return true
}
