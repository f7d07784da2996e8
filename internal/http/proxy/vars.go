package proxy

import (
	"strconv"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/wire/h1"
)

// declare declares the variables.
func (c *Conf) declare(m *http.MainBuilder) error {
	for _, v := range []struct {
		name string
		get  http.Getter
	}{
		{"proxy_host", ofCodec(func(c *codec) (string, bool) { return c.url.host, true })},
		{"proxy_port", ofCodec(func(c *codec) (string, bool) { return c.url.port, true })},
		{"proxy_internal_body_length", ofCodec(func(c *codec) (string, bool) {
			return strconv.FormatInt(c.size, 10), c.size >= 0
		})},
		{"proxy_internal_chunked", ofCodec(func(c *codec) (string, bool) { return "chunked", c.chunked })},
		{"proxy_add_x_forwarded_for", addForwarded},
	} {
		if err := m.Variable(v.name, v.get, 0); err != nil {
			return err
		}
	}
	return c.DeclareCaches(m)
}

func ofCodec(get func(*codec) (string, bool)) http.Getter {
	return func(r *http.Request) (string, bool) {
		switch c := gateway.CodecOf(r).(type) {
		case *codec:
			return get(c)
		case *codec2:
			return get(&c.base)
		}
		return "", false
	}
}

// addForwarded is the client's X-Forwarded-For with the client behind it.
func addForwarded(r *http.Request) (string, bool) {
	peer := r.Peer()
	dst := r.Scratch(1 << 9)
	for _, value := range r.HeaderLines(nil, h1.HXForwardedFor.Name()) {
		dst = append(append(dst, value...), ", "...)
	}
	dst, _ = peer.AppendText(dst)
	return http.View(dst), true
}
