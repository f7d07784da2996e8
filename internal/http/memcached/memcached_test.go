package memcached_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/accesslog"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/http/headers"
	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/http/memcached"
	"github.com/baton-project/baton/internal/http/ranges"
	"github.com/baton-project/baton/internal/http/rewrite"
)

func features() []http.Module {
	return []http.Module{rewrite.Feature, gateway.Feature, gateway.EarlyHints, memcached.Feature, headers.Feature, ranges.Feature, accesslog.Feature}
}

// A store answers "get" with what it has, as it stands.
type store struct {
	addr string

	mu    sync.Mutex
	conns int
	open  map[net.Conn]bool
}

func startStore(t *testing.T, replies map[string]string) *store {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &store{addr: l.Addr().String(), open: make(map[net.Conn]bool)}
	var all sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		s.mu.Lock()
		for c := range s.open {
			_ = c.Close()
		}
		s.mu.Unlock()
		all.Wait()
	})
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns++
			s.open[c] = true
			s.mu.Unlock()
			all.Go(func() {
				defer c.Close()
				for in := bufio.NewReader(c); ; {
					line, err := in.ReadString('\n')
					if err != nil {
						return
					}
					reply := replies[strings.TrimSpace(strings.TrimPrefix(line, "get "))]
					if reply == "" {
						reply = "END\r\n"
					}
					if _, err := io.WriteString(c, reply); err != nil {
						return
					}
				}
			})
		}
	})
	return s
}

// TestValuesAsNginx compares answers and logs; the names of the replies tell what
// is odd with them.
func TestValuesAsNginx(t *testing.T) {
	replies := map[string]string{
		"/plain":        "VALUE /plain 0 5\r\nhello\r\nEND\r\n",
		"/empty.txt":    "VALUE /empty.txt 0 0\r\n\r\nEND\r\n",
		"/with%20space": "VALUE /with%20space 0 2\r\nok\r\nEND\r\n",
		"/packed":       "VALUE /packed 2 4\r\ngzip\r\nEND\r\n",
		"/other-key":    "VALUE /this 0 5\r\nhello\r\nEND\r\n",
		"/bad-length":   "VALUE /bad-length 0 x\r\nhello\r\nEND\r\n",
		"/bad-flags":    "VALUE /bad-flags - 5\r\nhello\r\nEND\r\n",
		"/error":        "ERROR\r\n",
		"/no-cr":        "END\n",
		"/no-length":    "VALUE /no-length 0\r\nhello\r\nEND\r\n",
		"/huge-line":    "VALUE " + strings.Repeat("x", 9000) + "\r\n",
	}
	s := startStore(t, replies)
	var cases []httptest.Case
	for key := range replies {
		target := strings.ReplaceAll(key, " ", "%20")
		cases = append(cases, httptest.Case{Name: key, Request: httptest.Request("GET", target)})
	}
	cases = append(cases,
		httptest.Case{Name: "missing", Request: httptest.Request("GET", "/missing")},
		httptest.Case{Name: "fallback", Request: httptest.Request("GET", "/fallback")},
		httptest.Case{Name: "HEAD", Request: httptest.Request("HEAD", "/plain")},
		httptest.Case{Name: "POST", Request: httptest.Request("POST", "/plain", "Content-Length: 0")},
		httptest.Case{Name: "range", Request: httptest.Request("GET", "/plain", "Range: bytes=1-2")},
		httptest.Case{Name: "no key", Request: httptest.Request("GET", "/no-key")},
	)
	httptest.Compare(t, features(), httptest.Site{HTTP: fmt.Sprintf(`
		upstream m { server %s max_fails=0; keepalive 1; }
		types { text/plain txt; }
		server {
			listen {{addr}}; server_name localhost; access_log off;
			set $memcached_key $uri; memcached_gzip_flag 2; memcached_next_upstream error timeout not_found;
			location / { memcached_pass m; }
			location /fallback { memcached_pass m; error_page 404 = @found; }
			location @found { return 200 "found"; }
			location /no-key { set $memcached_key ""; memcached_pass m; }
		}`, s.addr)}, cases)
}

// TestBadTrailer: what follows a value that is not its end costs the connection.
func TestBadTrailer(t *testing.T) {
	s := startStore(t, map[string]string{"/a": "VALUE /a 0 1\r\nA\r\nEXX\r\n"})
	server := httptest.Start(t, features(), httptest.Site{HTTP: fmt.Sprintf(`
		upstream m { server %s; keepalive 1; }
		server { listen {{addr}}; set $memcached_key $uri; location / { memcached_pass m; } }`, s.addr)})
	for range 2 {
		if got := httptest.Body(server.Get("/a")); got != "A" {
			t.Error(got)
		}
	}
	if log := server.ReadFile("error.log"); !strings.Contains(log, "memcached sent invalid trailer while reading response header from upstream") {
		t.Errorf("%s", log)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns != 2 {
		t.Errorf("%d connections", s.conns)
	}
}

// TestConnectionIsKept: one connection is enough, whatever was found.
func TestConnectionIsKept(t *testing.T) {
	s := startStore(t, map[string]string{"/a": "VALUE /a 0 1\r\nA\r\nEND\r\n"})
	server := httptest.Start(t, features(), httptest.Site{HTTP: fmt.Sprintf(`
		upstream m { server %s; keepalive 1; }
		server { listen {{addr}}; set $memcached_key $uri; location / { memcached_pass m; } }`, s.addr)})
	for range 3 {
		if got := httptest.Body(server.Get("/a")); got != "A" {
			t.Error(got)
		}
		if got := server.Get("/b"); httptest.Status(got) != 404 {
			t.Error(got)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns != 1 {
		t.Errorf("%d connections", s.conns)
	}
}
