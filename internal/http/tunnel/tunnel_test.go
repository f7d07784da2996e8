package tunnel_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/freeport"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/accesslog"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/http/rewrite"
	"github.com/baton-project/baton/internal/http/tunnel"
)

func features() []http.Module {
	return []http.Module{rewrite.Feature, gateway.Feature, gateway.EarlyHints, tunnel.Feature, accesslog.Feature}
}

// echo answers each line with itself, and closes the connection after "bye".
func echo(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for in := bufio.NewReader(c); ; {
					line, err := in.ReadString('\n')
					if err != nil || line == "bye\n" {
						return
					}
					_, _ = io.WriteString(c, line) // the client finds out
				}
			}()
		}
	}()
	return l.Addr().String()
}

// connect sends a request and what is to go through the tunnel, and returns all
// that comes.
func connect(t *testing.T, s *httptest.Server, to, more string) string {
	t.Helper()
	return s.Raw("CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n\r\n" + more)
}

func TestConnect(t *testing.T) {
	to, dead := echo(t), freeport.Loopback(t)
	s := httptest.Start(t, features(), httptest.Site{HTTP: fmt.Sprintf(`
		log_format t '$request_method $uri $status $body_bytes_sent $upstream_addr $upstream_status $upstream_bytes_received $upstream_bytes_sent';
		upstream fixed { server %s; server %s; }
		server { listen {{addr}}; server_name localhost; access_log {{dir}}/access.log t;
			tunnel_pass;
			location /no { return 200 no; }
		}
		server { listen {{addr}}; server_name fixed.test; tunnel_pass fixed; }
		server { listen {{addr}}; server_name none.test; return 204; }
		server { listen {{addr}}; server_name if.test;
			location / { if ($request_method = CONNECT) { tunnel_pass %s; break; } return 200 other; }
		}`, dead, to, to)})
	for _, c := range []struct{ to, more, want string }{
		{to, "one\ntwo\nbye\n", "one\ntwo\n"},
		{"fixed.test:1", "one\nbye\n", "one\n"},
		{"if.test:1", "one\nbye\n", "one\n"},
	} {
		answer := connect(t, s, c.to, c.more)
		head, body, _ := strings.Cut(answer, "\r\n\r\n")
		if !strings.HasPrefix(head, "HTTP/1.1 200 OK\r\n") || !strings.Contains(head, "\r\nConnection: close") ||
			strings.Contains(head, "Transfer-Encoding") || strings.Contains(head, "Content-") || body != c.want {
			t.Errorf("%s: %q", c.to, answer)
		}
	}
	for to, want := range map[string]int{dead: 502, "none.test:1": 405, "x": 400, "x:1/": 400} {
		if answer := connect(t, s, to, ""); httptest.Status(answer) != want || !strings.Contains(answer, "\r\nConnection: close\r\n") {
			t.Errorf("%s: %q, want %d", to, answer, want)
		}
	}
	for target, want := range map[string]int{"/": 405, "/no": 200} {
		if answer := s.Get(target); httptest.Status(answer) != want {
			t.Errorf("%s: %q, want %d", target, answer, want)
		}
	}
	line := "CONNECT / 200 8 " + to + " 200 8 12\n"
	for end := time.Now().Add(30 * time.Second); !strings.Contains(s.ReadFile("access.log"), line); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%q, want %q", s.ReadFile("access.log"), line)
		}
	}
}

func TestTimeout(t *testing.T) {
	to := echo(t)
	s := httptest.Start(t, features(), httptest.Site{HTTP: `server { listen {{addr}}; tunnel_pass; tunnel_read_timeout 200ms; }`})
	if answer := connect(t, s, to, "one\n"); !strings.HasSuffix(answer, "\r\n\r\none\n") {
		t.Errorf("%q", answer)
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"tunnel_next_upstream http_500;":  `invalid value "http_500"`,
		"tunnel_pass; tunnel_pass a:1;":   `"tunnel_pass" directive is duplicate`,
		"tunnel_pass 127.0.0.1;":          `no port in upstream "127.0.0.1"`,
		"tunnel_buffering on;":            `unknown directive "tunnel_buffering"`,
		"location / { tunnel_pass a b; }": `invalid number of arguments in "tunnel_pass" directive`,
		"tunnel_connect_timeout x;":       `"tunnel_connect_timeout" directive invalid value`,
	} {
		got := httptest.Rejected(t, slices.Clip(features()), httptest.Site{HTTP: "server { listen {{addr}}; " + text + " }"})
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s", text, got)
		}
	}
}
