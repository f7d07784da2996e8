package grpc_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	stdtest "net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/accesslog"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/http/grpc"
	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/http/rewrite"
)

func features() []http.Module {
	return []http.Module{rewrite.Feature, gateway.Feature, gateway.EarlyHints, grpc.Feature, accesslog.Feature}
}

// A service is a server of HTTP/2 that answers as gRPC servers do: by the path.
type service struct {
	addr, secure string
	conns        atomic.Int64
	ended        chan string // paths of /echo and below that have ended with an error
}

func serve(t *testing.T) *service {
	t.Helper()
	s := &service{ended: make(chan string, 10)}
	handler := nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		w.Header().Set("X-Seen", fmt.Sprintf("%s %s %s te=%s cl=%d a=%s", r.Method, r.URL, r.Host, r.Header.Get("Te"), r.ContentLength, r.Header.Get("X-A")))
		switch r.URL.Path {
		case "/echo":
			w.WriteHeader(200)
			flush := nethttp.NewResponseController(w)
			_ = flush.Flush()
			buf := make([]byte, 32<<10)
			for {
				n, err := r.Body.Read(buf)
				if n > 0 {
					_, _ = w.Write(buf[:n])
					_ = flush.Flush()
				}
				if err != nil {
					if err != io.EOF {
						s.ended <- r.URL.Path
					}
					break
				}
			}
		case "/early": // the request is not read
			w.WriteHeader(200)
			_, _ = io.WriteString(w, "enough")
		case "/sum":
			n, _ := io.Copy(io.Discard, r.Body)
			_, _ = fmt.Fprint(w, n)
		case "/status":
			w.WriteHeader(503)
		default:
			body, _ := io.ReadAll(r.Body)
			_, _ = w.Write(append([]byte("hello "), body...))
		}
		w.Header().Set("Grpc-Status", "0")
	})
	plain := &nethttp.Server{Handler: handler, Protocols: new(nethttp.Protocols), ConnState: func(_ net.Conn, state nethttp.ConnState) {
		if state == nethttp.StateNew {
			s.conns.Add(1)
		}
	}}
	plain.Protocols.SetUnencryptedHTTP2(true)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	var all sync.WaitGroup
	all.Go(func() { _ = plain.Serve(l) })
	secure := stdtest.NewUnstartedServer(handler)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	s.secure = secure.Listener.Addr().String()
	t.Cleanup(func() {
		_ = plain.Close()
		secure.CloseClientConnections()
		secure.Close()
		all.Wait()
	})
	return s
}

// client speaks HTTP/2 without TLS.
func client(t *testing.T) *nethttp.Client {
	t.Helper()
	transport := &nethttp.Transport{Protocols: new(nethttp.Protocols), DisableCompression: true, TLSClientConfig: &tls.Config{}}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &nethttp.Client{Transport: transport, Timeout: time.Minute}
}

func start(t *testing.T, s *service, conf string) *httptest.Server {
	t.Helper()
	conf = strings.NewReplacer("SECURE", s.secure, "PLAIN", s.addr).Replace(conf)
	return httptest.Start(t, features(), httptest.Site{HTTP: conf})
}

// call returns the answer with its body and trailers.
func call(t *testing.T, c *nethttp.Client, url string, body io.Reader) (status int, text string, r *nethttp.Response) {
	t.Helper()
	req, err := nethttp.NewRequestWithContext(context.Background(), "POST", url, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Te", "trailers")
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("X-A", "b")
	r, err = c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	got, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	return r.StatusCode, string(got), r
}

func TestCalls(t *testing.T) {
	s := serve(t)
	b := start(t, s, `upstream u { server PLAIN; keepalive 2; }
		log_format up '$uri $status $upstream_status $upstream_trailer_grpc_status';
		server { listen {{addr}}; http2 on; client_max_body_size 0; access_log {{dir}}/access.log up;
		location / { grpc_pass u; }
		location /named { rewrite ^ /x%20y?q=1 break; grpc_set_header Host other; grpc_set_header X-A new; grpc_pass grpc://PLAIN; }
		location /secure { grpc_pass grpcs://SECURE; }
		location /varied { set $to grpcs://SECURE; grpc_pass $to; }
		location /hidden { grpc_hide_header X-Seen; grpc_pass u; }
		location /status { grpc_intercept_errors on; error_page 503 = @page; grpc_pass u; }
		location @page { return 200 page; }
	}`)
	c := client(t)
	for path, want := range map[string]struct{ text, seen string }{
		"/hello?a=b":   {"hello you", "POST /hello?a=b u te=trailers cl=3 a=b"},
		"/named/hello": {"hello you", "POST /x%2520y?q=1 other te=trailers cl=3 a=new"},
		"/secure":      {"hello you", "POST /secure " + s.secure + " te=trailers cl=3 a=b"},
		"/varied":      {"hello you", "POST /varied " + s.secure + " te=trailers cl=3 a=b"},
		"/hidden":      {"hello you", ""},
		"/early":       {"enough", "POST /early u te=trailers cl=3 a=b"},
		"/status":      {"page", ""},
	} {
		status, text, r := call(t, c, "http://"+b.Addr+path, strings.NewReader("you"))
		if status != 200 || text != want.text || r.Header.Get("X-Seen") != want.seen {
			t.Errorf("%s: %d %q, seen %q", path, status, text, r.Header.Get("X-Seen"))
		}
		if path != "/status" && r.Trailer.Get("Grpc-Status") != "0" {
			t.Errorf("%s: trailers %v", path, r.Trailer)
		}
	}
	const line = "/hello 200 200 0\n"
	for until := time.Now().Add(30 * time.Second); !strings.Contains(b.ReadFile("access.log"), line); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("no line %q in %s", line, b.ReadFile("access.log"))
		}
	}
}

