package http

import (
	"errors"
	"strings"
	"time"
	"unsafe"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/metrics"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls"
	"github.com/baton-project/baton/internal/variable"
	"github.com/baton-project/baton/internal/wire/h1"
)

// A Request is one exchange: what the client asked and what it is answered. It
// is the same for every protocol. It is used by one goroutine, and reused for
// another request when it has ended.
//
// Strings that it hands out are views into its memory, valid until it ends:
// clone what is kept longer.
type Request struct {
	Head h1.Head // as parsed; its spans are of HeadBytes

	Method h1.Method
	URI    string // decoded and normalized path; changed by SetURI and redirects
	Args   string // without "?"
	Exten  string // of URI, without the dot
	Host   string // asked for, lower case, without port; "" when none was

	Out Response

	conn   *Conn
	client poll.Sockaddr // see Peer
	wire   transport
	server *Server
	loc    *Location
	head   []byte // what the spans of Head are offsets into

	// How the request goes on; see engine.go.
	resume        Phase  // where a restart begins
	replaced      Result // what a header filter answers with instead
	errStatus     int    // answers with this status whatever the handler says; 0: none
	redirectsLeft int
	internal      bool
	uriChanged    bool // the location is to be chosen anew
	foreignURI    bool // the path no longer starts with the location's name
	behindAlias   bool // the path follows an alias that stands for all of it
	madeURI       bool // the path is not what the client has asked for
	inRewrite     bool
	errorPage     bool // an error_page was used and they do not nest
	rootTested    bool // a file below the root was opened
	peerSet       bool // client is not the address of the connection

	// What is left of the body; see body.go.
	body          requestBody
	expectTested  bool
	bodyDiscarded bool
	buffered      *Body     // of BufferBody; nil before
	bodyInFile    bool      // see BufferBodyInFile
	bodyPasses    bool      // see PassBody
	bodyRoom      *bodyRoom // where buffered is; nil: none is the request's own
	linger        bool

	// How the answer goes out; see send.go.
	sink       Sink
	junction   Sink // where subrequests add to the body; nil before the head is sent
	wraps      []func(next Sink) Sink
	fields     []Field // the lines of the head, gathered
	headerSent bool
	chunked    bool
	keepAlive  bool
	finished   bool
	broken     bool
	pipelined  bool // sent before the answer to the one before it
	timedOut   bool // the client was too slow
	// plainLocation: Out.Location goes out as it is, among the other lines.
	plainLocation bool
	sent          int64 // bytes handed to the connection, head included
	interim       int64 // bytes of interim answers before
	headSize      int64
	received      int64 // bytes of head and body read

	hello     *tls.Info // while the handshake of the connection goes on, before any request
	started   time.Time
	vars      variable.State // the memory in it is kept
	scratch   []byte
	firstRoom []byte // where scratch starts with every request
	file      File
	gzip      gzipState
	endings   []func() // see OnEnd
	contexts  []any    // see Context

	sub        *subState       // nil: a request of the client
	background *backgroundWork // nil: nothing runs beside this request
	postAction bool            // the answer is over, post_action runs
	limitRate  conf.Setting[int64]
	passed     Passed // see Pass; nil: not to an upstream
	tunnel     *Tunnel
	stall      Stall
	pacer      Pacer
	stray      Handler // of a block before this one, see IsStray; nil: none
}

// A transport is a protocol's way to send an answer and to read a body.
type transport interface {
	Sink
	// sendHead sends the head that is in r.Out and r.fields.
	sendHead(r *Request) error
	// sendContinue asks for the body of a request that expects it.
	sendContinue() error
	// readBody reads from the body; io.EOF ends it.
	readBody(r *Request, p []byte) (int, error)
	// skipBuffered drops what has arrived of the body already. It reports
	// false when that cannot be a body.
	skipBuffered(r *Request) bool
}

// ErrAnswered is returned by SendHeader when a filter has replaced the answer,
// and by whatever is called after the connection broke.
var ErrAnswered = errors.New("request is answered")

// reset makes r ready for a request on c. Memory is kept.
func (r *Request) reset(c *Conn, wire transport) {
	r.end()
	r.Head.Reset()
	r.Out.reset()
	clear(r.vars.Values)
	clear(r.wraps)
	*r = Request{
		Head: r.Head, Out: r.Out, conn: c, client: c.peer, wire: wire, sink: wire,
		wraps: r.wraps[:0], fields: r.fields[:0], endings: r.endings[:0], vars: variable.State{Values: r.vars.Values, CaptureAt: r.vars.CaptureAt[:0]},
		scratch: r.firstRoom[:0], firstRoom: r.firstRoom,
		redirectsLeft: maxRedirects + 1,
		started:       c.worker.reactor.Now(),
	}
}

