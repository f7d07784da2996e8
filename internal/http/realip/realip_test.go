package realip_test

import (
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

const shown = `add_header X-Shown "$remote_addr|$remote_port|$realip_remote_addr|$client" always;`

func TestAsNginx(t *testing.T) {
	site := httptest.Site{HTTP: `
		log_format who "$remote_addr $realip_remote_addr $uri";
		access_log {{dir}}/access.log who;
		set_real_ip_from 127.0.0.0/8;
		set_real_ip_from 10.0.1.0/24;
		set_real_ip_from 2001:db8::/32;
		geo $client { default other; 192.0.2.0/24 doc; 127.0.0.1 local; }
		limit_conn_zone $binary_remote_addr zone=one:1m;
		` + shown + `
		server { listen {{addr}};
			location / { }
			location /custom { real_ip_header X-Real-IP-Custom; }
			location /forwarded { real_ip_header X-Forwarded-For; }
			location /recursive { real_ip_header X-Forwarded-For; real_ip_recursive on; }
			location /deny { deny 192.0.2.1; }
			location /strangers { set_real_ip_from 192.0.2.0/24; }
			location /redirected { error_page 404 /custom; }
			location /limited { limit_conn one 1; }
			location /proxied { real_ip_header proxy_protocol; }
			location /own { set_real_ip_from unix:; }
		}
		server { listen {{addr}}; server_name early; return 200 "$remote_addr $realip_remote_addr"; }
		server { listen {{addr}}; server_name none; set_real_ip_from 10.0.0.1; location / { } location /trusted { set_real_ip_from 127.0.0.1; } }
		`}
	cases := httptest.Gets("/", "/custom", "/forwarded", "/recursive", "/deny", "/strangers", "/proxied", "/own")
	with := func(target string, header ...string) {
		cases = append(cases, httptest.Case{Request: httptest.Request("GET", target, header...)})
	}
	for _, value := range []string{"192.0.2.1", "192.0.2.1:8080", "[2001:db8::1]:99", "2001:db8::1", "x", "", "192.0.2.1, 192.0.2.2", "192.0.2.1,", "unix:", "255.255.255.255", "::ffff:192.0.2.1"} {
		with("/", "X-Real-IP: "+value)
		with("/custom", "X-Real-IP-Custom: "+value)
		with("/deny", "X-Real-IP: "+value)
	}
	with("/", "X-Real-IP: 192.0.2.1", "X-Real-IP: 192.0.2.2")
	with("/custom", "X-Real-IP: 192.0.2.1", "x-real-ip-custom: 192.0.2.2") // the server has the first word
	with("/strangers", "X-Real-IP: 192.0.2.1")
	with("/redirected", "X-Real-IP: 192.0.2.1", "X-Real-IP-Custom: 192.0.2.2")
	with("/redirected", "X-Real-IP-Custom: 192.0.2.2")
	with("/limited", "X-Real-IP: 192.0.2.1")
	with("/own", "X-Real-IP: 192.0.2.1")
	for _, target := range []string{"/forwarded", "/recursive"} {
		for _, lines := range [][]string{
			{"10.0.0.1, 192.0.2.1"}, {"192.0.2.1, 10.0.1.1, 127.0.0.1"}, {"10.0.1.1, 192.0.2.1, 127.0.0.1"}, {"10.0.1.1, 127.0.0.1"},
			{"192.0.2.1", "127.0.0.1, 10.0.1.1"}, {"10.0.1.1", "192.0.2.1", "127.0.0.1"}, {"10.0.1.1", "x", "127.0.0.1"}, {"x"}, {"192.0.2.1", "x"},
			{"192.0.2.1:1, 127.0.0.1:2"}, {"2001:db8::5, 10.0.1.3"}, {"[2001:db9::5]:5, [2001:db8::1]:3"},
		} {
			var header []string
			for _, line := range lines {
				header = append(header, "X-Forwarded-For: "+line)
			}
			with(target, header...)
		}
	}
	cases = append(cases,
		httptest.Case{Name: "early", Request: "GET / HTTP/1.0\r\nHost: early\r\nX-Real-IP: 192.0.2.1\r\n\r\n"},
		httptest.Case{Name: "not trusted", Request: "GET / HTTP/1.0\r\nHost: none\r\nX-Real-IP: 192.0.2.1\r\n\r\n"},
		httptest.Case{Name: "trusted late", Request: "GET /trusted HTTP/1.0\r\nHost: none\r\nX-Real-IP: 192.0.2.1\r\n\r\n"},
		httptest.Case{Name: "for one request", Request: "GET / HTTP/1.1\r\nHost: a\r\nX-Real-IP: 192.0.2.1\r\n\r\n" +
			"GET / HTTP/1.1\r\nHost: a\r\nX-Real-IP: 192.0.2.2\r\n\r\n" + "GET /x HTTP/1.1\r\nHost: early\r\nConnection: close\r\n\r\n"},
	)
	// The port of a connection differs from client to client.
	site.HTTP = strings.ReplaceAll(site.HTTP, "|$remote_port|", "|")
	httptest.Compare(t, modules.HTTP(), site, cases)
}

func TestPort(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}}; set_real_ip_from 127.0.0.1;
		location / { return 200 "$remote_addr,$remote_port,$realip_remote_addr,$realip_remote_port"; } }`})
	for value, want := range map[string]string{
		"192.0.2.1": "192.0.2.1,,127.0.0.1,", "192.0.2.1:99": "192.0.2.1,99,127.0.0.1,", "[2001:db8::1]:80": "2001:db8::1,80,127.0.0.1,",
	} {
		got := httptest.Body(s.Get("/", "X-Real-IP: "+value))
		own, ok := strings.CutPrefix(got, want)
		if !ok || len(own) < 4 {
			t.Errorf("%s: %s", value, got)
		}
	}
}

func TestProxiedAsNginx(t *testing.T) {
	site := httptest.Site{HTTP: `
		map $remote_port $port { default other; "" none; 1 1; 1234 1234; }
		log_format who "$remote_addr $port $proxy_protocol_addr";
		access_log {{dir}}/access.log who;
		add_header X-PP "$proxy_protocol_addr|$proxy_protocol_port|$proxy_protocol_server_addr|$proxy_protocol_server_port|$pipe" always;
		server { listen {{addr}} proxy_protocol; set_real_ip_from 127.0.0.0/8; real_ip_header proxy_protocol;
			location / { return 200 "$remote_addr $port\n"; }
			location /deny { deny 2001:db8::1; }
		}
		server { listen {{addr}}; server_name other; location / { return 200 "other $proxy_protocol_port\n"; } }`}
	get := "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	deny := "GET /deny HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	v2 := "\r\n\r\n\x00\r\nQUIT\n"
	var cases []httptest.Case
	for name, request := range map[string]string{
		"TCP4": "PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n" + get, "TCP6": "PROXY TCP6 2001:Db8::1 ::1 1 2\r\n" + get, "port 0": "PROXY TCP4 192.0.2.1 192.0.2.2 0 0\r\n" + get,
		"denied": "PROXY TCP6 2001:DB8::1 ::1 1 2\r\n" + deny, "let in": "PROXY TCP6 2001:DB8::2 ::1 1 2\r\n" + deny, "no address": "PROXY TCP4 1.2.3 1.2.3 1 2\r\n" + get,
		"UNKNOWN": "PROXY UNKNOWN\r\n" + get, "UNKNOWN with text": "PROXY UNKNOWN 1 2 3\r\n" + get, "other server": "PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n" + strings.Replace(get, "Host: x", "Host: other", 1),
		"bad request": "PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\nnonsense\r\n\r\n", "twice": "PROXY TCP4 192.0.2.1 192.0.2.2 1 8\r\nPROXY TCP4 192.0.2.1 192.0.2.2 1 8\r\n" + get,
		"two requests": "PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n" + "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n" + get,
		"v2":           v2 + "\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x04\xd2\x00\x50" + get, "v2 LOCAL": v2 + "\x20\x00\x00\x00" + get,
		"v2 unix": v2 + "\x21\x31\x00\xd8" + strings.Repeat("/", 216) + get, "v2 IPv6": v2 + "\x21\x21\x00\x24\x20\x01\x0d\xb8" + strings.Repeat("\x00", 28) + "\x04\xd2\x00\x50" + get,
		"v2 TLV": v2 + "\x21\x11\x00\x10\xc0\x00\x02\x01\xc0\x00\x02\x02\x04\xd2\x00\x50\x01\x00\x01x" + get,
		"v3":     v2[:12] + "\x31\x11\x00\x00" + get, "v2 cut": v2 + "\x21\x11\x7f\xff" + get, "v2 short": v2 + "\x21\x11\x00\x03abc" + get,
	} {
		cases = append(cases, httptest.Case{Name: name, Request: request})
	}
	httptest.Compare(t, modules.HTTP(), site, cases)
}

// TLVs are newer than the nginx of some distributions.
func TestProxiedTLV(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}} proxy_protocol;
		return 200 "$proxy_protocol_tlv_alpn|$proxy_protocol_tlv_0xAE|$proxy_protocol_tlv_ssl_version|$proxy_protocol_tlv_ssl_verify|$proxy_protocol_tlv_nonsense|$proxy_protocol_addr"; }`})
	const header = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x2a\xc0\x00\x02\x01\xc0\x00\x02\x02\x04\xd2\x00\x50" +
		"\x01\x00\x02h2" + "\xae\x00\x01x" + "\x20\x00\x0f\x01\x00\x00\x00\x05\x21\x00\x07TLSv1.3\x05\x00\x00"
	got := httptest.Body(s.Raw(header + httptest.Request("GET", "/")))
	if got != "h2|x|TLSv1.3|5||192.0.2.1" {
		t.Error(got)
	}
	if text := s.ReadFile("error.log"); !strings.Contains(text, `unknown PROXY protocol TLV "nonsense" while logging`) && !strings.Contains(text, `unknown PROXY protocol TLV "nonsense", client: 127.0.0.1`) {
		t.Error(text)
	}
}

