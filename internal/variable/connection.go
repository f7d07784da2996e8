package variable

import (
	"os"
	"time"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/wire/proxyproto"
)

// A Connected is a subject that a client's connection belongs to.
type Connected interface {
	Subject
	// Peer is the client's address.
	Peer() poll.Sockaddr
	// LocalAddr is the address that the client is connected to.
	LocalAddr() (poll.Sockaddr, error)
	// Listening is what the configuration calls that address, and its port; 0 for
	// a unix socket.
	Listening() (text string, port int)
	// Proxied is what the header of the PROXY protocol has said; nil for nothing.
	Proxied() *proxyproto.Header
	// ConnectionNumber is the connection's number in logs.
	ConnectionNumber() uint64
	// Time is the time, as of the last turn of the reactor.
	Time() time.Time
}

// DeclareConnection declares the variables that every client's connection has.
func DeclareConnection[S Connected](m Declarer[S], hostname, version string) error {
	for _, v := range []struct {
		name string
		get  Getter[S]
	}{
		{"remote_addr", func(s S) (string, bool) { return Address(s, s.Peer()), true }},
		{"remote_port", func(s S) (string, bool) { return Port(s, s.Peer().Port()), true }},
		{"binary_remote_addr", func(s S) (string, bool) { return binaryAddress(s, s.Peer()), true }},
		{"server_addr", serverAddr[S]},
		{"server_port", func(s S) (string, bool) { _, port := s.Listening(); return Port(s, port), true }},
		{"hostname", Constant[S](hostname)},
		{"nginx_version", Constant[S](version)},
		{"pid", Number(func(S) int64 { return int64(os.Getpid()) })},
		{"connection", Number(func(s S) int64 { return int64(s.ConnectionNumber()) })},
		{"msec", func(s S) (string, bool) { return Seconds(s, s.Time().UnixMilli()), true }},
		{"time_local", clockText[S]("02/Jan/2006:15:04:05 -0700")},
		{"time_iso8601", clockText[S]("2006-01-02T15:04:05-07:00")},
		{"proxy_protocol_addr", proxiedText[S](func(h *proxyproto.Header) string { return h.Source })},
		{"proxy_protocol_port", proxiedPort[S](func(h *proxyproto.Header) uint16 { return h.SourcePort })},
		{"proxy_protocol_server_addr", proxiedText[S](func(h *proxyproto.Header) string { return h.Destination })},
		{"proxy_protocol_server_port", proxiedPort[S](func(h *proxyproto.Header) uint16 { return h.DestinationPort })},
	} {
		if err := m.Variable(v.name, v.get, 0); err != nil {
			return err
		}
	}
	m.PrefixVariable("proxy_protocol_tlv_", proxiedTLV[S])
	return nil
}

func serverAddr[S Connected](s S) (string, bool) {
	local, err := s.LocalAddr()
	if err != nil {
		return "", false
	}
	if local.IsUnix() {
		text, _ := s.Listening()
		return text, true
	}
	return Address(s, local), true
}

// proxiedText makes a getter of something in the header.
func proxiedText[S Connected](field func(*proxyproto.Header) string) Getter[S] {
	return func(s S) (string, bool) {
		if h := s.Proxied(); h != nil {
			return field(h), true
		}
		return "", false
	}
}

func proxiedPort[S Connected](field func(*proxyproto.Header) uint16) Getter[S] {
	return func(s S) (string, bool) {
		if h := s.Proxied(); h != nil {
			return Port(s, int(field(h))), true
		}
		return "", false
	}
}

// proxiedTLV makes the getter of $proxy_protocol_tlv_NAME.
func proxiedTLV[S Connected](name string) Getter[S] {
	field := proxyproto.FieldNamed(name)
	return func(s S) (string, bool) {
		h := s.Proxied()
		if h == nil {
			return "", false
		}
		value, ok, err := h.TLV(field)
		if err != nil && err.Error() != "" {
			s.Logf(log.Error, "%s", err)
		}
		return value, ok
	}
}
