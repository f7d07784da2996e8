package http

import (
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/listen"
	"github.com/baton-project/baton/internal/wire/h1"
)

// serverConf is what holds for a server as a whole: its addresses and names,
// and how request heads are read before a location is known.
type serverConf struct {
	Listens []listenAt
	Names   []serverName

	HeaderTimeout  conf.Setting[time.Duration]
	HeaderBuffer   conf.Setting[int64]
	LargeBuffers   conf.Setting[conf.Buffers]
	MaxHeaders     conf.Setting[int]
	IgnoreInvalid  conf.Setting[bool]
	MergeSlashes   conf.Setting[bool]
	Underscores    conf.Setting[bool]
	parsing        h1.Options
	allowConnect   bool
	headerLineMax  int // bytes of the longest line
	headerTotalMax int // bytes of the longest head
}

// listenAt is one listen directive.
type listenAt struct {
	parsed    *listen.Directive
	byDefault bool            // default_server
	protocols listen.Protocol // proxy_protocol, ssl, http2
	directive *conf.Directive // for the place in errors
}

// serverName is one argument of server_name.
type serverName struct {
	text      string
	directive *conf.Directive
}

const serverLevels = conf.Main | conf.Server

var serverFeature = conf.Feature[serverConf]{
	Name: "http_server",
	Doc:  "Servers, their addresses and names, and how request heads are read.",
	Table: conf.Table[serverConf]{
		{Name: "server", In: conf.Main, Args: conf.Block | conf.NoArgs, Set: (*serverConf).enterServer, Syntax: "{ ... }"},
		{Name: "location", In: conf.Server | conf.Location, Args: conf.Block | conf.Take12, Set: (*serverConf).enterLocation,
			Syntax: "[ = | ~ | ~* | ^~ ] uri { ... } or @name { ... }"},
		{Name: "listen", In: conf.Server, Args: conf.OneMore, Set: (*serverConf).addListen,
			Syntax: "address[:port] [parameters]", Default: "*:80 | *:8000"},
		{Name: "server_name", In: conf.Server, Args: conf.OneMore, Set: (*serverConf).addNames, Syntax: "name ...", Default: `""`},
		{Name: "client_header_timeout", In: serverLevels, Args: conf.Take1, Syntax: "time", Default: "60s",
			Set: conf.Msec(func(c *serverConf) *conf.Setting[time.Duration] { return &c.HeaderTimeout })},
		{Name: "client_header_buffer_size", In: serverLevels, Args: conf.Take1, Syntax: "size", Default: "1k",
			Set: conf.Size(func(c *serverConf) *conf.Setting[int64] { return &c.HeaderBuffer })},
		{Name: "large_client_header_buffers", In: serverLevels, Args: conf.Take2, Syntax: "number size", Default: "4 8k",
			Set: conf.Bufs(func(c *serverConf) *conf.Setting[conf.Buffers] { return &c.LargeBuffers })},
		{Name: "max_headers", In: serverLevels, Args: conf.Take1, Syntax: "number", Default: "1000",
			Set: conf.Num(func(c *serverConf) *conf.Setting[int] { return &c.MaxHeaders })},
		{Name: "ignore_invalid_headers", In: serverLevels, Args: conf.Flag, Syntax: "on | off", Default: "on",
			Set: conf.OnOff(func(c *serverConf) *conf.Setting[bool] { return &c.IgnoreInvalid })},
		{Name: "merge_slashes", In: serverLevels, Args: conf.Flag, Syntax: "on | off", Default: "on",
			Set: conf.OnOff(func(c *serverConf) *conf.Setting[bool] { return &c.MergeSlashes })},
		{Name: "underscores_in_headers", In: serverLevels, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *serverConf) *conf.Setting[bool] { return &c.Underscores })},

		{Name: "connection_pool_size", In: serverLevels, Args: conf.Take1, Accepted: "connections have no memory pools here"},
		{Name: "request_pool_size", In: serverLevels, Args: conf.Take1, Accepted: "requests have no memory pools here"},
		{Name: "server_names_hash_max_size", In: conf.Main, Args: conf.Take1, Accepted: "the tables of names grow by themselves"},
		{Name: "server_names_hash_bucket_size", In: conf.Main, Args: conf.Take1, Accepted: "the tables of names grow by themselves"},
		{Name: "variables_hash_max_size", In: conf.Main, Args: conf.Take1, Accepted: "the table of variables grows by itself"},
		{Name: "variables_hash_bucket_size", In: conf.Main, Args: conf.Take1, Accepted: "the table of variables grows by itself"},
	},
	Merge: (*serverConf).merge,
}

