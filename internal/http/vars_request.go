package http

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/baton-project/baton/internal/variable"
	"github.com/baton-project/baton/internal/wire/h1"
)

// declareRequestVariables declares what is known from the request.
func declareRequestVariables(m *MainBuilder) error {
	return declareAll(m, []coreVariable{
		{"request", text((*Request).RequestLine), 0},
		{"request_method", requestMethod, 0},
		{"request_uri", requestURI, 0},
		{"server_protocol", serverProtocol, 0},
		{"scheme", scheme, 0},
		{"https", https, 0},
		{"host", host, 0},
		{"request_port", requestPort, 0},
		{"is_request_port", isRequestPort, 0},
		{"uri", uri, 0},
		{"document_uri", uri, 0},
		{"args", args, Changeable},
		{"query_string", args, 0},
		{"is_args", isArgs, 0},
		{"request_filename", requestFilename, 0},
		{"document_root", documentRoot, 0},
		{"realpath_root", realpathRoot, 0},
		{"request_length", number(func(r *Request) int64 { return r.received }), 0},
		{"request_id", requestID, Cacheable},
		{"request_body", bufferedBody, 0},
		{"request_body_file", bufferedFile, 0},
		{"remote_user", remoteUser, 0},
		{"content_length", contentLength, 0},
		{"content_type", func(r *Request) (string, bool) { return r.joinedHeader("content_type") }, 0},
	})
}

// A request whose first line is bad has no method, path or arguments.

func requestMethod(r *Request) (string, bool) {
	if r.Head.Request.End == 0 {
		return "", false
	}
	name := r.MethodName()
	if r.sub != nil {
		name = r.Head.MethodName.View(r.head)
	}
	return name, name != ""
}

func requestURI(r *Request) (string, bool) {
	target := r.Target()
	return target, target != ""
}

func uri(r *Request) (string, bool) { return r.URI, r.Head.Request.End != 0 }

// args has no value when nothing stands behind the "?" of what the client has sent.
func args(r *Request) (string, bool) {
	return r.Args, r.Args != "" || r.sub == nil && r.madeURI && strings.IndexByte(r.Target(), '?') >= 0
}

func serverProtocol(r *Request) (string, bool) {
	if r.Head.Protocol.Len() == 0 {
		return "", false
	}
	if r.Head.Request.End == 0 { // the line was not read to its end
		return "", true
	}
	return r.Head.Protocol.View(r.head), true
}

// host is the host asked for, else the server's name.
func host(r *Request) (string, bool) {
	if r.Host != "" {
		return r.Host, true
	}
	return r.server.name, true
}

// requestPort is the port that the client named with the host.
func requestPort(r *Request) (string, bool) {
	if r.Head.Port == 0 {
		return "", true
	}
	return View(strconv.AppendUint(r.Scratch(5), uint64(r.Head.Port), 10)), true
}

func isRequestPort(r *Request) (string, bool) {
	if r.Head.Port == 0 {
		return "", true
	}
	return ":", true
}

func isArgs(r *Request) (string, bool) {
	if r.Args == "" {
		return "", true
	}
	return "?", true
}

func requestFilename(r *Request) (string, bool) {
	path := r.Path(r.URI, 0)
	return path, path != ""
}

func documentRoot(r *Request) (string, bool) {
	root, _, ok := r.Root()
	return root, ok
}

func realpathRoot(r *Request) (string, bool) {
	root, _, ok := r.Root()
	if !ok {
		return "", false
	}
	real, err := filepath.EvalSymlinks(root)
	return real, err == nil
}

// requestID is 16 random bytes in hexadecimal.
func requestID(r *Request) (string, bool) {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return View(hex.AppendEncode(r.Scratch(2*len(id)), id[:])), true
}

// remoteUser is the user name of Basic authentication, whether it was checked or
// not.
func remoteUser(r *Request) (string, bool) {
	user, _, ok := r.BasicAuth()
	return user, ok
}

// BasicAuth returns what the client sent as user, which is not empty, and as
// password.
func (r *Request) BasicAuth() (user, password string, ok bool) {
	const scheme = "basic "
	value := r.Header(h1.HAuthorization)
	if r.ForProxy() {
		value = r.Header(h1.HProxyAuthorization)
	}
	if len(value) < len(scheme) || !equalFold(value[:len(scheme)], scheme) {
		return "", "", false
	}
	encoded, _, _ := strings.Cut(strings.TrimLeft(value[len(scheme):], " "), "=")
	encoding := base64.RawStdEncoding
	decoded, err := encoding.AppendDecode(r.Scratch(encoding.DecodedLen(len(encoded))), bytesOf(encoded))
	if err != nil {
		return "", "", false
	}
	if user, password, ok = strings.Cut(View(decoded), ":"); !ok || user == "" {
		return "", "", false
	}
	return user, password, true
}

func contentLength(r *Request) (string, bool) {
	if value := r.Header(h1.HContentLength); value != "" {
		return value, true
	}
	if r.buffered != nil && r.Head.Chunked {
		return View(strconv.AppendInt(r.Scratch(20), r.buffered.Size, 10)), true
	}
	return "", false
}

