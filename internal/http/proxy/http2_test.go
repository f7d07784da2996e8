package proxy_test

import (
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
)

// Requests over HTTP/1 are passed on over HTTP/2, on one connection.
func TestHTTP2(t *testing.T) {
	var conns atomic.Int64
	server := &nethttp.Server{Protocols: new(nethttp.Protocols), ConnState: func(_ net.Conn, state nethttp.ConnState) {
		if state == nethttp.StateNew {
			conns.Add(1)
		}
	}, Handler: nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Seen", fmt.Sprintf("%s %s %s %s cl=%d a=%q", r.Proto, r.Method, r.URL, r.Host, r.ContentLength, r.Header["X-A"]))
		if r.URL.Path == "/none" {
			w.WriteHeader(204)
			return
		}
		if r.URL.Path == "/large" {
			w.Header().Set("Trailer", "X-T")
		}
		_, _ = fmt.Fprintf(w, "got %d", n)
		if r.URL.Path == "/large" {
			_, _ = io.WriteString(w, strings.Repeat("z", 1<<20))
		}
		w.Header().Set("X-T", "u")
	})}
	server.Protocols.SetUnencryptedHTTP2(true)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() { _ = server.Close(); all.Wait() })

	s := start(t, `upstream u { server {{b0}}; keepalive 4; }
		server { listen {{addr}}; client_max_body_size 0; proxy_http_version 2; proxy_pass_trailers on; proxy_set_header X-A $arg_a;
			location / { proxy_pass http://u; }
			location /direct/ { proxy_request_buffering off; proxy_buffering off; proxy_pass http://u/; }
			location /made { proxy_method PUT; proxy_set_body "made of $uri"; proxy_set_header Host other; proxy_pass http://u; } }`, &backend{addr: l.Addr().String()})
	large := strings.Repeat("y", 300000)
	for _, c := range []struct{ send, seen, body string }{
		{httptest.Request("GET", "/a%20b?a=1"), `HTTP/2.0 GET /a%20b?a=1 u cl=0 a=["1"]`, "got 0"},
		{httptest.Request("HEAD", "/"), `HTTP/2.0 HEAD / u cl=0 a=[]`, ""},
		{httptest.Request("GET", "/none"), `HTTP/2.0 GET /none u cl=0 a=[]`, ""},
		{httptest.Request("POST", "/b", "Content-Length: 3") + "abc", `HTTP/2.0 POST /b u cl=3 a=[]`, "got 3"},
		{httptest.Request("POST", "/b", "Content-Length: 300000") + large, `HTTP/2.0 POST /b u cl=300000 a=[]`, "got 300000"},
		{httptest.Request("POST", "/direct/b", "Content-Length: 300000") + large, `HTTP/2.0 POST /b u cl=300000 a=[]`, "got 300000"},
		{httptest.Request("POST", "/direct/b", "Transfer-Encoding: chunked") + "493e0\r\n" + large + "\r\n0\r\n\r\n", `HTTP/2.0 POST /b u cl=-1 a=[]`, "got 300000"},
		{httptest.Request("POST", "/direct/b", "Content-Length: 0"), `HTTP/2.0 POST /b u cl=0 a=[]`, "got 0"},
		{httptest.Request("GET", "/made"), `HTTP/2.0 PUT /made other cl=13 a=[]`, "got 13"},
		{httptest.Request("GET", "/large"), `HTTP/2.0 GET /large u cl=0 a=[]`, ""},
	} {
		before := conns.Load()
		got := s.Raw(strings.Replace(c.send, "\r\n", "\r\nConnection: close\r\n", 1))
		if seen := httptest.Header(got, "X-Seen"); seen != c.seen {
			t.Errorf("%.80q: seen %q, want %q in %.300q", c.send, seen, c.seen, got)
		}
		if n := conns.Load(); before > 0 && n != before {
			t.Errorf("%.80q: a new connection", c.send)
		}
		if chunked := strings.Contains(c.send, "/large"); chunked {
			if strings.Count(got, "z") != 1<<20 || !strings.HasSuffix(got, "0\r\nx-t: u\r\n\r\n") {
				t.Errorf("%.80q: %d bytes of the body, or no trailers", c.send, strings.Count(got, "z"))
			}
		} else if body := httptest.Body(got); body != c.body {
			t.Errorf("%.80q: %d bytes %.100q", c.send, len(body), body)
		}
	}
	if n := conns.Load(); n != 1 { // none was spoilt
		t.Errorf("%d connections", n)
	}
}
