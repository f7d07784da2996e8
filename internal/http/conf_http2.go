package http

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/wire/h2"
)

// http2Conf says where HTTP/2 is spoken and how. What counts is the server of the
// address until a request names another one; ChunkSize is the location's.
type http2Conf struct {
	Enable     conf.Setting[bool]
	RecvBuffer conf.Setting[int64]
	MaxStreams conf.Setting[int]
	Preread    conf.Setting[int64]
	PoolSize   conf.Setting[int64]
	IndexSize  conf.Setting[int]
	ChunkSize  conf.Setting[int64]
}

var http2Feature = conf.Feature[http2Conf]{
	Name: "http_v2",
	Doc:  "HTTP/2, over TLS and with prior knowledge.",
	Table: conf.Table[http2Conf]{
		{Name: "http2", In: serverLevels, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set: conf.OnOff(func(c *http2Conf) *conf.Setting[bool] { return &c.Enable })},
		{Name: "http2_chunk_size", In: conf.AnyLevel, Args: conf.Take1, Syntax: "size", Default: "8k", Set: (*http2Conf).setChunkSize},
		{Name: "http2_max_concurrent_streams", In: serverLevels, Args: conf.Take1, Syntax: "number", Default: "128",
			Set: conf.Num(func(c *http2Conf) *conf.Setting[int] { return &c.MaxStreams })},
		{Name: "http2_body_preread_size", In: serverLevels, Args: conf.Take1, Syntax: "size", Default: "64k", Set: (*http2Conf).setPreread},
		{Name: "http2_recv_buffer_size", In: conf.Main, Args: conf.Take1, Syntax: "size", Default: "256k", Set: (*http2Conf).setRecvBuffer},
		{Name: "http2_pool_size", In: serverLevels, Args: conf.Take1, Syntax: "size", Default: "4k", Set: (*http2Conf).setPoolSize},
		{Name: "http2_streams_index_size", In: serverLevels, Args: conf.Take1, Syntax: "number", Default: "32", Set: (*http2Conf).setIndexSize},

		{Name: "http2_max_concurrent_pushes", In: serverLevels, Args: conf.Take1, Syntax: "number", Set: (*http2Conf).ignore},
		{Name: "http2_push_preload", In: conf.AnyLevel, Args: conf.Flag, Syntax: "on | off", Set: (*http2Conf).ignore},
		{Name: "http2_push", In: conf.AnyLevel, Args: conf.Take1, Syntax: "uri | off", Set: (*http2Conf).ignore},
		{Name: "http2_max_requests", In: serverLevels, Args: conf.Take1, Syntax: "number", Set: insteadOf("keepalive_requests")},
		{Name: "http2_max_field_size", In: serverLevels, Args: conf.Take1, Syntax: "size", Set: insteadOf("large_client_header_buffers")},
		{Name: "http2_max_header_size", In: serverLevels, Args: conf.Take1, Syntax: "size", Set: insteadOf("large_client_header_buffers")},
		{Name: "http2_recv_timeout", In: serverLevels, Args: conf.Take1, Syntax: "time", Set: insteadOf("client_header_timeout")},
		{Name: "http2_idle_timeout", In: serverLevels, Args: conf.Take1, Syntax: "time", Set: insteadOf("keepalive_timeout")},
	},
	Merge: (*http2Conf).merge,
}

func (c *http2Conf) merge(outer *http2Conf) error {
	c.Enable.Inherit(outer.Enable, false)
	c.RecvBuffer.Inherit(outer.RecvBuffer, 256<<10)
	c.MaxStreams.Inherit(outer.MaxStreams, 128)
	c.Preread.Inherit(outer.Preread, 64<<10)
	c.PoolSize.Inherit(outer.PoolSize, 4<<10)
	c.IndexSize.Inherit(outer.IndexSize, 32)
	c.ChunkSize.Inherit(outer.ChunkSize, 8<<10)
	return nil
}

// ignore is for directives of server push, which nginx does no more.
func (*http2Conf) ignore(d *conf.Directive) error {
	d.Warnf(`the "%s" directive is obsolete, ignored`, d.Name)
	return nil
}

// insteadOf is for directives that others have taken the place of.
func insteadOf(name string) func(*http2Conf, *conf.Directive) error {
	return func(_ *http2Conf, d *conf.Directive) error {
		d.Warnf(`the "%s" directive is obsolete, use the "%s" directive instead`, d.Name, name)
		return nil
	}
}

func (c *http2Conf) setChunkSize(d *conf.Directive) error {
	n, err := conf.ParseSize(d.Args[0])
	switch {
	case err != nil:
		return err
	case n == 0:
		return d.Errorf("the http2 chunk size cannot be zero")
	}
	return c.ChunkSize.Set(min(n, h2.MaxFrameEver))
}

func (c *http2Conf) setPreread(d *conf.Directive) error {
	n, err := conf.ParseSize(d.Args[0])
	switch {
	case err != nil:
		return err
	case n > h2.MaxWindow:
		return d.Errorf("the maximum body preread buffer size is %d", h2.MaxWindow)
	}
	return c.Preread.Set(n)
}

func (c *http2Conf) setRecvBuffer(d *conf.Directive) error {
	n, err := conf.ParseSize(d.Args[0])
	switch {
	case err != nil:
		return err
	case n <= 16:
		return d.Errorf(`"%s" directive value is too small`, d.Name)
	}
	return c.RecvBuffer.Set(n)
}

// setPoolSize checks a size of which there is nothing here.
func (c *http2Conf) setPoolSize(d *conf.Directive) error {
	n, err := conf.ParseSize(d.Args[0])
	switch {
	case err != nil:
		return err
	case n < 256:
		return d.Errorf("the pool size must be no less than 256")
	case n%16 != 0:
		return d.Errorf("the pool size must be a multiple of 16")
	}
	return c.PoolSize.Set(n)
}

// setIndexSize checks the size of a table of which there is nothing here.
func (c *http2Conf) setIndexSize(d *conf.Directive) error {
	n, err := conf.ParseNumber(d.Args[0])
	switch {
	case err != nil:
		return err
	case n == 0 || n&(n-1) != 0:
		return d.Errorf(`"%s" directive must be a power of two`, d.Name)
	}
	return c.IndexSize.Set(int(n))
}
