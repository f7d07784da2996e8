package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/freeport"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/accesslog"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/http/headers"
	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/http/proxy"
	"github.com/baton-project/baton/internal/http/rewrite"
	"github.com/baton-project/baton/internal/http/static"
)

func features() []http.Module {
	return []http.Module{rewrite.Feature, gateway.Feature, gateway.EarlyHints, proxy.Feature, static.Feature, headers.Feature, accesslog.Feature}
}

// A backend is a server whose answers a test writes by hand.
type backend struct {
	addr string

	mu       sync.Mutex
	requests []string
	conns    int
}

// serve answers each request, of which it gets the head and the body, with what
// answer writes. answer returns false to close the connection.
func serve(t *testing.T, answer func(w net.Conn, request string) bool) *backend {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{addr: l.Addr().String()}
	var all sync.WaitGroup
	open := make(map[net.Conn]bool)
	t.Cleanup(func() {
		_ = l.Close()
		b.mu.Lock()
		for c := range open {
			_ = c.Close()
		}
		b.mu.Unlock()
		all.Wait()
	})
	all.Add(1)
	go func() {
		defer all.Done()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.conns++
			open[c] = true
			b.mu.Unlock()
			all.Add(1)
			go func() {
				defer all.Done()
				b.converse(c, answer)
				b.mu.Lock()
				delete(open, c)
				b.mu.Unlock()
				_ = c.Close()
			}()
		}
	}()
	return b
}

func (b *backend) converse(c net.Conn, answer func(net.Conn, string) bool) {
	in := bufio.NewReader(c)
	for {
		request, err := readRequest(in)
		if request != "" {
			b.mu.Lock()
			b.requests = append(b.requests, request)
			b.mu.Unlock()
		}
		if err != nil || !answer(c, request) {
			return
		}
	}
}

// readRequest reads a head and the body that it announces.
func readRequest(in *bufio.Reader) (string, error) {
	text, size, chunked := "", 0, false
	for {
		line, err := in.ReadString('\n')
		text += line
		if err != nil {
			return text, err
		}
		if n, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			_, _ = fmt.Sscan(n, &size)
		}
		chunked = chunked || strings.HasPrefix(line, "Transfer-Encoding: chunked")
		if line == "\r\n" {
			break
		}
	}
	body := make([]byte, size)
	n, err := io.ReadFull(in, body)
	text += string(body[:n])
	for chunked && err == nil {
		var line string
		line, err = in.ReadString('\n')
		text += line
		if strings.HasSuffix(text, "0\r\n\r\n") {
			break
		}
	}
	return text, err
}

func (b *backend) last() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.requests) == 0 {
		return ""
	}
	return b.requests[len(b.requests)-1]
}

func (b *backend) counts() (conns, requests int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.conns, len(b.requests)
}

// say is an answer function that says the same each time.
func say(text string, keep bool) func(net.Conn, string) bool {
	return func(w net.Conn, _ string) bool {
		_, err := io.WriteString(w, text)
		return err == nil && keep
	}
}

const hello = "HTTP/1.1 200 OK\r\nServer: back\r\nContent-Type: text/plain; charset=\"utf-8\"\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello"

// start serves a configuration in which {{b0}}, {{b1}}... are the backends.
func start(t *testing.T, text string, backends ...*backend) *httptest.Server {
	t.Helper()
	for i, b := range backends {
		text = strings.ReplaceAll(text, fmt.Sprintf("{{b%d}}", i), b.addr)
	}
	return httptest.Start(t, features(), httptest.Site{HTTP: text, Files: map[string]string{"proxy_temp/": "", "client_body_temp/": "", "html/": ""}})
}

// deadAddr is an address where nobody listens.
func deadAddr(t *testing.T) string { return freeport.Loopback(t) }

// eventually waits until got returns what is wanted.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not happen", what)
		}
	}
}

