package h1

import "strconv"

// A Head is a request head being parsed, and then the parsed head. The zero value
// is ready for the first request; Reset makes it ready for the next one and keeps
// the storage of Headers. All spans are offsets into the buffer given to Parse.
type Head struct {
	Method     Method
	Version    Version // set with Line
	MethodName Span
	Request    Span // the whole request line without its line end
	Protocol   Span // "HTTP/1.1"; empty in HTTP/0.9
	Target     Span // as sent: path and arguments, without scheme and host of the absolute form
	Scheme     Span // absolute form only
	Authority  Span // host and port of the absolute form, or of CONNECT

	// Server is the host that chooses the server: of the absolute form, else of
	// the Host header, without port and trailing dot, letters as sent (use
	// AppendLower). Empty when the request named none.
	Server Span
	Port   uint16 // port named with Server; 0 when none was

	Headers []Header // in the order sent; ignored lines are left out
	Ignored Span     // after Ignored: name and value of the line left out

	ContentLength int64      // -1 without a Content-Length header; set with Done
	Chunked       bool       // Transfer-Encoding: chunked; set with Done
	Connection    Connection // what the last telling Connection header asked for

	Err Error // after Failed

	pos       uint32 // everything before it is consumed
	start     uint32 // first byte of the request line
	lineStart uint32 // first byte of the line in progress
	name      Span   // name of the header line in progress
	value     Span   // value of the header line in progress
	args      uint32 // offset of the first byte after '?', 0 for none
	ext       uint32 // offset of the first byte of the extension, 0 for none
	minor     uint16 // minor version, digits read so far
	state     state
	invalid   bool                 // the header name in progress has a character that names should not have
	complex   bool                 // the path has "//", "/." or '#'
	quoted    bool                 // the path has '%'
	plus      bool                 // the path has '+'
	emptyPath bool                 // "http://host?args"
	given     bool                 // its parts came from another protocol
	first     [numHeaderIDs]uint16 // place in Headers + 1 of the first header with an ID
}

// A Header is one header line.
type Header struct {
	Name, Value Span
	ID          HeaderID // HOther when the name is not among the known ones
}

// Options are the settings of a server that steer parsing.
type Options struct {
	Underscores  bool // underscores_in_headers on
	KeepInvalid  bool // ignore_invalid_headers off
	AllowConnect bool // allow_connect on
	MaxHeaders   int  // max_headers; 0 means no limit
}

// A Result says why Parse returned.
type Result uint8

const (
	More    Result = iota // all of buf is consumed and the head is not complete
	Line                  // the request line is complete; in HTTP/0.9 Done follows
	Host                  // Server and Port come from a Host header just read
	Ignored               // a header line with an invalid name was left out
	Done                  // the head is complete and valid
	Failed                // Err says why
)

// An Error is a request that must be refused.
type Error struct {
	Status int    // answer with this status
	Text   string // nginx's log line, without context; level info
}

// Error returns the log text.
func (e *Error) Error() string { return e.Text }

// state is where in the grammar the parser stopped.
type state uint8

const (
	stStart        state = iota // nothing but line ends so far
	stMethod                    //
	stBeforeURI                 // spaces, then "/" or a scheme
	stScheme                    //
	stSchemeSlash               // after "http:"
	stSchemeSlash2              // after "http:/"
	stBeforeHost                // CONNECT: spaces, then the authority
	stHostStart                 //
	stHost                      //
	stHostLiteral               // inside "[...]"
	stHostEnd                   // after "]"
	stPortStart                 // after ":"
	stPort                      //
	stAfterSlash                // in the path, right after "/"
	stPath                      // in the path
	stArgs                      // nothing more to find in the target but its end
	stAfterTarget               // spaces, then the protocol or an HTTP/0.9 line end
	stProtocol                  // inside "HTTP/"
	stMajorStart                //
	stMajor                     //
	stMinorStart                //
	stMinor                     //
	stAfterMinor                // spaces
	stLineCR                    // after the CR that ends the request line

	stHeader      // at the start of a header line
	stName        // inside a header name
	stBeforeValue // spaces
	stValue       //
	stValueCR     // after a CR behind a value
	stHeadCR      // after the CR of the empty line
	stDone
	stFailed
)

// Reset makes h ready for the next request.
func (h *Head) Reset() {
	headers := h.Headers[:0]
	*h = Head{Headers: headers, ContentLength: -1}
}

