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
	// certificate and key name the certificate where one of them has variables.
	certificate, key *stream.Value
	protocols        []*stream.Value // offered to the upstream by ALPN
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
		if err := p.secure(b); err != nil {
			return err
		}
	}
	if c.target == nil {
		if p.to, err = b.Compile(c.at, c.at.Args[0]); err != nil {
			return err
		}
	}
	if b.Content(c.at, p.handle) {
		b.Resume(p.resume)
		b.Correspond(p.resumeExchange)
	}
	return nil
}

// secure compiles what proxy_ssl_* say.
func (p *pass) secure(b *stream.Builder) (err error) {
	if p.client, err = p.conf.SSL.Compile(b.Level()); err != nil {
		return err
	}
	if d := p.conf.SSL.Name.V; d != nil {
		if p.tlsName, err = b.Compile(d, d.Args[0]); err != nil {
			return err
		}
	}
	if p.conf.SSL.Named() {
		at, key := p.conf.SSL.Certificate.V, p.conf.SSL.Key.V
		if p.certificate, err = b.Compile(at, at.Args[0]); err != nil {
			return err
		}
		if p.key, err = b.Compile(key, key.Args[0]); err != nil {
			return err
		}
	}
	d := p.conf.Protocols.V
	if d == nil {
		return nil
	}
	for _, text := range d.Args {
		made, err := b.Compile(d, text)
		if err != nil {
			return err
		}
		p.protocols = append(p.protocols, made)
	}
	return nil
}