// declarePrefixVariables declares $arg_NAME, $http_NAME, $sent_http_NAME,
// $sent_trailer_NAME and $cookie_NAME.
func declarePrefixVariables(m *MainBuilder) {
	m.PrefixVariable("arg_", func(name string) Getter {
		if name == "" {
			return variable.Missing[*Request]
		}
		return func(r *Request) (string, bool) { return r.Arg(name) }
	})
	m.PrefixVariable("http_", func(name string) Getter {
		return func(r *Request) (string, bool) { return r.joinedHeader(name) }
	})
	m.PrefixVariable("cookie_", func(name string) Getter {
		return func(r *Request) (string, bool) { return r.Cookie(name) }
	})
	m.PrefixVariable("sent_http_", func(name string) Getter {
		return func(r *Request) (string, bool) { return r.sentHeader(name) }
	})
	m.PrefixVariable("sent_trailer_", func(name string) Getter {
		return func(r *Request) (string, bool) { return r.join(r.Out.Trailers, name, ", ") }
	})
}

// Arg is the first argument of that name, as it was sent. Names compare without
// case.
func (r *Request) Arg(name string) (string, bool) {
	for rest := r.Args; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		key, value, ok := strings.Cut(pair, "=")
		if ok && equalFold(key, name) {
			return value, true
		}
	}
	return "", false
}

// Cookie is the first cookie of that name. Names compare without case; spaces
// around the "=" do not count.
func (r *Request) Cookie(name string) (string, bool) {
	for i := range r.Head.Headers {
		line := &r.Head.Headers[i]
		if line.ID != h1.HCookie {
			continue
		}
		for rest := line.Value.View(r.head); rest != ""; {
			var pair string
			pair, rest, _ = strings.Cut(rest, ";")
			key, value, ok := strings.Cut(strings.TrimLeft(pair, " "), "=")
			switch {
			case !equalFold(strings.TrimRight(key, " "), name):
			case ok:
				return strings.TrimLeft(value, " "), true
			default: // as nginx: without a value it hides the cookie behind it
				_, rest, _ = strings.Cut(rest, ";")
			}
		}
	}
	return "", false
}

// HeaderLines appends the values of all lines of the request with a name, which
// is in lower case with underscores, to dst in the order of the lines.
func (r *Request) HeaderLines(dst []string, name string) []string {
	for i := range r.Head.Headers {
		if line := &r.Head.Headers[i]; h1.MatchName(line.Name.View(r.head), name) {
			dst = append(dst, line.Value.View(r.head))
		}
	}
	return dst
}

// joinedHeader is the values of all lines of the request with a name, which is
// in lower case with underscores; cookies are joined by "; ", others by ", ".
func (r *Request) joinedHeader(name string) (string, bool) {
	first, size, count := "", 0, 0
	separator := ", "
	for i := range r.Head.Headers {
		line := &r.Head.Headers[i]
		if !h1.MatchName(line.Name.View(r.head), name) {
			continue
		}
		if count == 0 {
			first = line.Value.View(r.head)
		}
		if line.ID == h1.HCookie {
			separator = "; "
		}
		count++
		size += line.Value.Len() + len(separator)
	}
	if count < 2 {
		return first, count == 1
	}
	dst := r.Scratch(size)
	for i := range r.Head.Headers {
		line := &r.Head.Headers[i]
		if h1.MatchName(line.Name.View(r.head), name) {
			if len(dst) > 0 {
				dst = append(dst, separator...)
			}
			dst = append(dst, line.Value.Of(r.head)...)
		}
	}
	return View(dst), true
}

// sentHeader is a line of the answer; name is in lower case with underscores.
func (r *Request) sentHeader(name string) (string, bool) {
	out := &r.Out
	switch name {
	case "content_type":
		return r.contentTypeLine(), out.ContentType != ""
	case "content_length":
		if out.ContentLength < 0 {
			return "", false
		}
		return View(strconv.AppendInt(r.Scratch(20), out.ContentLength, 10)), true
	case "location":
		if out.Location != "" {
			return out.Location, true
		} // else that of an upstream is among the lines
	case "last_modified":
		if out.LastModified == h1.NoTime {
			return "", false
		}
		return View(h1.AppendDate(r.Scratch(h1.DateLen), out.LastModified)), true
	case "etag":
		return out.ETag, out.ETag != ""
	case "connection":
		switch {
		case out.Status == 101:
			return "upgrade", true
		case r.keepAlive:
			return "keep-alive", true
		}
		return "close", true
	case "keep_alive":
		seconds := int64(r.loc.conn.keepaliveHeader.Seconds())
		if !r.keepAlive || seconds == 0 {
			return "", false
		}
		return View(strconv.AppendInt(append(r.Scratch(30), "timeout="...), seconds, 10)), true
	case "transfer_encoding":
		if r.chunked {
			return "chunked", true
		}
		return "", false
	}
	return r.join(out.Headers, name, ", ")
}

func (r *Request) contentTypeLine() string {
	if r.Out.Charset == "" || r.Out.ContentType == "" {
		return r.Out.ContentType
	}
	return r.joined(r.Out.ContentType, "; charset=", r.Out.Charset)
}

func (r *Request) join(lines Headers, name, separator string) (value string, ok bool) {
	for i := range lines {
		switch {
		case !h1.MatchName(lines[i].Name, name):
		case !ok:
			value, ok = lines[i].Value, true
		default:
			value = r.joined(value, separator, lines[i].Value)
		}
	}
	return value, ok
}
