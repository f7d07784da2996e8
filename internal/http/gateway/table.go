package gateway

import (
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// Table lists the directives of Settings with a module's prefix, such as
// "proxy_". at finds the Settings in the module's own.
func Table[C any](prefix string, at func(*C) *Settings) conf.Table[C] {
	t := t[C]{at}
	table := conf.Table[C]{
		{Name: "connect_timeout", Set: conf.Msec(t.duration(func(s *Settings) *conf.Setting[time.Duration] { return &s.ConnectTimeout })), Syntax: "time", Default: "60s"},
		{Name: "send_timeout", Set: conf.Msec(t.duration(func(s *Settings) *conf.Setting[time.Duration] { return &s.SendTimeout })), Syntax: "time", Default: "60s"},
		{Name: "read_timeout", Set: conf.Msec(t.duration(func(s *Settings) *conf.Setting[time.Duration] { return &s.ReadTimeout })), Syntax: "time", Default: "60s"},
		{Name: "send_lowat", Set: conf.Size(t.size(func(s *Settings) *conf.Setting[int64] { return &s.SendLowat })), Syntax: "size", Default: "0",
			Accepted: "Linux has no SO_SNDLOWAT that could be set"},
		{Name: "socket_keepalive", Args: conf.Flag, Set: conf.OnOff(t.flag(func(s *Settings) *conf.Setting[bool] { return &s.SocketKeepalive })), Default: "off"},
		{Name: "socket_rcvbuf", Set: conf.Size(t.size(func(s *Settings) *conf.Setting[int64] { return &s.ReceiveBuffer })), Syntax: "size"},
		{Name: "socket_sndbuf", Set: conf.Size(t.size(func(s *Settings) *conf.Setting[int64] { return &s.SendBuffer })), Syntax: "size"},
		{Name: "bind", Args: conf.Take12, Variables: conf.Arg(0), Set: t.apply((*Settings).setBind), Syntax: "address [transparent] | off"},

		{Name: "pass_request_headers", Args: conf.Flag, Set: conf.OnOff(t.flag(func(s *Settings) *conf.Setting[bool] { return &s.PassRequestHeaders })), Default: "on"},
		{Name: "pass_request_body", Args: conf.Flag, Set: conf.OnOff(t.flag(func(s *Settings) *conf.Setting[bool] { return &s.PassRequestBody })), Default: "on"},
		{Name: "request_buffering", Args: conf.Flag, Set: conf.OnOff(t.flag(func(s *Settings) *conf.Setting[bool] { return &s.RequestBuffering })), Default: "on"},
		{Name: "ignore_client_abort", Args: conf.Flag, Set: conf.OnOff(t.flag(func(s *Settings) *conf.Setting[bool] { return &s.IgnoreClientAbort })), Default: "off"},

		{Name: "buffering", Args: conf.Flag, Set: conf.OnOff(t.flag(func(s *Settings) *conf.Setting[bool] { return &s.Buffering })), Default: "on"},
		{Name: "buffer_size", Set: conf.Size(t.size(func(s *Settings) *conf.Setting[int64] { return &s.BufferSize })), Syntax: "size", Default: "4k"},
		{Name: "buffers", Args: conf.Take2, Syntax: "number size", Default: "8 4k",
			Set: conf.Bufs(func(c *C) *conf.Setting[conf.Buffers] { return &at(c).Buffers })},
		{Name: "busy_buffers_size", Set: conf.Size(t.size(func(s *Settings) *conf.Setting[int64] { return &s.BusySize })), Syntax: "size", Default: "8k"},
		{Name: "temp_path", Args: conf.Take1234, Set: t.apply((*Settings).setTempPath), Syntax: "path [level1 [level2 [level3]]]"},
		{Name: "max_temp_file_size", Set: conf.Size(t.size(func(s *Settings) *conf.Setting[int64] { return &s.MaxTempSize })), Syntax: "size", Default: "1024m"},
		{Name: "temp_file_write_size", Set: conf.Size(t.size(func(s *Settings) *conf.Setting[int64] { return &s.TempWriteSize })), Syntax: "size", Default: "8k"},
		{Name: "limit_rate", Variables: conf.Arg(0), Set: t.apply((*Settings).setLimitRate), Syntax: "rate", Default: "0"},
		{Name: "force_ranges", Args: conf.Flag, Set: conf.OnOff(t.flag(func(s *Settings) *conf.Setting[bool] { return &s.ForceRanges })), Default: "off"},

		{Name: "next_upstream", Args: conf.OneMore, Syntax: "error | timeout | invalid_header | http_500 | ... | non_idempotent | off ...", Default: "error timeout",
			Set: bitmask(failures, func(c *C) *conf.Setting[Failure] { return &at(c).NextUpstream })},
		{Name: "next_upstream_tries", Syntax: "number", Default: "0",
			Set: conf.Num(func(c *C) *conf.Setting[int] { return &at(c).NextUpstreamTries })},
		{Name: "next_upstream_timeout", Set: conf.Msec(t.duration(func(s *Settings) *conf.Setting[time.Duration] { return &s.NextUpstreamTimeout })), Syntax: "time", Default: "0"},

		{Name: "intercept_errors", Args: conf.Flag, Set: conf.OnOff(t.flag(func(s *Settings) *conf.Setting[bool] { return &s.InterceptErrors })), Default: "off"},
		{Name: "pass_header", Set: t.apply((*Settings).addPass), Syntax: "field"},
		{Name: "hide_header", Set: t.apply((*Settings).addHide), Syntax: "field"},
		{Name: "ignore_headers", Args: conf.OneMore, Syntax: "field ...",
			Set: bitmask(ignorable, func(c *C) *conf.Setting[IgnoredHeaders] { return &at(c).IgnoreHeaders })},
		{Name: "store", Variables: conf.Arg(0), Set: t.apply((*Settings).setStore), Syntax: "on | off | string", Default: "off"},
		{Name: "store_access", Args: conf.Take123, Set: t.apply(conf.Access(func(s *Settings) *conf.Setting[uint32] { return &s.Access })), Syntax: "users:permissions ...", Default: "user:rw"},
	}
	table = append(table, cacheTable(prefix, t)...)
	for i := range table {
		e := &table[i]
		e.Name = prefix + e.Name
		if e.In == 0 {
			e.In = conf.AnyLevel
		}
		if e.Args == 0 {
			e.Args = conf.Take1
		}
		if e.Args == conf.Flag && e.Syntax == "" {
			e.Syntax = "on | off"
		}
	}
	return table
}

// t makes functions of Settings ones of a module's own settings.
type t[C any] struct{ at func(*C) *Settings }

func (t t[C]) duration(field func(*Settings) *conf.Setting[time.Duration]) func(*C) *conf.Setting[time.Duration] {
	return func(c *C) *conf.Setting[time.Duration] { return field(t.at(c)) }
}

func (t t[C]) size(field func(*Settings) *conf.Setting[int64]) func(*C) *conf.Setting[int64] {
	return func(c *C) *conf.Setting[int64] { return field(t.at(c)) }
}

func (t t[C]) flag(field func(*Settings) *conf.Setting[bool]) func(*C) *conf.Setting[bool] {
	return func(c *C) *conf.Setting[bool] { return field(t.at(c)) }
}

func (t t[C]) apply(set func(*Settings, *conf.Directive) error) func(*C, *conf.Directive) error {
	return func(c *C, d *conf.Directive) error { return set(t.at(c), d) }
}

func (s *Settings) setTempPath(d *conf.Directive) error {
	if s.TempPath.IsSet() {
		return conf.ErrDuplicate
	}
	path, err := http.ParseTempPath(d)
	if err != nil {
		return err
	}
	return s.TempPath.Set(path)
}

func (s *Settings) setLimitRate(d *conf.Directive) error {
	if !strings.Contains(d.Args[0], "$") {
		if _, err := conf.ParseSize(d.Args[0]); err != nil {
			return conf.ErrInvalidValue
		}
	}
	return s.LimitRate.Set(d)
}
