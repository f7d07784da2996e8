package sslpreread_test

import (
	"crypto/tls"
	"io"
	"testing"

	"github.com/baton-project/baton/internal/modules"
	"github.com/baton-project/baton/internal/stream/streamtest"
)

// A server{} is chosen by the name that the client asks for, and nothing of what
// was looked at is lost.
func TestPreread(t *testing.T) {
	one, oneKey := streamtest.Certificate(t, "one.example")
	two, twoKey := streamtest.Certificate(t, "two.example")
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{
		Files: map[string]string{"one.crt": one, "one.key": oneKey, "two.crt": two, "two.key": twoKey},
		Stream: `
		log_format test "$server_port $ssl_preread_protocol $ssl_preread_server_name <$ssl_preread_alpn_protocols> $server_name";
		access_log {{dir}}/access.log test;
		server { listen {{front}}; ssl_preread on; proxy_pass {{one}}; }
		server { listen {{front}}; server_name two.example; proxy_pass {{two}}; }
		server { listen {{one}} ssl; access_log off; ssl_certificate {{dir}}/one.crt; ssl_certificate_key {{dir}}/one.key; return one; }
		server { listen {{two}} ssl; access_log off; ssl_certificate {{dir}}/two.crt; ssl_certificate_key {{dir}}/two.key; return two; }
	`})
	for name, want := range map[string]string{"one.example": "one", "Two.example": "two", "": "one"} {
		c := tls.Client(s.Dial("front"), &tls.Config{ServerName: name, InsecureSkipVerify: true})
		got, err := io.ReadAll(c)
		if string(got) != want || c.ConnectionState().PeerCertificates[0].Subject.CommonName != want+".example" {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
	if got := s.Say("front", "this is not TLS"); len(got) > 0 && got[0] != 21 {
		t.Errorf("%q", got) // an alert is fine
	}
	s.WaitFor("access.log", s.Address("front.port")+" TLSv1.3 one.example <> ")
	s.WaitFor("access.log", s.Address("front.port")+" TLSv1.3 Two.example <> two.example")
	s.WaitFor("access.log", s.Address("front.port")+" - - <-> ")
}

func TestRejected(t *testing.T) {
	for _, text := range []string{"ssl_preread;", "ssl_preread maybe;", "ssl_preread on; ssl_preread on;", "preread_buffer_size x;", "preread_timeout x;"} {
		streamtest.CompareRejected(t, modules.Stream(), "server { listen {{a}}; return x; "+text+" }")
	}
}