// View is b as a string that shares its memory: b is not to be written again.
func View(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func view(b []byte) string { return View(b) }

// HeadBytes is what the spans of Head are offsets into.
func (r *Request) HeadBytes() []byte { return r.head }

// Header returns the first header line of the request with that ID; "" when
// there is none.
func (r *Request) Header(id h1.HeaderID) string { return r.Head.Get(r.head, id) }

// HeaderNamed returns the first header line with that name, given in lower case
// ("_" also stands for "-").
func (r *Request) HeaderNamed(name string) (value string, ok bool) {
	return r.Head.Lookup(r.head, name)
}

// RequestLine is the first line as the client sent it, for logs.
func (r *Request) RequestLine() string { return r.Head.LoggedLine(r.head) }

// Target is the request target as the client sent it ($request_uri); empty when
// the request line was not read to its end.
func (r *Request) Target() string {
	if r.Head.Request.End == 0 {
		return ""
	}
	return r.Head.Target.View(r.head)
}

// MethodName is the name of Method, as the client sent it.
func (r *Request) MethodName() string {
	if r.Method == h1.GET && r.Head.Method != h1.GET {
		return "GET" // of a subrequest, or for an error page
	}
	return r.Head.MethodName.View(r.head)
}

// Status is what the client is answered, as logs write it; 0 before an answer
// is chosen.
func (r *Request) Status() int {
	if r.errStatus != 0 {
		return r.errStatus
	}
	if r.Out.Status == 0 && r.Head.Version == h1.HTTP09 {
		return 9
	}
	return r.Out.Status
}

// BytesSent is the size of the answer so far, head included.
func (r *Request) BytesSent() int64 { return r.interim + r.sent }

// BodyBytesSent is the size of the answer so far without its head, but with
// interim answers, as nginx counts.
func (r *Request) BodyBytesSent() int64 { return max(0, r.interim+r.sent-r.headSize) }

// Started is when the first byte of the request was read.
func (r *Request) Started() time.Time { return r.started }

// Time is the time, as of the last turn of the reactor.
func (r *Request) Time() time.Time { return r.conn.worker.reactor.Now() }

// Internal reports whether the request was redirected inside the server.
func (r *Request) Internal() bool { return r.internal }

// HeaderSent reports whether the head of the answer is on its way.
func (r *Request) HeaderSent() bool { return r.headerSent }

// Location is the location the request is in; the server's own block before
// one was chosen.
func (r *Request) Location() *Location { return r.loc }

// Server is the server that the request is for.
func (r *Request) Server() *Server { return r.server }

// Stats are the counters of all workers.
func (r *Request) Stats() metrics.Totals { return r.conn.worker.Stats() }

// ConnectionNumber is the connection's number in logs.
func (r *Request) ConnectionNumber() uint64 { return r.conn.number }

// Logger is the error log of the request's location.
func (r *Request) Logger() *log.Logger { return r.logger() }

// Scratch is empty and has room for n bytes, which stay valid until the request
// ends.
func (r *Request) Scratch(n int) []byte {
	used := len(r.scratch)
	if cap(r.scratch)-used < n {
		r.scratch = make([]byte, 0, max(n, 2048))
		used = 0
	}
	r.scratch = r.scratch[:used+n]
	return r.scratch[used : used : used+n]
}

// joined is a+b+c in the request's memory.
func (r *Request) joined(a, b, c string) string {
	dst := append(r.Scratch(len(a)+len(b)+len(c)), a...)
	return View(append(append(dst, b...), c...))
}

// Root is what the path of a file starts with at the request's location, and
// how many bytes of URI it stands for: 0 with root, the length of the
// location's name with alias. It is not ok when that cannot be said; the reason
// is logged.
func (r *Request) Root() (root string, replaced int, ok bool) {
	paths := r.loc.paths
	if paths.isAlias && r.foreignURI {
		r.Logf(log.Alert, `"alias" cannot be used in location "%s" where URI was rewritten`, r.loc.text)
		return "", 0, false
	}
	root = r.loc.root.Eval(r)
	if len(root) == 0 || root[0] != '/' {
		root = r.joined(r.conn.worker.main.env.Prefix, root, "")
	}
	return root, min(paths.aliasLength, len(r.URI)), true
}

// Path maps uri, usually r.URI, to a file name by root or alias. With alias uri
// must start with what the alias replaces. It is "" when there is no name; the
// reason is logged. The result is built with spare room for reserve more bytes
// behind it, as [Request.Scratch] gives them.
func (r *Request) Path(uri string, reserve int) string {
	root, replaced, ok := r.Root()
	if !ok {
		return ""
	}
	if r.loc.paths.aliasWhole && !r.behindAlias {
		return root
	}
	dst := append(r.Scratch(len(root)+len(uri)+reserve), root...)
	return View(append(dst, uri[min(replaced, len(uri)):]...))
}

// SetFound changes the path to that of a file or folder which was found at name
// behind what Root has returned.
func (r *Request) SetFound(name string, isFolder bool) {
	paths := r.loc.paths
	switch {
	case !paths.aliasWhole:
		r.SetURI(r.joined(r.URI[:min(paths.aliasLength, len(r.URI))], name, ""))
	case !isFolder:
		r.SetURI(name)
		r.behindAlias = true
	}
}

// SetContentType sets Out.ContentType by types and default_type from Exten, unless
// an upstream has said it before it redirected the request to where it is.
func (r *Request) SetContentType() {
	if r.Out.ContentType == "" {
		r.Out.ContentType = r.TypeOf(r.Exten)
	}
}

// TypeOf is the media type of files with an extension, by types and
// default_type.
func (r *Request) TypeOf(extension string) string {
	paths := r.loc.paths
	if extension != "" {
		t, ok := paths.types[extension]
		if !ok {
			t, ok = paths.types[strings.ToLower(extension)]
		}
		if ok {
			return t
		}
	}
	return paths.DefaultType.V
}

// ETagEnabled is the directive etag.
func (r *Request) ETagEnabled() bool { return r.loc.paths.ETag.V }

// IfModifiedSince is the directive if_modified_since.
func (r *Request) IfModifiedSince() h1.IfModifiedSince { return r.loc.paths.IfModifiedSince.V }

// MaxRanges is the directive max_ranges.
func (r *Request) MaxRanges() int { return r.loc.paths.MaxRanges.V }

// LogNotFound is the directive log_not_found.
func (r *Request) LogNotFound() bool { return r.loc.paths.LogNotFound.V }
