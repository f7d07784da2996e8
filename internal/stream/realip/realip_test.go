package realip_test

import (
	"testing"

	"github.com/baton-project/baton/internal/modules"
	"github.com/baton-project/baton/internal/stream/streamtest"
)

func TestRealip(t *testing.T) {
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{Stream: `
		log_format test "$server_port $status";
		access_log {{dir}}/access.log test;
		server { listen {{trusted}} proxy_protocol; set_real_ip_from 127.0.0.0/8; return "$remote_addr:$remote_port $realip_remote_addr $proxy_protocol_addr:$proxy_protocol_port $proxy_protocol_server_addr:$proxy_protocol_server_port"; }
		server { listen {{stranger}} proxy_protocol; set_real_ip_from 192.0.2.0/24; return "$remote_addr $proxy_protocol_addr"; }
		server { listen {{denied}} proxy_protocol; set_real_ip_from 127.0.0.1; deny 192.0.2.7; return "$remote_addr"; }
		server { listen {{unix.unix}} proxy_protocol; set_real_ip_from unix:; return "$remote_addr $realip_remote_addr"; }
		server { listen {{none}}; set_real_ip_from 127.0.0.1; return "$remote_addr <$proxy_protocol_addr>"; }
	`})
	const said = "PROXY TCP4 192.0.2.7 192.0.2.8 1234 5678\r\n"
	for _, tt := range []struct{ name, header, want string }{
		{"trusted", said, "192.0.2.7:1234 127.0.0.1 192.0.2.7:1234 192.0.2.8:5678"},
		{"trusted", "PROXY UNKNOWN\r\n", "127.0.0.1:"},
		{"trusted", "PROXY TCP6 2001:db8::1 ::1 1 2\r\n", "2001:db8::1:1 127.0.0.1 2001:db8::1:1 ::1:2"},
		{"stranger", said, "127.0.0.1 192.0.2.7"},
		{"denied", said, ""},
		{"unix.unix", said, "192.0.2.7 unix:"},
		{"none", "", "127.0.0.1 <>"},
	} {
		got := s.Say(tt.name, tt.header)
		if tt.want == "127.0.0.1:" && len(got) > len(tt.want) {
			got = got[:len(tt.want)] // the client's own port follows
		}
		if got != tt.want {
			t.Errorf("%s %q: %q, want %q", tt.name, tt.header, got, tt.want)
		}
	}
	if got := s.Say("trusted", "GET / HTTP/1.0\r\n\r\n"); got != "" {
		t.Errorf("%q", got)
	}
	s.WaitFor("error.log", `broken header: "GET / HTTP/1.0" while reading PROXY protocol, client: 127.0.0.1, server: `+s.Address("trusted"))
	s.WaitFor("access.log", s.Address("trusted.port")+" 400")
	s.WaitFor("access.log", s.Address("denied.port")+" 403")
}

func TestRejected(t *testing.T) {
	for _, text := range []string{"set_real_ip_from;", "set_real_ip_from a b;", "set_real_ip_from 1.2.3.4/33;", "set_real_ip_from no.such.host.invalid;"} {
		streamtest.CompareRejected(t, modules.Stream(), "server { listen {{a}}; return x; "+text+" }")
	}
}