// Both sides send at the same time, more than all buffers and windows take.
func TestBothAtOnce(t *testing.T) {
	s := serve(t)
	b := start(t, s, `server { listen {{addr}}; http2 on; client_max_body_size 0;
		location / { grpc_pass PLAIN; } location /secure/ { rewrite ^/secure(.*) $1 break; grpc_pass grpcs://SECURE; } }`)
	c := client(t)
	for _, path := range []string{"/echo", "/secure/echo"} {
		in, out := io.Pipe()
		req, err := nethttp.NewRequestWithContext(context.Background(), "POST", "http://"+b.Addr+path, in)
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Do(req) // the head comes before any of the body is sent
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			message := fmt.Sprintf("message %04d", i)
			if _, err := io.WriteString(out, message); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(message))
			if _, err := io.ReadFull(r.Body, got); err != nil || string(got) != message {
				t.Fatalf("%s: %q for %q, %v", path, got, message, err)
			}
		}
		large := bytes.Repeat([]byte("0123456789abcdef"), 3<<16) // 3 MB
		go func() {
			_, _ = out.Write(large)
			_ = out.Close()
		}()
		got, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil || !bytes.Equal(got, large) || r.Trailer.Get("Grpc-Status") != "0" {
			t.Errorf("%s: %d bytes of %d, %v, %v", path, len(got), len(large), r.Trailer, err)
		}
	}
}

// A connection is kept, with what both sides know of each other.
func TestConnectionIsKept(t *testing.T) {
	s := serve(t)
	b := start(t, s, `upstream u { server PLAIN; keepalive 2; } server { listen {{addr}}; http2 on; client_max_body_size 0; location / { grpc_pass u; } }`)
	c := client(t)
	body := strings.Repeat("x", 200000)
	for range 20 {
		if _, text, _ := call(t, c, "http://"+b.Addr+"/sum", strings.NewReader(body)); text != "200000" {
			t.Fatal(text)
		}
	}
	if n := s.conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// A client that goes takes its stream to the upstream with it.
func TestClientGone(t *testing.T) {
	s := serve(t)
	b := start(t, s, `server { listen {{addr}}; http2 on; location / { grpc_pass PLAIN; } }`)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	in, out := io.Pipe()
	defer func() { _ = out.Close() }()
	req, err := nethttp.NewRequestWithContext(ctx, "POST", "http://"+b.Addr+"/echo", in)
	if err != nil {
		t.Fatal(err)
	}
	r, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	_ = r.Body.Close()
	select {
	case <-s.ended:
	case <-time.After(30 * time.Second):
		t.Error("the upstream does not learn of it")
	}
}

func TestRefused(t *testing.T) {
	for conf, want := range map[string]string{
		"location / { grpc_pass 127.0.0.1:1; grpc_pass 127.0.0.1:2; }":      `"grpc_pass" directive is duplicate`,
		"location / { grpc_pass 127.0.0.1:1/uri; }":                         `invalid host in upstream "127.0.0.1:1/uri"`,
		"grpc_pass 127.0.0.1:1;":                                            `"grpc_pass" directive is not allowed here`,
		"location / { grpc_buffering on; }":                                 `unknown directive "grpc_buffering"`,
		"location / { grpc_ssl_verify on; grpc_pass grpcs://127.0.0.1:1; }": "no grpc_ssl_trusted_certificate for grpc_ssl_verify",
	} {
		if got := httptest.Rejected(t, features(), httptest.Site{HTTP: "server { listen {{addr}}; " + conf + " }"}); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", conf, got, want)
		}
	}
}
