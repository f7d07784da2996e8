package grpc

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/cgi"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/tls/settings"
	"github.com/baton-project/baton/internal/upstream"
)

// Conf is what one level says.
type Conf struct {
	gateway.Settings
	SSL settings.Client

	place      cgi.Place // only of this level
	scheme     string    // of place, if it is the same for all requests
	authority  string    // likewise
	bufferSize conf.Setting[int64]
	headers    []headerConf
}

// headerConf is one grpc_set_header.
type headerConf struct {
	at          *conf.Directive
	name, value string
}

const (
	prefix  = "grpc_"
	scheme  = "grpc://"
	secured = "grpcs://"
)

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[Conf]{
	Name: "grpc",
	Doc:  "Passes requests on to gRPC servers.",
	Directives: append(append(conf.Table[Conf]{
		{Name: "grpc_pass", In: conf.Location | conf.LocationIf, Args: conf.Take1, Variables: conf.Arg(0), Set: (*Conf).setPass, Syntax: "[grpc:// | grpcs://]address"},
		{Name: "grpc_set_header", In: conf.AnyLevel, Args: conf.Take2, Variables: conf.Arg(1), Set: (*Conf).addHeader, Syntax: "field value"},
		{Name: "grpc_buffer_size", In: conf.AnyLevel, Args: conf.Take1, Syntax: "size", Default: "4k",
			Set: conf.Size(func(c *Conf) *conf.Setting[int64] { return &c.bufferSize })},
	}, shared()...), settings.ClientTable(prefix, conf.AnyLevel, func(c *Conf) *settings.Client { return &c.SSL })...),
	Merge:   (*Conf).merge,
	Install: (*Conf).install,
}

// shared are the directives of every *_pass that this one has too.
func shared() (table conf.Table[Conf]) {
	const names = " bind socket_keepalive socket_rcvbuf socket_sndbuf connect_timeout send_timeout read_timeout intercept_errors " +
		"next_upstream next_upstream_tries next_upstream_timeout pass_header hide_header ignore_headers "
	for _, e := range gateway.Table(prefix, func(c *Conf) *gateway.Settings { return &c.Settings }) {
		if strings.Contains(names, " "+strings.TrimPrefix(e.Name, prefix)+" ") {
			table = append(table, e)
		}
	}
	return table
}

// hidden are the lines of an answer that are not passed on.
var hidden = []string{"Date", "Server", "X-Accel-Expires", "X-Accel-Redirect", "X-Accel-Limit-Rate", "X-Accel-Buffering", "X-Accel-Charset"}

// defaultBuffer is that of grpc_buffer_size.
const defaultBuffer = 4 << 10

func (c *Conf) merge(outer *Conf) error {
	if err := c.Settings.Merge(prefix, &outer.Settings, gateway.Defaults{TempFolder: "proxy_temp", Hidden: hidden}); err != nil {
		return err
	}
	if err := c.SSL.Merge(prefix, &outer.SSL); err != nil {
		return err
	}
	c.bufferSize.Inherit(outer.bufferSize, defaultBuffer)
	if c.headers == nil {
		c.headers = outer.headers
	}
	s := &c.Settings
	s.BufferSize.V = c.bufferSize.V
	s.RequestBuffering.V, s.Buffering.V, s.PassTrailers.V = false, false, true
	s.IgnoreHeaders.V |= gateway.IgnoreAccelBuffering
	return nil
}

func (c *Conf) addHeader(d *conf.Directive) error {
	c.headers = append(c.headers, headerConf{d, d.Args[0], d.Args[1]})
	return nil
}

// setPass takes in grpc_pass, which may have a scheme.
func (c *Conf) setPass(d *conf.Directive) error {
	text := d.Args[0]
	if strings.Contains(text, "$") {
		return c.place.Set(d, text)
	}
	c.scheme, text = cutScheme(text)
	c.place.Secure = len(c.scheme) == len(secured)
	if err := c.place.Set(d, text); err != nil {
		return err
	}
	c.authority = authorityOf(text)
	return nil
}

// cutScheme takes the scheme off an address.
func cutScheme(address string) (cut, rest string) {
	for _, s := range []string{scheme, secured} {
		if len(address) > len(s) && strings.EqualFold(address[:len(s)], s) {
			return address[:len(s)], address[len(s):]
		}
	}
	return scheme, address
}

// authorityOf is the authority of requests to an address.
func authorityOf(address string) string {
	u, err := upstream.ParseURL(address, 0)
	switch {
	case err != nil:
		return address
	case u.IsUnix():
		return "localhost"
	}
	return address
}