// Parse goes on where it stopped: buf holds every byte of the head read so far,
// from the same first byte as before (possibly in another place). opt may change
// between calls, as the server does when the Host header is known.
func (h *Head) Parse(buf []byte, opt *Options) Result {
	switch {
	case h.state < stHeader:
		return h.parseLine(buf)
	case h.state < stDone:
		return h.parseHeaders(buf, opt)
	case h.state == stDone:
		return Done
	}
	return Failed
}

// fail ends the request.
func (h *Head) fail(status int, text string) Result {
	h.Err = Error{Status: status, Text: text}
	h.state = stFailed
	return Failed
}

// Pos is the number of bytes of the buffer consumed: after Done, what follows the
// head.
func (h *Head) Pos() int { return int(h.pos) }

// Start is the offset of the request line (empty lines may stand before it).
func (h *Head) Start() int { return int(h.start) }

// LineStart is the offset of the first byte of the line in progress: of the
// request line until Line, of a header line later. Right behind a complete line it
// equals Pos.
//
// nginx keeps a line within one buffer. When its buffer is full and the line in
// progress fills large_client_header_buffers' size, or their number is used up, it
// answers 414 (TooLongURI) or 494 (TooLongHeader); else the line moves to the front
// of the next buffer, whose end is then at LineStart + size.
func (h *Head) LineStart() int { return int(h.lineStart) }

// Blank reports whether nothing but line ends was sent so far. The caller may
// drop those bytes and Reset.
func (h *Head) Blank() bool { return h.state == stStart }

// InHeaders reports whether the request line is complete.
func (h *Head) InHeaders() bool { return h.state >= stHeader && h.state < stFailed }

// TooLong ends a request whose line in progress does not fit the buffers allowed.
func (h *Head) TooLong(buf []byte) *Error {
	if !h.InHeaders() {
		h.fail(414, "client sent too long URI")
		return &h.Err
	}
	line := buf[h.lineStart:]
	const most = 2048 - 300 // what nginx leaves of the line in its log
	line = line[:min(len(line), most)]
	h.fail(494, `client sent too long header line: "`+string(line)+`..."`)
	return &h.Err
}

// Get returns the value of the first header with this ID, as a view into buf;
// "" when there is none.
func (h *Head) Get(buf []byte, id HeaderID) string {
	if i := h.first[id]; i != 0 {
		return h.Headers[i-1].Value.View(buf)
	}
	return ""
}

// Has reports whether a header with this ID was sent.
func (h *Head) Has(id HeaderID) bool { return h.first[id] != 0 }

// Index is the place in Headers of the first header with this ID, or -1.
func (h *Head) Index(id HeaderID) int { return int(h.first[id]) - 1 }

// Lookup returns the first header whose name is name, given in lower case. An
// underscore in name stands for itself or for a dash, as in $http_NAME.
func (h *Head) Lookup(buf []byte, name string) (value string, ok bool) {
	for i := range h.Headers {
		f := &h.Headers[i]
		if f.Name.Len() == len(name) && MatchName(f.Name.View(buf), name) {
			return f.Value.View(buf), true
		}
	}
	return "", false
}

// LoggedLine is the request line for logs, also when it was refused or is not
// complete; a view into buf.
func (h *Head) LoggedLine(buf []byte) string {
	if h.Request.End != 0 {
		return h.Request.View(buf)
	}
	if h.state == stStart || h.given {
		return ""
	}
	end := int(h.start)
	for end < len(buf) && buf[end] != '\r' && buf[end] != '\n' {
		end++
	}
	return view(buf[h.start:end])
}

// IgnoredText is the log line (level info) for a header line left out.
func (h *Head) IgnoredText(buf []byte) string {
	return `client sent invalid header line: "` + string(h.Ignored.Of(buf)) + `"`
}

// KeepAlive reports whether the client wants to keep the connection.
func (h *Head) KeepAlive() bool {
	switch h.Connection {
	case ConnectionClose:
		return false
	case ConnectionKeepAlive:
		return true
	}
	return h.Version > HTTP10
}

// invalidLine is the log line for a header line refused at offset at.
func (h *Head) invalidLine(buf []byte, at int) string {
	const digits = "0123456789abcdef"
	c := buf[at]
	return `client sent invalid header line: "` + string(buf[h.lineStart:at]) +
		`\x` + digits[c>>4:c>>4+1] + digits[c&15:c&15+1] + `..."`
}

// parseLength reads the value of Content-Length: digits only, within 63 bits.
func parseLength(s string) (int64, bool) {
	if s == "" || s[0] == '+' || s[0] == '-' {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
