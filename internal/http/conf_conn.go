package http

import (
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/wire/h1"
)

// connConf says how connections are kept, timed and closed.
type connConf struct {
	KeepaliveTimeout    conf.Setting[time.Duration] // 0: no keep-alive
	keepaliveHeader     time.Duration               // "Keep-Alive: timeout=", 0: none
	KeepaliveMinTimeout conf.Setting[time.Duration]
	KeepaliveRequests   conf.Setting[int]
	KeepaliveTime       conf.Setting[time.Duration]
	KeepaliveDisable    conf.Setting[agents]
	SendTimeout         conf.Setting[time.Duration]
	LingeringClose      conf.Setting[lingering]
	LingeringTime       conf.Setting[time.Duration]
	LingeringTimeout    conf.Setting[time.Duration]
	ResetTimedout       conf.Setting[bool]
	TCPNopush           conf.Setting[bool]
	TCPNodelay          conf.Setting[bool]
	Chunked             conf.Setting[bool]
}

// lingering is the directive lingering_close.
type lingering uint8

const (
	lingerOff lingering = iota
	lingerOn
	lingerAlways
)

// agents is the set of browsers of keepalive_disable.
type agents uint8

const (
	agentMSIE6 agents = 1 << iota
	agentSafari
)

var connFeature = conf.Feature[connConf]{
	Name: "http_connection",
	Doc:  "How connections are kept alive, timed and closed.",
	Table: conf.Table[connConf]{
		{Name: "keepalive_timeout", In: conf.AnyLevel, Args: conf.Take12, Set: (*connConf).setKeepalive,
			Syntax: "timeout [header_timeout]", Default: "75s"},
		{Name: "keepalive_min_timeout", In: conf.AnyLevel, Args: conf.Take1, Syntax: "timeout", Default: "0",
			Set: conf.Msec(func(c *connConf) *conf.Setting[time.Duration] { return &c.KeepaliveMinTimeout })},
		{Name: "keepalive_requests", In: conf.AnyLevel, Args: conf.Take1, Syntax: "number", Default: "1000",
			Set: conf.Num(func(c *connConf) *conf.Setting[int] { return &c.KeepaliveRequests })},
		{Name: "keepalive_time", In: conf.AnyLevel, Args: conf.Take1, Syntax: "time", Default: "1h",
			Set: conf.Msec(func(c *connConf) *conf.Setting[time.Duration] { return &c.KeepaliveTime })},
		{Name: "keepalive_disable", In: conf.AnyLevel, Args: conf.Take12, Set: (*connConf).setKeepaliveDisable,
			Syntax: "none | browser ...", Default: "msie6"},
		{Name: "send_timeout", In: conf.AnyLevel, Args: conf.Take1, Syntax: "time", Default: "60s",
			Set: conf.Msec(func(c *connConf) *conf.Setting[time.Duration] { return &c.SendTimeout })},
		{Name: "lingering_close", In: conf.AnyLevel, Args: conf.Take1, Syntax: "off | on | always", Default: "on",
			Set: conf.Enum([]conf.Choice[lingering]{{Word: "off", V: lingerOff}, {Word: "on", V: lingerOn}, {Word: "always", V: lingerAlways}},
				func(c *connConf) *conf.Setting[lingering] { return &c.LingeringClose })},
		{Name: "lingering_time", In: conf.AnyLevel, Args: conf.Take1, Syntax: "time", Default: "30s",
			Set: conf.Msec(func(c *connConf) *conf.Setting[time.Duration] { return &c.LingeringTime })},
		{Name: "lingering_timeout", In: conf.AnyLevel, Args: conf.Take1, Syntax: "time", Default: "5s",
			Set: conf.Msec(func(c *connConf) *conf.Setting[time.Duration] { return &c.LingeringTimeout })},
		{Name: "reset_timedout_connection", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *connConf) *conf.Setting[bool] { return &c.ResetTimedout })},
		{Name: "tcp_nopush", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *connConf) *conf.Setting[bool] { return &c.TCPNopush })},
		{Name: "tcp_nodelay", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "on",
			Set:      conf.OnOff(func(c *connConf) *conf.Setting[bool] { return &c.TCPNodelay }),
			Accepted: "whole answers leave in one write, so Nagle's algorithm has nothing to hold back"},
		{Name: "chunked_transfer_encoding", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Default: "on",
			Set: conf.OnOff(func(c *connConf) *conf.Setting[bool] { return &c.Chunked })},
		{Name: "send_lowat", In: conf.AnyLevel, Args: conf.Take1, Accepted: "Linux has no SO_SNDLOWAT that could be set"},
	},
	Merge: (*connConf).merge,
}

