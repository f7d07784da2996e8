package h1

// Escape is a set of bytes that must be escaped in one place of a URI.
type Escape uint8

const (
	EscapeURI       Escape = iota // a path: also '#', '%', '?'
	EscapeArgs                    // an argument: also '&', '+', ';'
	EscapeComponent               // everything but unreserved characters
	EscapeHTML                    // a URI inside an HTML attribute: also '#', '%' and quotes
	EscapeRefresh                 // a URI in a Refresh header or meta tag: also quotes
	numEscapes
)

// escaped has one bit for each Escape whose set a byte is in.
var escaped = func() (t [256]uint8) {
	add := func(set Escape, bytes string) {
		for i := 0; i < len(bytes); i++ {
			t[bytes[i]] |= 1 << set
		}
	}
	for c := range t { // what RFC 3986 has no place for
		if c <= ' ' || c >= 0x7f {
			t[c] = 1<<numEscapes - 1
		}
	}
	for set := range numEscapes {
		add(set, "\"<>\\^`{|}")
	}
	add(EscapeURI, "#%?")
	add(EscapeArgs, "#%&+;?")
	add(EscapeComponent, "!#$%&'()*+,/:;=?@[]")
	add(EscapeHTML, "#%'")
	add(EscapeRefresh, "'")
	t['}'] &^= 1 << EscapeRefresh // nginx's table has '~' in its place
	t['~'] |= 1 << EscapeRefresh
	return t
}()

const (
	upperHex = "0123456789ABCDEF"
	lowerHex = "0123456789abcdef"
)

// AppendEscaped appends s with the bytes of the set as %XX.
func AppendEscaped(dst []byte, s string, set Escape) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if escaped[c]>>set&1 != 0 {
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

// NeedsEscape reports whether AppendEscaped would change s.
func NeedsEscape(s string, set Escape) bool {
	for i := 0; i < len(s); i++ {
		if escaped[s[i]]>>set&1 != 0 {
			return true
		}
	}
	return false
}

// AppendHTML appends s with < > & " as entities.
func AppendHTML(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '<':
			dst = append(dst, "&lt;"...)
		case '>':
			dst = append(dst, "&gt;"...)
		case '&':
			dst = append(dst, "&amp;"...)
		case '"':
			dst = append(dst, "&quot;"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// AppendLog appends s as log_format's escape=default writes it: '"', '\' and bytes
// outside 0x20-0x7e as \xXX.
func AppendLog(dst []byte, s string) []byte {
	from := 0 // of the piece not appended yet
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		dst = append(dst, '\\', 'x', upperHex[c>>4], upperHex[c&15])
		from = i + 1
	}
	return append(dst, s[from:]...)
}

// AppendJSON appends s as log_format's escape=json writes it. Bytes above 0x7e pass.
func AppendJSON(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= ' ':
			dst = append(dst, c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c == '\b':
			dst = append(dst, '\\', 'b')
		case c == '\f':
			dst = append(dst, '\\', 'f')
		default:
			dst = append(dst, '\\', 'u', '0', '0', '0'+c>>4, upperHex[c&15])
		}
	}
	return dst
}