func (c *serverConf) merge(outer *serverConf) error {
	c.HeaderTimeout.Inherit(outer.HeaderTimeout, time.Minute)
	c.HeaderBuffer.Inherit(outer.HeaderBuffer, 1024)
	c.LargeBuffers.Inherit(outer.LargeBuffers, conf.Buffers{Num: 4, Size: 8192})
	c.MaxHeaders.Inherit(outer.MaxHeaders, 1000)
	c.IgnoreInvalid.Inherit(outer.IgnoreInvalid, true)
	c.MergeSlashes.Inherit(outer.MergeSlashes, true)
	c.Underscores.Inherit(outer.Underscores, false)
	c.parsing = h1.Options{
		Underscores: c.Underscores.V,
		KeepInvalid: !c.IgnoreInvalid.V,
		MaxHeaders:  c.MaxHeaders.V,

		AllowConnect: c.allowConnect,
	}
	large := c.LargeBuffers.V
	c.headerLineMax = int(max(large.Size, c.HeaderBuffer.V))
	c.headerTotalMax = int(c.HeaderBuffer.V + int64(large.Num)*large.Size)
	return nil
}

// AllowConnect lets the server that l belongs to take CONNECT requests. It is called
// while the configuration is read.
func AllowConnect(l *conf.Level) {
	for ; l != nil; l = l.Parent {
		if l.Context == conf.Server {
			conf.Make[serverConf](l).allowConnect = true
			return
		}
	}
}

func (c *serverConf) enterServer(d *conf.Directive) error {
	l, err := d.Enter(conf.Server)
	if err != nil {
		return err
	}
	return conf.Make[serverConf](l).finishServer(l)
}

// finishServer gives a server without listen nginx's address: port 80 for a
// privileged user, else 8000.
func (c *serverConf) finishServer(l *conf.Level) error {
	if len(c.Listens) > 0 {
		return nil
	}
	address := "*:80"
	if !l.Tree().Privileged() {
		address = "*:8000"
	}
	parsed, err := listen.Parse([]string{address}, 80, nil)
	if err != nil {
		return l.Directive.Errorf("%v", err)
	}
	c.Listens = []listenAt{{parsed: parsed, directive: l.Directive}}
	return nil
}

// addListen leaves the address and what concerns the socket to package listen;
// what needs a feature that is not there is refused by name.
func (c *serverConf) addListen(d *conf.Directive) error {
	parsed, err := listen.Parse(d.Args, 80, d.Tree().LookupHost)
	if err != nil {
		return d.Errorf("%v", err)
	}
	at := listenAt{parsed: parsed, directive: d}
	for _, word := range parsed.Words {
		switch word {
		case "default_server", "default":
			at.byDefault = true
		case "proxy_protocol":
			at.protocols |= listen.ProxyProtocol
		case "ssl":
			at.protocols |= listen.SSL
		case "http2":
			d.Warnf(`the "listen ... http2" directive is deprecated, use the "http2" directive instead`)
			at.protocols |= listen.HTTP2
		case "quic":
			return d.Errorf(`the "%s" parameter is not supported`, word)
		default:
			return d.Errorf(`invalid parameter "%s"`, word)
		}
	}
	c.Listens = append(c.Listens, at)
	return nil
}

func (c *serverConf) enterLocation(d *conf.Directive) error {
	_, err := d.Enter(conf.Location, checkLocation)
	return err
}

func (c *serverConf) addNames(d *conf.Directive) error {
	for _, name := range d.Args {
		switch {
		case strings.HasPrefix(name, "*") && (len(name) < 3 || name[1] != '.'), name == ".":
			return d.Errorf(`server name "%s" is invalid`, name)
		case name == "~":
			return d.Errorf(`empty regex in server name "%s"`, name)
		}
		if strings.IndexByte(name, '/') >= 0 && !strings.HasPrefix(name, "~") {
			d.Warnf(`server name "%s" has suspicious symbols`, name)
		}
		c.Names = append(c.Names, serverName{name, d})
	}
	return nil
}

// parseNumber is conf.ParseNumber for places with sentences of their own.
func parseNumber(s string) (n int, ok bool) {
	n64, err := conf.ParseNumber(s)
	return int(n64), err == nil
}