func (c *connConf) merge(outer *connConf) error {
	if !c.KeepaliveTimeout.IsSet() {
		c.keepaliveHeader = outer.keepaliveHeader
	}
	c.KeepaliveTimeout.Inherit(outer.KeepaliveTimeout, 75*time.Second)
	c.KeepaliveMinTimeout.Inherit(outer.KeepaliveMinTimeout, 0)
	c.KeepaliveRequests.Inherit(outer.KeepaliveRequests, 1000)
	c.KeepaliveTime.Inherit(outer.KeepaliveTime, time.Hour)
	c.KeepaliveDisable.Inherit(outer.KeepaliveDisable, agentMSIE6)
	c.SendTimeout.Inherit(outer.SendTimeout, time.Minute)
	c.LingeringClose.Inherit(outer.LingeringClose, lingerOn)
	c.LingeringTime.Inherit(outer.LingeringTime, 30*time.Second)
	c.LingeringTimeout.Inherit(outer.LingeringTimeout, 5*time.Second)
	c.ResetTimedout.Inherit(outer.ResetTimedout, false)
	c.TCPNopush.Inherit(outer.TCPNopush, false)
	c.TCPNodelay.Inherit(outer.TCPNodelay, true)
	c.Chunked.Inherit(outer.Chunked, true)
	return nil
}

func (c *connConf) setKeepalive(d *conf.Directive) error {
	if c.KeepaliveTimeout.IsSet() {
		return conf.ErrDuplicate
	}
	timeout, err := conf.ParseMsec(d.Args[0])
	if err != nil {
		return err
	}
	if len(d.Args) == 2 {
		if c.keepaliveHeader, err = conf.ParseSec(d.Args[1]); err != nil {
			return err
		}
	}
	return c.KeepaliveTimeout.Set(timeout)
}

func (c *connConf) setKeepaliveDisable(d *conf.Directive) error {
	var set agents
	for _, arg := range d.Args {
		var bit agents
		switch arg {
		case "none":
		case "msie6":
			bit = agentMSIE6
		case "safari":
			bit = agentSafari
		default:
			return d.Errorf(`invalid value "%s"`, arg)
		}
		if bit != 0 && set&bit != 0 {
			d.Warnf(`duplicate value "%s"`, arg)
		}
		set |= bit
	}
	return c.KeepaliveDisable.Set(set)
}

// keeps reports whether a connection that wants to be kept may be.
func (c *connConf) keeps(r *Request) bool {
	conn := r.conn
	switch {
	case c.KeepaliveTimeout.V == 0, conn.requests >= c.KeepaliveRequests.V:
		return false
	case time.Duration(conn.worker.reactor.Tick()-conn.accepted)*time.Millisecond > c.KeepaliveTime.V:
		return false
	}
	return c.KeepaliveDisable.V == agentMSIE6 && r.Method != h1.POST || !c.disables(r)
}

// disables looks for the browsers of keepalive_disable.
func (c *connConf) disables(r *Request) bool {
	agent := r.Header(h1.HUserAgent)
	if c.KeepaliveDisable.V&agentMSIE6 != 0 && r.Method == h1.POST && isMSIE6(agent) {
		return true
	}
	return c.KeepaliveDisable.V&agentSafari != 0 && isSafari(agent)
}

func isMSIE6(agent string) bool {
	at := strings.Index(agent, "MSIE ")
	if at < 0 || len(agent) < at+8 || agent[at+6] != '.' || strings.Contains(agent, "Opera") {
		return false
	}
	version := agent[at+5]
	return version == '4' || version == '5' || version == '6' && !strings.Contains(agent[at:], "SV1")
}

func isSafari(agent string) bool {
	return strings.Contains(agent, "Safari/") && strings.Contains(agent, "Mac OS X") &&
		!strings.Contains(agent, "MSIE ") && !strings.Contains(agent, "Opera") && !strings.Contains(agent, "Chrome/")
}
