package proxy_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/modules"
	"github.com/baton-project/baton/internal/stream/streamtest"
)

// firstLine answers a line with "got " and itself.
func firstLine(c net.Conn) {
	line, _ := bufio.NewReader(c).ReadString('\n')
	_, _ = io.WriteString(c, "got "+line)
}

func TestProxy(t *testing.T) {
	back := streamtest.Serve(t, firstLine).Address
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{Stream: `
		log_format test "$server_port $status <$upstream_addr> $bytes_received/$bytes_sent $upstream_bytes_sent/$upstream_bytes_received";
		access_log {{dir}}/access.log test;
		upstream two { server {{nobody}}; server ` + back + `; }
		server { listen {{plain}}; proxy_pass ` + back + `; }
		server { listen {{group}}; proxy_pass two; }
		server { listen {{vars}}; set $to two; proxy_pass $to; }
		server { listen {{once}}; proxy_pass {{nobody}}; }
		server { listen {{bound}}; proxy_bind 127.0.0.2; proxy_pass {{who}}; }
		server { listen {{who}}; access_log off; return "$remote_addr\n"; }
		server { listen {{v1}}; proxy_protocol on; proxy_pass {{told}}; }
		server { listen {{v2}}; proxy_protocol v2; proxy_pass {{told}}; }
		server { listen {{told}} proxy_protocol; access_log off; return "$proxy_protocol_addr $proxy_protocol_server_port\n"; }
		server { listen {{paced}}; proxy_download_rate 1m; proxy_upload_rate 1m; proxy_pass ` + back + `; }
		server { listen {{sized}}; proxy_buffer_size 4k; proxy_socket_keepalive on; proxy_socket_rcvbuf 64k; proxy_socket_sndbuf 64k; tcp_nodelay off; proxy_pass ` + back + `; }
	`})
	for name, want := range map[string]string{
		"plain": "got hello\n", "group": "got hello\n", "vars": "got hello\n", "once": "", "bound": "127.0.0.2\n",
		"v1": "127.0.0.1 " + s.Address("v1.port") + "\n", "v2": "127.0.0.1 " + s.Address("v2.port") + "\n", "paced": "got hello\n", "sized": "got hello\n",
	} {
		if got := s.Say(name, "hello\n"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	s.WaitFor("access.log", s.Address("plain.port")+" 200 <"+back+"> 6/10 6/10")
	s.WaitFor("access.log", s.Address("paced.port")+" 200 <"+back+"> 6/10 6/10")
	s.WaitFor("access.log", s.Address("group.port")+" 200 <("+s.Address("nobody")+", )?"+back+"> 6/10 (0, )?6/(0, )?10")
	s.WaitFor("access.log", s.Address("once.port")+" 502 <"+s.Address("nobody")+"> 0/0 0/0")
	s.WaitFor("error.log", `connect\(\) failed \(111: Connection refused\) while connecting to upstream, client: 127.0.0.1, server: `+
		s.Address("once")+`, upstream: "`+s.Address("nobody")+`", bytes from/to client:0/0, bytes from/to upstream:0/0`)
}

// An upstream that does not talk, or does not take the connection, is waited for
// as long as was said.
func TestProxyTimeouts(t *testing.T) {
	silent := streamtest.Serve(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{Stream: `
		server { listen {{idle}}; proxy_timeout 50ms; proxy_pass ` + silent.Address + `; }
		server { listen {{paced}}; proxy_timeout 50ms; proxy_download_rate 1k; proxy_pass ` + silent.Address + `; }
		server { listen {{secure}}; proxy_connect_timeout 50ms; proxy_ssl on; proxy_pass ` + silent.Address + `; }
	`})
	for _, name := range []string{"idle", "paced", "secure"} {
		if got := s.Say(name, "hello"); got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
	for _, name := range []string{"idle", "paced"} {
		s.WaitFor("error.log", `connection timed out \(110: Connection timed out\) while proxying connection, client: 127.0.0.1, server: `+s.Address(name)+", .*")
	}
	s.WaitFor("error.log", `upstream timed out \(110: Connection timed out\) while SSL handshaking to upstream, client: 127.0.0.1, server: `+s.Address("secure")+", .*")
}

// TLS with the upstream, and what is refused about it.
func TestProxySSL(t *testing.T) {
	certificate, key := streamtest.Certificate(t, "up.example")
	other, _ := streamtest.Certificate(t, "other.example")
	site := streamtest.Site{
		Files: map[string]string{"up.crt": certificate, "up.key": key, "other.crt": other},
		Stream: `
		ssl_certificate {{dir}}/up.crt; ssl_certificate_key {{dir}}/up.key;
		proxy_ssl on;
		server { listen {{up}} ssl; ssl_alpn one two; ssl_verify_client optional_no_ca; proxy_ssl off; return "$ssl_server_name <$ssl_alpn_protocol> $ssl_protocol <$ssl_client_s_dn>"; }
		server { listen {{told}} ssl proxy_protocol; return "$proxy_protocol_addr"; }
		server { listen {{plain}}; proxy_pass {{up}}; }
		server { listen {{named}}; proxy_ssl_server_name on; proxy_ssl_name up.example; proxy_pass {{up}}; }
		server { listen {{variable}}; set $n up.example; proxy_ssl_server_name on; proxy_ssl_name $n:1234; proxy_ssl_alpn "" three $none two; proxy_pass {{up}}; }
		map "" $none { default ""; }
		server { listen {{unheard}}; proxy_ssl_alpn three; proxy_pass {{up}}; }
		server { listen {{old}}; proxy_ssl_protocols TLSv1.2; proxy_pass {{up}}; }
		server { listen {{shown}}; proxy_ssl_certificate {{dir}}/up.crt; proxy_ssl_certificate_key {{dir}}/up.key; proxy_pass {{up}}; }
		server { listen {{byname}}; set $n up; proxy_ssl_certificate {{dir}}/$n.crt; proxy_ssl_certificate_key {{dir}}/$n.key; proxy_pass {{up}}; }
		server { listen {{absent}}; set $n down; proxy_ssl_certificate {{dir}}/$n.crt; proxy_ssl_certificate_key {{dir}}/$n.key; proxy_pass {{up}}; }
		server { listen {{trusted}}; proxy_ssl_verify on; proxy_ssl_trusted_certificate {{dir}}/up.crt; proxy_ssl_name up.example; proxy_pass {{up}}; }
		server { listen {{misnamed}}; proxy_ssl_verify on; proxy_ssl_trusted_certificate {{dir}}/up.crt; proxy_ssl_name wrong.example; proxy_pass {{up}}; }
		server { listen {{unknown}}; proxy_ssl_verify on; proxy_ssl_trusted_certificate {{dir}}/other.crt; proxy_ssl_name up.example; proxy_pass {{up}}; }
		server { listen {{header}}; proxy_protocol on; proxy_pass {{told}}; }
	`}
	s := streamtest.Start(t, modules.Stream(), site)
	for name, want := range map[string]string{
		"plain": " <> TLSv1.3 <>", "named": "up.example <> TLSv1.3 <>", "variable": "up.example <two> TLSv1.3 <>", "unheard": "",
		"old": " <> TLSv1.2 <>", "shown": " <> TLSv1.3 <CN=up.example>", "byname": " <> TLSv1.3 <CN=up.example>", "absent": "", "trusted": " <> TLSv1.3 <>", "misnamed": "", "unknown": "", "header": "127.0.0.1",
	} {
		if got := s.Say(name, ""); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	at := func(name string) string {
		return ` while SSL handshaking to upstream, client: 127.0.0.1, server: ` + s.Address(name) + ", .*"
	}
	s.WaitFor("error.log", `upstream SSL certificate does not match "wrong.example"`+at("misnamed"))
	s.WaitFor("error.log", `upstream SSL certificate verify error: \(18:self-signed certificate\)`+at("unknown"))
	s.WaitFor("error.log", `cannot load certificate "[^"]*/down.crt": BIO_new_file\(\) failed \(SSL: .*\)`+at("absent"))
	s.WaitFor("error.log", `SSL_do_handshake\(\) failed \(SSL: .*\)`+at("unheard"))
}

// One half may end before the other.
func TestProxyHalfClose(t *testing.T) {
	back := streamtest.Serve(t, func(c net.Conn) {
		all, _ := io.ReadAll(c)
		_, _ = io.WriteString(c, strings.ToUpper(string(all)))
	}).Address
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{Stream: `
		proxy_half_close on;
		server { listen {{plain}}; proxy_pass ` + back + `; }
		server { listen {{paced}}; proxy_upload_rate 10m; proxy_pass ` + back + `; }
	`})
	for _, name := range []string{"plain", "paced"} {
		c := s.Dial(name)
		_, _ = io.WriteString(c, "hello")
		_ = c.(*net.TCPConn).CloseWrite()
		if got, err := io.ReadAll(c); string(got) != "HELLO" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestRejected(t *testing.T) {
	for _, text := range []string{
		"proxy_pass;", "proxy_pass {{b}}; proxy_pass {{b}};", "proxy_pass 127.0.0.1;", "proxy_pass 127.0.0.1:x;",
		"proxy_pass [::1;", "proxy_pass http://127.0.0.1:80;", "proxy_pass name/x;", "proxy_pass unix:;", "proxy_bind x;", "proxy_bind 127.0.0.1 clear;", "proxy_timeout x;", "proxy_connect_timeout 1s 2s;",
		"proxy_buffer_size x;", "proxy_upload_rate x;", "proxy_requests x;", "proxy_next_upstream maybe;",
		"proxy_ssl maybe;", "proxy_ssl_protocols TLSv9;", "proxy_half_close 1;", "proxy_socket_keepalive 1;",
		"proxy_ssl on; proxy_ssl_verify on; proxy_pass {{b}};", "proxy_ssl on; proxy_ssl_certificate {{dir}}/a.crt; proxy_pass {{b}};",
	} {
		streamtest.CompareRejected(t, modules.Stream(), "server { listen {{a}}; "+text+" }")
	}
	streamtest.CompareRejected(t, modules.Stream(), "proxy_pass {{b}};")
	for text, want := range map[string]string{
		"proxy_ssl_alpn;":                                          `invalid number of arguments in "proxy_ssl_alpn" directive`,
		"proxy_ssl_alpn a; proxy_ssl_alpn b;":                      `"proxy_ssl_alpn" directive is duplicate`,
		"proxy_ssl on; proxy_ssl_alpn $nothing; proxy_pass {{b}};": `unknown "nothing" variable`,
	} {
		if got := streamtest.Rejected(t, modules.Stream(), streamtest.Site{Stream: "server { listen {{a}}; " + text + " }"}); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// The client's TLS ends here and another one begins.
func TestProxyBetweenTwo(t *testing.T) {
	certificate, key := streamtest.Certificate(t, "a.example")
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{
		Files: map[string]string{"a.crt": certificate, "a.key": key},
		Stream: `
		ssl_certificate {{dir}}/a.crt; ssl_certificate_key {{dir}}/a.key;
		server { listen {{front}} ssl; ssl_alpn x y; proxy_ssl on; proxy_ssl_alpn $ssl_alpn_protocol; proxy_pass {{back}}; }
		server { listen {{back}} ssl; ssl_alpn x y; proxy_pass ` + streamtest.Echo(t).Address + `; }
	`})
	c := tls.Client(s.Dial("front"), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"y"}})
	big := strings.Repeat("0123456789abcdef", 16<<10)
	go func() { _, _ = io.WriteString(c, big) }()
	got := make([]byte, len(big))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != big || c.ConnectionState().NegotiatedProtocol != "y" {
		t.Errorf("%v, %q", err, c.ConnectionState().NegotiatedProtocol)
	}
	_ = c.Close()
}

// Of several directives that say who deals with a session the last one counts.
func TestLastContentCounts(t *testing.T) {
	back := streamtest.Says(t, "upstream").Address
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{Stream: `
		server { listen {{first}}; return text; proxy_pass ` + back + `; }
		server { listen {{second}}; proxy_pass ` + back + `; return text; }
		server { listen {{third}}; pass {{first}}; return text; proxy_pass ` + back + `; }
		server { listen {{fourth}}; return text; pass {{second}}; }`})
	for name, want := range map[string]string{"first": "upstream", "second": "text", "third": "upstream", "fourth": "text"} {
		if got := s.Say(name, ""); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
