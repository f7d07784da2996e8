package proxy

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/upstream"
)

// passConf is one proxy_pass.
type passConf struct {
	at       *conf.Directive
	target   *gateway.Target // nil: the URL has variables
	url      address
	location string // what url.uri stands for in the request's path
}

// An address is a URL taken apart.
type address struct {
	schema string // "http://"
	host   string // $proxy_host
	header string // the Host header
	ssl    bool   // the schema is https
	port   string // $proxy_port
	uri    string // "" or "/path?args"
}

const uriPartRefused = `"proxy_pass" cannot have URI part in location given by regular expression, or inside named location, ` +
	`or inside "if" statement, or inside "limit_except" block`

func (c *Conf) setPass(d *conf.Directive) error {
	if c.pass != nil {
		return conf.ErrDuplicate
	}
	p := &passConf{at: d}
	c.pass = p
	text := d.Args[0]
	if strings.IndexByte(text, '$') >= 0 {
		return nil
	}
	schema, port, ok := cutSchema(text)
	if !ok {
		return d.Errorf("invalid URL prefix")
	}
	rest := text[len(schema):]
	target, uri, err := gateway.Refer(d, rest, port)
	if err != nil {
		return err
	}
	u, err := upstream.ParseURL(rest[:len(rest)-len(uri)], port)
	if err != nil {
		return d.Errorf("%v in upstream \"%s\"", err, rest)
	}
	p.target, p.url = target, addressOf(schema, &u, port, uri)
	name, whole := locationName(d.Level())
	if !whole && uri != "" {
		return d.Errorf(uriPartRefused)
	}
	if whole {
		p.location = name
	}
	return nil
}

// cutSchema takes "http://" or "https://" off the front of a URL.
func cutSchema(text string) (schema string, defaultPort uint16, ok bool) {
	for _, s := range []struct {
		text string
		port uint16
	}{{"http://", 80}, {"https://", 443}} {
		if len(text) > len(s.text) && strings.EqualFold(text[:len(s.text)], s.text) {
			return text[:len(s.text)], s.port, true
		}
	}
	return "", 0, false
}

// addressOf takes a URL apart as nginx does.
func addressOf(schema string, u *upstream.URL, defaultPort uint16, uri string) address {
	a := address{schema: schema, uri: uri, ssl: len(schema) == len("https://")}
	switch {
	case u.IsUnix():
		a.host, a.header = "unix:"+u.Host+":", "localhost"
	case u.NoPort || u.Port == defaultPort:
		a.host, a.header, a.port = u.Host, u.Host, portText(defaultPort)
	default:
		a.port = portText(u.Port)
		a.host = u.Host + ":" + a.port
		a.header = a.host
	}
	return a
}

// locationName is the name of the location that l is; whole is false when it is
// not the beginning of a path.
func locationName(l *conf.Level) (name string, whole bool) {
	if l.Context != conf.Location {
		return "", false
	}
	args := l.Directive.Args
	if len(args) == 2 {
		return args[1], !strings.HasPrefix(args[0], "~")
	}
	name = args[0]
	switch {
	case strings.HasPrefix(name, "="):
		return name[1:], true
	case strings.HasPrefix(name, "^~"):
		return name[2:], true
	case strings.HasPrefix(name, "~"), strings.HasPrefix(name, "@"):
		return name, false
	}
	return name, true
}