// What the upstream is asked for, for each form of proxy_pass.
func TestRequestLineAndHost(t *testing.T) {
	b := serve(t, say(hello, true))
	s := start(t, `server { listen {{addr}};
		location / { proxy_pass http://{{b0}}; }
		location /to/ { proxy_pass http://{{b0}}/at/; }
		location /args { proxy_pass http://{{b0}}/x?y=z; }
		location ~ ^/re { proxy_pass http://{{b0}}; }
		location /set/ { set $to {{b0}}; proxy_pass http://$to; }
		location /seturi/ { set $to {{b0}}; proxy_pass http://$to/fix?a=$arg_a; }
		location /rw { rewrite ^/rw(.*) /new$1 break; proxy_pass http://{{b0}}; }
		location /ver { proxy_http_version 1.0; proxy_pass http://{{b0}}; }
		location /method { proxy_method PUT; proxy_set_body "b=$arg_b"; proxy_pass http://{{b0}}; }
		location /host { proxy_set_header Host $host:1; proxy_set_header X-Real $remote_addr; proxy_set_header X-None ""; proxy_set_header User-Agent ""; proxy_pass http://{{b0}}; }
		location /if { if ($arg_q) { set $dummy 1; } proxy_pass http://{{b0}}/in; }
		error_page 404 = @named;
		location /missing { root /nonexistent; }
		location @named { proxy_pass http://{{b0}}; }
	}`, b)
	for _, c := range []struct{ target, want string }{
		{"/a%20b/../c?x=1", "GET /a%20b/../c?x=1 HTTP/1.1\r\nHost: " + b.addr + "\r\nUser-Agent: x\r\n\r\n"},
		{"/to/a%20b?x=1", "GET /at/a%20b?x=1 HTTP/1.1\r\nHost: " + b.addr + "\r\nUser-Agent: x\r\n\r\n"},
		{"/args/1", "GET /x?y=z/1 HTTP/1.1\r\n"},
		{"/re?1", "GET /re?1 HTTP/1.1\r\n"},
		{"/set/1?2", "GET /set/1?2 HTTP/1.1\r\nHost: " + b.addr + "\r\n"},
		{"/seturi/1?a=5", "GET /fix?a=5 HTTP/1.1\r\n"},
		{"/rw/%20x?q", "GET /new/%20x?q HTTP/1.1\r\n"},
		{"/ver", "GET /ver HTTP/1.0\r\nHost: " + b.addr + "\r\nUser-Agent: x\r\n\r\n"},
		{"/method?b=7", "PUT /method?b=7 HTTP/1.1\r\nHost: " + b.addr + "\r\nContent-Length: 3\r\nUser-Agent: x\r\n\r\nb=7"},
		{"/host", "GET /host HTTP/1.1\r\nHost: localhost:1\r\nX-Real: 127.0.0.1\r\n\r\n"},
		{"/if?q=1", "GET /in?q=1 HTTP/1.1\r\n"},
		{"/missing/x%20y", "GET /missing/x%20y HTTP/1.1\r\n"},
	} {
		answer := s.Get(c.target, "User-Agent: x")
		if got := b.last(); !strings.HasPrefix(got, c.want) || httptest.Body(answer) != "hello" {
			t.Errorf("%s: %q, want %q; answer %q", c.target, got, c.want, answer)
		}
	}
}

// Early hints pass to whom early_hints says.
func TestEarlyHints(t *testing.T) {
	b := serve(t, say("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nX-Pad: no\r\n\r\n"+hello, true))
	s := start(t, `server { listen {{addr}}; location / { early_hints $arg_h; proxy_pass http://{{b0}}; } }`, b)
	const want = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n"
	if got := s.Get("/?h=1"); !strings.HasPrefix(got, want) {
		t.Errorf("%q", got)
	}
	if got := s.Get("/?h=0"); !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") || strings.Contains(got, "Link") {
		t.Errorf("%q", got)
	}
}
