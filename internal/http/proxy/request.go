package proxy

import (
	"strings"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
)

// AppendHead appends the request's head, and the body of proxy_set_body.
func (c *codec) AppendHead(dst []byte, x *gateway.Exchange, size int64) ([]byte, http.Result) {
	r, p := x.Request, c.plan
	method := c.method(x)
	body := ""
	if p.body != nil {
		body = p.body.Eval(r)
		size = int64(len(body))
	}
	c.size, c.chunked = size, size == gateway.UnknownSize
	dst = append(append(dst, method...), ' ')
	at := len(dst)
	if dst = c.appendURI(dst, r); len(dst) == at {
		r.Logf(log.Error, "zero length URI to proxy")
		return dst, 500
	}
	uri := dst[at:]
	if p.conf.Version.V == h1.HTTP11 {
		dst = append(dst, " HTTP/1.1\r\n"...)
	} else {
		dst = append(dst, " HTTP/1.0\r\n"...)
	}
	dst = c.appendHost(dst, r)
	lines := &p.plain
	if x.Cacheable() {
		lines = &p.cached
	}
	for i := range lines.sent {
		dst = c.appendLine(dst, r, &lines.sent[i])
	}
	if x.Pass.Settings.PassRequestHeaders.V {
		dst = lines.appendClient(dst, r)
	}
	dst = append(dst, '\r', '\n')
	dst = append(dst, body...)
	x.URI = http.View(append(r.Scratch(len(uri)), uri...))
	return dst, http.Declined
}

// method is what the request is sent with.
func (c *codec) method(x *gateway.Exchange) string {
	r, p := x.Request, c.plan
	method := r.MethodName()
	switch {
	case x.AsGet():
		method = "GET"
	case p.method != nil:
		method = p.method.Eval(r)
	case r.Method == h1.GET && r.Internal():
		method = "GET" // an error page
	}
	c.isHead = h1.EqualFold(method, "head")
	return method
}

// AppendKey appends what stands for the answer in a cache: the URL.
func (c *codec) AppendKey(dst []byte, x *gateway.Exchange) []byte {
	dst = append(append(dst, c.url.schema...), c.url.host...)
	return c.appendURI(dst, x.Request)
}

// appendURI appends what the upstream is asked for.
func (c *codec) appendURI(dst []byte, r *http.Request) []byte {
	own := c.url.uri
	switch {
	case c.plan.target == nil && own != "":
		return append(dst, own...)
	case own == "" && r.AskedURI():
		return append(dst, r.Target()...)
	}
	replaced := 0
	if r.InLocation() {
		if own != "" {
			replaced = min(len(c.plan.location), len(r.URI))
		}
		dst = append(dst, own...)
	}
	path := r.URI[replaced:]
	if (r.Internal() || strings.IndexByte(r.Target(), '%') >= 0) && h1.NeedsEscape(path, h1.EscapeURI) {
		dst = h1.AppendEscaped(dst, path, h1.EscapeURI)
	} else {
		dst = append(dst, path...)
	}
	if r.Args != "" {
		dst = append(append(dst, '?'), r.Args...)
	}
	return dst
}

func (c *codec) appendHost(dst []byte, r *http.Request) []byte {
	host := c.hostOf(r)
	if host == "" {
		return dst
	}
	return h1.AppendField(dst, "Host", host)
}

// hostOf is the host that the request names.
func (c *codec) hostOf(r *http.Request) string {
	host := ""
	if c.plan.host != nil {
		host = c.plan.host.Eval(r)
	}
	if c.plan.host == nil || host == "" && c.plan.conf.Version.V != h1.HTTP10 {
		host = c.url.header
	}
	return host
}

// appendLine appends a line, if it has a value.
func (c *codec) appendLine(dst []byte, r *http.Request, h *header) []byte {
	before := len(dst)
	dst = append(append(dst, h.name...), ':', ' ')
	at := len(dst)
	if dst = c.appendValue(dst, r, h); len(dst) == at {
		return dst[:before]
	}
	return append(dst, '\r', '\n')
}

// appendValue appends the value of a line.
func (c *codec) appendValue(dst []byte, r *http.Request, h *header) []byte {
	switch h.kind {
	case bodyLength:
		if c.size >= 0 {
			dst = h1.AppendInt(dst, c.size)
		}
	case transferEncoding:
		if c.chunked {
			dst = append(dst, "chunked"...)
		}
	case cacheModified:
		dst = gateway.AppendCacheModified(dst, r)
	case cacheTag:
		dst = gateway.AppendCacheTag(dst, r)
	default:
		dst = h.value.Append(dst, r)
	}
	return dst
}

// appendClient appends the client's lines that proxy_set_header does not
// name.
func (l *lines) appendClient(dst []byte, r *http.Request) []byte {
	buf := r.HeadBytes()
	for i := range r.Head.Headers {
		h := &r.Head.Headers[i]
		name := h.Name.View(buf)
		if l.skip.Has(name, h.ID) {
			continue
		}
		dst = h1.AppendField(dst, name, h.Value.View(buf))
	}
	return dst
}
