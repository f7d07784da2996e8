package proxy

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/internal/stream/upstream"
	"github.com/baton-project/baton/internal/tls"
	core "github.com/baton-project/baton/internal/upstream"
)

// A pass is a compiled proxy_pass.
type pass struct {
	conf      *Conf
	upstreams *upstream.Conf
	to        *stream.Value // with variables; else conf.target
	bind      *stream.Value
	upload    *stream.Value // nil: as fast as it goes
	download  *stream.Value
	options   core.SocketOptions
	setup     func(descriptor int) error // nil: nothing is to be set
	client    *tls.Client                // nil: no TLS with the upstream
	tlsName   *stream.Value              // nil: what the upstream is called
}

// install compiles the proxy_pass of a server.
func (c *Conf) install(b *stream.Builder) (err error) {
	if c.at == nil {
		return nil
	}
	p := &pass{conf: c, upstreams: conf.Get[upstream.Conf](b.Level().Parent),
		options: core.SocketOptions{Keepalive: c.SocketKeepalive.V, ReceiveBuffer: c.ReceiveBuffer.V, SendBuffer: c.SendBuffer.V}}
	if p.options != (core.SocketOptions{}) {
		p.setup = p.options.Setup
	}
	for _, text := range []struct {
		at   *conf.Directive
		into **stream.Value
	}{
		{c.Bind.V.at, &p.bind}, {c.UploadRate.V, &p.upload}, {c.DownloadRate.V, &p.download},
	} {
		if text.at == nil {
			continue
		}
		if *text.into, err = b.Compile(text.at, text.at.Args[0]); err != nil {
			return err
		}
	}
	if c.Secure.V {
		if p.client, err = c.SSL.Compile(b.Level()); err != nil {
			return err
		}
		if d := c.SSL.Name.V; d != nil {
			if p.tlsName, err = b.Compile(d, d.Args[0]); err != nil {
				return err
			}
		}
	}
	if c.target == nil {
		if p.to, err = b.Compile(c.at, c.at.Args[0]); err != nil {
			return err
		}
	}
	b.Content(p.handle)
	return nil
}