func TestProxiedBroken(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}} proxy_protocol; return 200 ok; }`})
	for request, want := range map[string]string{
		httptest.Request("GET", "/"): `broken header: "GET / HTTP/1.1" while reading PROXY protocol, client: 127.0.0.1, server: ` + s.Addr,
		"PROXY TCP4 192.0.2.1\r\n":   `broken header: "PROXY TCP4 192.0.2.1" while reading PROXY protocol, client: 127.0.0.1, server: ` + s.Addr,
	} {
		if got := s.Raw(request); got != "" {
			t.Errorf("%q", got)
		}
		if text := s.ReadFile("error.log"); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// The header may come long before the request, but not in pieces.
func TestProxiedSlowly(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}} proxy_protocol; return 200 $proxy_protocol_addr; }
		server { listen {{addr}}; server_name x; client_header_timeout 1s; }`})
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, text := range []string{"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\n", "Connection: close\r\n\r\n"} {
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
	answer, err := io.ReadAll(conn)
	if err != nil || httptest.Body(string(answer)) != "192.0.2.1" {
		t.Errorf("%q, %v", answer, err)
	}
}

func TestProxiedTimeout(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}} proxy_protocol; client_header_timeout 50ms; return 200 ok; }`})
	if got := s.Raw(""); got != "" {
		t.Errorf("%q", got)
	}
	if got := s.Raw("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"); got != "" {
		t.Errorf("%q", got)
	}
	text := s.ReadFile("error.log")
	for _, want := range []string{
		"client timed out (110: Connection timed out) while reading PROXY protocol, client: 127.0.0.1, server: " + s.Addr,
		"client timed out (110: Connection timed out) while waiting for request, client: 127.0.0.1, server: " + s.Addr,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{
		`set_real_ip_from;`, `set_real_ip_from 1.2.3.4/33;`, `set_real_ip_from a/b;`, `set_real_ip_from 1.2.3.4 5.6.7.8;`, `real_ip_header;`, `real_ip_header a; real_ip_header b;`,
		`real_ip_recursive maybe;`, `real_ip_recursive on; real_ip_recursive on;`, `set_real_ip_from no-such-host.invalid;`,
		`server { listen {{addr}} proxy_protocol; server_name $proxy_protocol_tlv; return 200 $proxy_protocol; }`,
	} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: text})
	}
}
