package stream

import (
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/listen"
)

// serverConf is what holds for a server as a whole.
type serverConf struct {
	listens []listenAt
	names   []serverName
	content *conf.Directive // see ContentBy; nil: none

	ProxyProtocolTimeout conf.Setting[time.Duration]
	NoDelay              conf.Setting[bool]
	PrereadSize          conf.Setting[int64]
	PrereadTimeout       conf.Setting[time.Duration]
}

// listenAt is one listen directive.
type listenAt struct {
	parsed    *listen.Directive
	byDefault bool            // default_server
	protocols listen.Protocol // proxy_protocol, ssl
	directive *conf.Directive // for the place in errors
}

// serverName is one argument of server_name.
type serverName struct {
	text      string
	directive *conf.Directive
}

const ownTables = "the tables here grow by themselves"

var serverFeature = conf.Feature[serverConf]{
	Name: "stream_core",
	Doc:  "Servers of layer four, their addresses and names.",
	Table: conf.Table[serverConf]{
		{Name: "server", In: conf.StreamMain, Args: conf.Block | conf.NoArgs, Set: (*serverConf).enterServer, Syntax: "{ ... }"},
		{Name: "listen", In: conf.StreamServer, Args: conf.OneMore, Set: (*serverConf).addListen, Syntax: "address:port [parameters]"},
		{Name: "server_name", In: conf.StreamServer, Args: conf.OneMore, Set: (*serverConf).addNames, Syntax: "name ...", Default: `""`},
		{Name: "proxy_protocol_timeout", In: levels, Args: conf.Take1, Syntax: "time", Default: "30s",
			Set: conf.Msec(func(c *serverConf) *conf.Setting[time.Duration] { return &c.ProxyProtocolTimeout })},
		{Name: "tcp_nodelay", In: levels, Args: conf.Flag, Syntax: "on | off", Default: "on",
			Set: conf.OnOff(func(c *serverConf) *conf.Setting[bool] { return &c.NoDelay })},
		{Name: "preread_buffer_size", In: levels, Args: conf.Take1, Syntax: "size", Default: "16k",
			Set: conf.Size(func(c *serverConf) *conf.Setting[int64] { return &c.PrereadSize })},
		{Name: "preread_timeout", In: levels, Args: conf.Take1, Syntax: "time", Default: "30s",
			Set: conf.Msec(func(c *serverConf) *conf.Setting[time.Duration] { return &c.PrereadTimeout })},

		{Name: "server_names_hash_max_size", In: conf.StreamMain, Args: conf.Take1, Accepted: ownTables},
		{Name: "server_names_hash_bucket_size", In: conf.StreamMain, Args: conf.Take1, Accepted: ownTables},
		{Name: "variables_hash_max_size", In: conf.StreamMain, Args: conf.Take1, Accepted: ownTables},
		{Name: "variables_hash_bucket_size", In: conf.StreamMain, Args: conf.Take1, Accepted: ownTables},
	},
	Merge: (*serverConf).merge,
}

// ContentBy notes that the directive d says who deals with the sessions of its server.
// As in nginx the last one of several decides.
func ContentBy(d *conf.Directive) { conf.Make[serverConf](d.Level()).content = d }

func (c *serverConf) merge(outer *serverConf) error {
	c.ProxyProtocolTimeout.Inherit(outer.ProxyProtocolTimeout, 30*time.Second)
	c.NoDelay.Inherit(outer.NoDelay, true)
	c.PrereadSize.Inherit(outer.PrereadSize, 16384)
	c.PrereadTimeout.Inherit(outer.PrereadTimeout, 30*time.Second)
	return nil
}

func (c *serverConf) enterServer(d *conf.Directive) error {
	file, line := d.File, d.Line
	l, err := d.Enter(conf.StreamServer)
	if err != nil {
		return err
	}
	if len(conf.Make[serverConf](l).listens) == 0 {
		return &conf.Error{Msg: `no "listen" is defined for server`, File: file, Line: line}
	}
	return nil
}

// addListen leaves the address and what concerns the socket to package listen.
func (c *serverConf) addListen(d *conf.Directive) error {
	parsed, err := listen.Parse(d.Args, 0, d.Tree().LookupHost)
	if err != nil {
		return d.Errorf("%v", err)
	}
	at := listenAt{parsed: parsed, directive: d}
	datagrams := false
	for _, word := range parsed.Words {
		switch word {
		case "default_server":
			at.byDefault = true
		case "proxy_protocol":
			at.protocols |= listen.ProxyProtocol
		case "ssl":
			at.protocols |= listen.SSL
		case "udp":
			datagrams = true
		default:
			return d.Errorf(`invalid parameter "%s"`, word)
		}
	}
	if datagrams {
		if err := parsed.UDP(); err != nil {
			return d.Errorf("%v", err)
		}
	}
	c.listens = append(c.listens, at)
	return nil
}

func (c *serverConf) addNames(d *conf.Directive) error {
	for _, name := range d.Args {
		switch {
		case strings.HasPrefix(name, "*") && (len(name) < 3 || name[1] != '.'), name == ".":
			return d.Errorf(`server name "%s" is invalid`, name)
		case name == "~":
			return d.Errorf(`empty regex in server name "%s"`, name)
		}
		if strings.IndexByte(name, '/') >= 0 {
			d.Warnf(`server name "%s" has suspicious symbols`, name)
		}
		c.names = append(c.names, serverName{name, d})
	}
	return nil
}
