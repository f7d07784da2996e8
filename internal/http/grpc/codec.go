package grpc

import (
	"strings"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/http/h2up"
	"github.com/baton-project/baton/internal/wire/h1"
)

// codec is a request to a gRPC server.
type codec struct {
	h2up.Stream
	plan      *plan
	authority string
	head      h2up.Head
}

// Begin finds out where the request goes to.
func (c *codec) Begin(x *gateway.Exchange) http.Result {
	c.plan = x.Pass.Module.(*plan)
	c.Reset(x.Request.Method == h1.HEAD)
	c.authority = c.plan.authority
	x.Schema, x.SSL = c.plan.scheme, len(c.plan.scheme) == len(secured)
	return c.plan.aim.Take(x, c.cut)
}

// cut takes the scheme off an address that variables have made.
func (c *codec) cut(x *gateway.Exchange, text string) string {
	x.Schema, text = cutScheme(text)
	x.SSL = len(x.Schema) == len(secured)
	c.authority = authorityOf(text)
	return text
}

// TakesBody says that any body is sent, and that it is while it arrives.
func (*codec) TakesBody(*gateway.Exchange) (send, stream bool) { return true, true }

// AppendHead appends the request's head.
func (c *codec) AppendHead(dst []byte, x *gateway.Exchange, _ int64) ([]byte, http.Result) {
	r, p := x.Request, c.plan
	x.URI = uriOf(r)
	authority := c.authority
	if p.host {
		authority = ""
	}
	c.head.Begin(r.MethodName(), x.SSL, x.URI, authority)
	for i := range p.sent {
		c.head.Add(p.sent[i].name, p.sent[i].value.Eval(r))
	}
	if n := r.Head.ContentLength; p.sendsLength && n >= 0 {
		c.head.Add("content-length", http.View(h1.AppendInt(r.Scratch(20), n)))
	}
	if p.sendsTE && takesTrailers(r.Header(h1.HTE)) {
		c.head.Add("te", "trailers")
	}
	c.head.AddClient(r, &p.skip)
	return c.head.Append(dst, !x.HasBody()), http.Declined
}

// takesTrailers looks for a word in TE.
func takesTrailers(te string) bool {
	const word = "trailers"
	for i := 0; i+len(word) <= len(te); i++ {
		if strings.EqualFold(te[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

// uriOf is what the upstream is asked for.
func uriOf(r *http.Request) string {
	if r.AskedURI() {
		return r.Target()
	}
	dst := r.Scratch(3*len(r.URI) + len(r.Args) + 1)
	if h1.NeedsEscape(r.URI, h1.EscapeURI) {
		dst = h1.AppendEscaped(dst, r.URI, h1.EscapeURI)
	} else {
		dst = append(dst, r.URI...)
	}
	if r.Args != "" {
		dst = append(append(dst, '?'), r.Args...)
	}
	return http.View(dst)
}

var _ gateway.Duplex = (*codec)(nil)
