// Package memcached answers requests with what memcached has.
//
//	location / {
//		set $memcached_key "$uri?$args";
//		memcached_pass localhost:11211;
//		error_page 404 502 504 = @fallback;
//	}
//
// See ngx_http_memcached_module in nginx's manual.
package memcached

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/cgi"
	"github.com/baton-project/baton/internal/http/gateway"
)

// Conf is what one level says.
type Conf struct {
	gateway.Settings

	place    cgi.Place // only of this level
	GzipFlag conf.Setting[int]
}

const prefix = "memcached_"

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[Conf]{
	Name: "memcached",
	Doc:  "Answers requests with what memcached has.",
	Directives: append(conf.Table[Conf]{
		{Name: "memcached_pass", In: conf.Location | conf.LocationIf, Args: conf.Take1, Set: (*Conf).setPass, Syntax: "address"},
		{Name: "memcached_gzip_flag", In: conf.AnyLevel, Args: conf.Take1, Syntax: "flag",
			Set: conf.Num(func(c *Conf) *conf.Setting[int] { return &c.GzipFlag })},
	}, shared()...),
	Merge:   (*Conf).merge,
	Install: (*Conf).install,
}

// shared are the directives of every *_pass that this one has too.
func shared() (table conf.Table[Conf]) {
	const names = " bind socket_keepalive connect_timeout send_timeout buffer_size read_timeout next_upstream next_upstream_tries next_upstream_timeout "
	for _, e := range gateway.Table(prefix, func(c *Conf) *gateway.Settings { return &c.Settings }) {
		name := strings.TrimPrefix(e.Name, prefix)
		if !strings.Contains(names, " "+name+" ") {
			continue
		}
		if name == "next_upstream" {
			e.Set, e.Syntax = ownWords(e.Set), "error | timeout | invalid_response | not_found | off ..."
		}
		table = append(table, e)
	}
	return table
}

// ownWords makes memcached_next_upstream of next_upstream, which has other words.
func ownWords(set func(*Conf, *conf.Directive) error) func(*Conf, *conf.Directive) error {
	words := map[string]string{"error": "error", "timeout": "timeout", "invalid_response": "invalid_header", "not_found": "http_404", "off": "off"}
	return func(c *Conf, d *conf.Directive) error {
		as := *d
		as.Args = nil
		for _, word := range d.Args {
			theirs, ok := words[word]
			if !ok {
				return d.Errorf(`invalid value "%s"`, word)
			}
			as.Args = append(as.Args, theirs)
		}
		return set(c, &as)
	}
}

func (c *Conf) setPass(d *conf.Directive) error {
	if strings.Contains(d.Args[0], "$") {
		return d.Errorf(`invalid host in upstream "%s"`, d.Args[0])
	}
	return c.place.Set(d, d.Args[0])
}

func (c *Conf) merge(outer *Conf) error {
	c.GzipFlag.Inherit(outer.GzipFlag, 0)
	return c.Settings.Merge(prefix, &outer.Settings, gateway.Defaults{TempFolder: "proxy_temp"})
}
