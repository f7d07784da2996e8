package pass_test

import (
	"crypto/tls"
	"io"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/modules"
	"github.com/baton-project/baton/internal/stream/streamtest"
)

// What a passed connection knows of itself is what it would know had the client
// come to the second socket. Only the session that ends is logged.
func TestPass(t *testing.T) {
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{Stream: `
		log_format test "$server_port $status $bytes_sent";
		access_log {{dir}}/access.log test;
		map $server_port $chosen { {{chosen.port}} {{second}}; {{port.port}} 127.0.0.1; {{host.port}} nowhere:1;
			{{bad.port}} 127.0.0.1:x; {{unheard.port}} {{nobody}}; {{local.port}} {{unix.unix}}; {{all.port}} 127.0.0.2:{{every.port}}; }
		server { listen {{first}}; pass {{second}}; }
		server { listen {{chosen}}; listen {{port}}; listen {{host}}; listen {{bad}}; listen {{unheard}}; listen {{local}}; listen {{all}}; pass $chosen; }
		server { listen {{second}}; return "second $server_addr:$server_port $remote_addr"; }
		server { listen {{unix.unix}}; return "unix $server_addr"; }
		server { listen *:{{every.port}}; return "all $server_addr"; }
		server { listen {{loop}}; pass {{loop}}; }
		server { listen {{refused}}; pass {{second}}; deny all; }
	`})
	for _, tt := range []struct{ name, want, logged string }{
		{"first", "second 127.0.0.1:{{second.port}} 127.0.0.1", ""},
		{"chosen", "second 127.0.0.1:{{second.port}} 127.0.0.1", ""},
		{"local", "unix {{unix.unix}}", ""},
		{"all", "all 127.0.0.2", ""},
		{"port", "", `no port in pass "127.0.0.1"`},
		{"host", "", `no addresses in pass "nowhere:1"`},
		{"bad", "", `invalid port in pass "127.0.0.1:x"`},
		{"unheard", "", `port not found for "{{nobody}}"`},
		{"loop", "", "stream pass cycle"},
		{"refused", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := strings.NewReplacer("{{second.port}}", s.Address("second.port"), "{{unix.unix}}", s.Address("unix.unix")).Replace(tt.want)
			if got := s.Say(tt.name, ""); got != want {
				t.Errorf("%q, want %q", got, want)
			}
			if tt.logged != "" {
				logged := strings.ReplaceAll(tt.logged, "{{nobody}}", s.Address("nobody"))
				s.WaitFor("error.log", logged+" while passing connection to port, client: 127.0.0.1, server: "+s.Address(tt.name))
			}
		})
	}
	s.WaitFor("access.log", s.Address("unheard.port")+" 200 0")
	s.WaitFor("access.log", s.Address("loop.port")+" 500 0")
	s.WaitFor("access.log", s.Address("refused.port")+" 403 0")
	if strings.Contains(s.Read("access.log"), s.Address("first.port")) {
		t.Errorf("a session that was passed on is logged:\n%s", s.Read("access.log"))
	}
}

// What the client has sent already goes along, and what follows, whether somebody
// looked at it or not; where TLS has been ended, the end of TLS goes along.
func TestPassWhatWasRead(t *testing.T) {
	certificate, key := streamtest.Certificate(t, "a.example")
	echo := streamtest.Echo(t)
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{
		Files: map[string]string{"a.crt": certificate, "a.key": key},
		Stream: `
			ssl_certificate {{dir}}/a.crt; ssl_certificate_key {{dir}}/a.key;
			server { listen {{look}}; ssl_preread on; pass {{tls}}; }
			server { listen {{tls}} ssl; return "$ssl_server_name"; }
			server { listen {{ended}} ssl; pass {{plain}}; }
			server { listen {{plain}}; proxy_pass ` + echo.Address + `; }
			server { listen {{both}} ssl; ssl_preread on; pass {{plain}}; }
			server { listen {{from}} proxy_protocol; pass {{told}}; }
			server { listen {{told}} proxy_protocol; return "$proxy_protocol_addr $remote_addr"; }
		`})
	config := &tls.Config{ServerName: "a.example", InsecureSkipVerify: true}
	c := tls.Client(s.Dial("look"), config)
	if got, err := io.ReadAll(c); string(got) != "a.example" {
		t.Errorf("%q, %v", got, err)
	}
	c = tls.Client(s.Dial("ended"), config)
	for _, text := range []string{"one", "two"} {
		got := make([]byte, 3)
		_, _ = io.WriteString(c, text)
		if _, err := io.ReadFull(c, got); string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
	}
	_ = c.Close()
	c = tls.Client(s.Dial("both"), config)
	_, _ = io.WriteString(c, "more than nothing")
	if got, err := io.ReadAll(c); len(got) > 0 {
		t.Errorf("%q, %v", got, err)
	}
	s.WaitFor("error.log", "cannot pass connection with preread data while passing connection to port, client: 127.0.0.1, server: "+s.Address("both"))
	if got := s.Say("from", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nPROXY TCP4 192.0.2.3 192.0.2.4 3 4\r\n"); got != "192.0.2.3 127.0.0.1" {
		t.Errorf("%q", got)
	}
}

// Limits of the socket that the client came to hold until its connection ends.
func TestPassKeepsLimits(t *testing.T) {
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{Stream: `
		limit_conn_zone $remote_addr zone=one:1m;
		server { listen {{first}}; limit_conn one 1; pass {{second}}; }
		server { listen {{second}}; proxy_pass ` + streamtest.Echo(t).Address + `; }
	`})
	c := s.Dial("first")
	_, _ = io.WriteString(c, "x")
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if got := s.Say("first", ""); got != "" {
		t.Errorf("%q", got)
	}
	s.WaitFor("error.log", `limiting connections by zone "one".*`)
	_ = c.Close()
	if !streamtest.Eventually(func() bool {
		c := s.Dial("first")
		defer c.Close()
		_, _ = io.WriteString(c, "x")
		n, _ := io.ReadFull(c, make([]byte, 1))
		return n == 1
	}) {
		t.Error("the limit is still reached when the connection has ended")
	}
}

func TestRejected(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1":                  `"pass" directive has no port`,
		"localhost:80":               `"pass" directive has no addresses`,
		"127.0.0.1:0":                `invalid port in "127.0.0.1:0" of the "pass" directive`,
		"unix:":                      `no path in the unix domain socket in "unix:" of the "pass" directive`,
		"$none":                      `unknown "none" variable`,
		"{{other}}; pass {{other}}":  `"pass" directive is duplicate`,
		"{{other}}; pass $x; set $x": `"pass" directive is duplicate`,
	} {
		if got := streamtest.Rejected(t, modules.Stream(), streamtest.Site{Stream: "server { listen {{a}}; pass " + text + "; }"}); got != want {
			t.Errorf("pass %s: %q, want %q", text, got, want)
		}
	}
}
