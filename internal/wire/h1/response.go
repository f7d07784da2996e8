package h1

// A Response is a response head. Append writes it in nginx's order. The zero value
// of a field leaves its header out, where not said otherwise.
type Response struct {
	Status           int
	StatusLine       string // "200 Fine" instead of StatusText (from an upstream)
	Server           string // value of Server
	Date             string // value of Date, see DateCache
	ContentType      string
	Charset          string // added to ContentType
	ContentLength    int64  // -1: left out
	LastModified     int64  // Unix seconds; NoTime: left out
	Location         string // the complete one; a relative one is for Fields, as nginx orders it
	Chunked          bool
	Connection       Connection
	KeepAliveTimeout int64 // seconds in "Keep-Alive: timeout=", with ConnectionKeepAlive
	Vary             bool  // "Vary: Accept-Encoding"
	Fields           []Field
}

// A Field is another header line. A field with an empty name is left out.
type Field struct{ Name, Value string }

// Append appends the head, with the empty line that ends it.
func (r *Response) Append(dst []byte) []byte {
	if r.StatusLine != "" {
		dst = append(dst, "HTTP/1.1 "...)
		dst = append(dst, r.StatusLine...)
		dst = append(dst, '\r', '\n')
	} else {
		dst = AppendStatusLine(dst, r.Status)
	}
	if r.Server != "" {
		dst = AppendField(dst, "Server", r.Server)
	}
	if r.Date != "" {
		dst = AppendField(dst, "Date", r.Date)
	}
	if r.ContentType != "" {
		dst = append(dst, "Content-Type: "...)
		dst = append(dst, r.ContentType...)
		if r.Charset != "" {
			dst = append(dst, "; charset="...)
			dst = append(dst, r.Charset...)
		}
		dst = append(dst, '\r', '\n')
	}
	if r.ContentLength >= 0 {
		dst = append(dst, "Content-Length: "...)
		dst = AppendInt(dst, r.ContentLength)
		dst = append(dst, '\r', '\n')
	}
	if r.LastModified != NoTime {
		dst = append(dst, "Last-Modified: "...)
		dst = AppendDate(dst, r.LastModified)
		dst = append(dst, '\r', '\n')
	}
	if r.Location != "" {
		dst = AppendField(dst, "Location", r.Location)
	}
	if r.Chunked {
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	}
	dst = r.appendConnection(dst)
	if r.Vary {
		dst = append(dst, "Vary: Accept-Encoding\r\n"...)
	}
	for i := range r.Fields {
		if f := &r.Fields[i]; f.Name != "" {
			dst = AppendField(dst, f.Name, f.Value)
		}
	}
	return append(dst, '\r', '\n')
}

func (r *Response) appendConnection(dst []byte) []byte {
	switch r.Connection {
	case ConnectionClose:
		return append(dst, "Connection: close\r\n"...)
	case ConnectionUpgrade:
		return append(dst, "Connection: upgrade\r\n"...)
	case ConnectionKeepAlive:
		dst = append(dst, "Connection: keep-alive\r\n"...)
		if r.KeepAliveTimeout != 0 {
			dst = append(dst, "Keep-Alive: timeout="...)
			dst = AppendInt(dst, r.KeepAliveTimeout)
			dst = append(dst, '\r', '\n')
		}
	}
	return dst
}

// AppendField appends "Name: value\r\n".
func AppendField(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ':', ' ')
	dst = append(dst, value...)
	return append(dst, '\r', '\n')
}

// AppendInt appends n in decimal.
func AppendInt(dst []byte, n int64) []byte {
	var digits [20]byte
	i := len(digits)
	u := uint64(n)
	if n < 0 {
		u = -u
	}
	for u >= 10 {
		i--
		digits[i] = byte('0' + u%10)
		u /= 10
	}
	i--
	digits[i] = byte('0' + u)
	if n < 0 {
		dst = append(dst, '-')
	}
	return append(dst, digits[i:]...)
}

// AppendHex appends n in lower-case hexadecimal without leading zeros.
func AppendHex(dst []byte, n uint64) []byte {
	var digits [16]byte
	i := len(digits)
	for {
		i--
		digits[i] = lowerHex[n&15]
		n >>= 4
		if n == 0 {
			return append(dst, digits[i:]...)
		}
	}
}
