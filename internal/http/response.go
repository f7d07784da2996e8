package http

import "github.com/baton-project/baton/internal/wire/h1"

// A Response is what is to be sent, filled by the content handler before
// SendHeader and changed by header filters.
type Response struct {
	// Status is the code, 0 means 200.
	Status int
	// StatusLine ("200 Fine", from an upstream) replaces Status in the status
	// line when not "".
	StatusLine string
	// ContentType is the media type without charset; "" sends none.
	ContentType string
	// Charset is appended to ContentType when not "".
	Charset string
	// ContentLength in bytes; -1: not known, the body is chunked or ended by
	// closing. A reset Response has -1.
	ContentLength int64
	// LastModified in Unix seconds is sent unless it is h1.NoTime, and is what
	// conditional requests are compared with.
	LastModified int64
	// ETag is sent when not "", with its quotes.
	ETag string
	// Location is sent when not ""; one that starts with "/" is made absolute
	// as absolute_redirect says.
	Location string
	// AllowRanges lets the range filter cut the body.
	AllowRanges bool
	// SingleRange: with AllowRanges, only one range at a time, as the body comes
	// piece by piece.
	SingleRange bool
	// Skipped is how many bytes of the whole answer do not come, of those before what
	// comes next of the body: its ranges are counted from the beginning of the whole.
	Skipped int64
	// Part is what of the whole is sent when the range filter has made the answer 206.
	Part h1.Range
	// HeadersOnly suppresses the body: HEAD, 204, 304.
	HeadersOnly bool
	// Headers are all further lines. Server, Date, Content-Type,
	// Content-Length, Last-Modified, ETag, Location, Connection,
	// Keep-Alive and Transfer-Encoding are the core's, unless a line of
	// Server or Date stands here.
	Headers Headers
	// Trailers follow a chunked body.
	Trailers Headers
	// Unconditional: conditions of the request were for the upstream to look at.
	Unconditional bool
	// OverrideCharset is the charset to send the body in, whatever directives say;
	// "" for what they say.
	OverrideCharset string
	// WithoutServer and WithoutDate leave out these lines of the core's: those of an
	// upstream are passed on, and it has sent none.
	WithoutServer, WithoutDate bool

	typeLine string // see SetContentTypeLine
	typeRead [2]string
}

// reset keeps the memory of the header lists.
func (o *Response) reset() {
	h, t := o.Headers[:0], o.Trailers[:0]
	*o = Response{ContentLength: -1, LastModified: h1.NoTime, Headers: h, Trailers: t}
}
