package proxy

import (
	"strconv"
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/wire/h1"
)

// plan is a Conf that is compiled for one location.
type plan struct {
	*passConf
	conf    *Conf
	pass    gateway.Pass
	url2    *http.Value // of a URL with variables
	method  *http.Value
	body    *http.Value
	host    *http.Value // nil: the address
	plain   lines
	cached  lines // of requests whose answer may be kept
	rewrite *rewriter
}

// lines are the lines of the request that is sent.
type lines struct {
	sent []header
	skip gateway.Names // of the client's
}

// A header is one line of the request that is sent.
type header struct {
	name  string
	kind  headerKind
	value *http.Value
}

type headerKind uint8

const (
	computed headerKind = iota
	bodyLength
	transferEncoding
	cacheModified
	cacheTag
)

// ours are the lines that are not simply passed on.
var ours = []header{
	{name: "Host"}, {name: "Connection"}, {name: "Proxy-Connection"}, {name: "Content-Length", kind: bodyLength},
	{name: "Transfer-Encoding", kind: transferEncoding}, {name: "TE"}, {name: "Keep-Alive"}, {name: "Expect"}, {name: "Upgrade"},
}

// oursCached are ours when the answer may be kept: then the conditions are those of the
// cache, and the answer is to be whole.
var oursCached = []header{{name: "If-Modified-Since", kind: cacheModified}, {name: "If-Unmodified-Since"}, {name: "If-None-Match", kind: cacheTag},
	{name: "If-Match"}, {name: "Range"}, {name: "If-Range"}}

func portText(port uint16) string { return strconv.Itoa(int(port)) }

// install makes the content handler of a location with a proxy_pass, and of
// nameless ones inside it.
func (c *Conf) install(b *http.Builder) error {
	passed, inherited := c.pass, false
	if own := conf.Own[Conf](b.Level()); own == nil || own.pass == nil {
		if b.Level().Context&(conf.LocationIf|conf.LimitExcept) == 0 {
			return nil
		}
		if passed = conf.Get[Conf](b.Level().Parent).pass; passed == nil || !passesAt(b.Level().Parent) {
			return nil
		}
		inherited = true
	}
	p := &plan{passConf: passed, conf: c}
	if err := p.compile(b); err != nil {
		return err
	}
	p.pass.Settings, p.pass.Module = &c.Settings, p
	if p.target == nil || p.url.ssl {
		p.pass.SSL = &c.SSL
	}
	if p.rewrite != nil {
		p.pass.Rewrite = p.rewrite.apply
	}
	if name, whole := locationName(b.Level()); whole && !inherited && strings.HasSuffix(name, "/") {
		b.AutoRedirect()
	}
	if c.Version.V == h1.HTTP20 {
		return gateway.Install[multiplexed](b, &p.pass, inherited, func() gateway.Codec { return new(codec2) })
	}
	return gateway.Install[Conf](b, &p.pass, inherited, func() gateway.Codec { return new(codec) })
}

// passesAt reports whether the level is one where a proxy_pass stands or is
// inherited.
func passesAt(l *conf.Level) bool {
	for l.Context&(conf.LocationIf|conf.LimitExcept) != 0 {
		if own := conf.Own[Conf](l); own != nil && own.pass != nil {
			return true
		}
		l = l.Parent
	}
	own := conf.Own[Conf](l)
	return own != nil && own.pass != nil
}

func (p *plan) compile(b *http.Builder) (err error) {
	c := p.conf
	if p.target == nil {
		if p.url2, err = b.Compile(p.at, p.at.Args[0]); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		d     *conf.Directive
		value **http.Value
	}{{c.Method.V, &p.method}, {c.Body.V, &p.body}} {
		if part.d == nil {
			continue
		}
		if *part.value, err = b.Compile(part.d, part.d.Args[0]); err != nil {
			return err
		}
	}
	p.rewrite = c.rewriter()
	return p.compileHeaders(b)
}

// compileHeaders makes the lines of the request: those of proxy_set_header, and
// of ours those that it does not name.
func (p *plan) compileHeaders(b *http.Builder) (err error) {
	var given []header
	for _, h := range p.conf.headers {
		if strings.EqualFold(h.name, "Host") {
			if p.host, err = b.Compile(h.at, h.value); err != nil {
				return err
			}
			continue
		}
		made := header{name: h.name}
		if made.value, err = b.Compile(h.at, h.value); err != nil {
			return err
		}
		given = append(given, made)
	}
	p.plain.make(given, ours)
	if p.conf.Caches() {
		p.cached.make(given, append(ours[:len(ours):len(ours)], oursCached...))
	}
	return nil
}

// make takes the lines of given, and of those that are ours the ones that it does not
// name.
func (l *lines) make(given, ours []header) {
	all := given[:len(given):len(given)]
	for _, own := range ours {
		named := false
		for _, h := range given {
			named = named || strings.EqualFold(h.name, own.name)
		}
		if !named {
			all = append(all, own)
		}
	}
	for _, h := range all {
		l.skip.Put(h.name)
		if text, literal := h.value.Literal(); literal && text == "" && h.kind == computed {
			continue
		}
		l.sent = append(l.sent, h)
	}
}
