//go:build !race

package fastcgi_test

import (
	"bytes"
	"fmt"
	"net"
	"runtime"
	"sync"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
)

// loopApp answers every request on kept connections with the same bytes, and
// without allocation.
func loopApp(t testing.TB, answer []byte) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				end := []byte("\x01\x05\x00\x01\x00\x00\x00\x00")
				for buf := make([]byte, 64<<10); ; {
					n, err := c.Read(buf)
					if err != nil {
						return
					}
					if !bytes.HasSuffix(buf[:n], end) {
						continue
					}
					if _, err := c.Write(answer); err != nil {
						return
					}
				}
			})
		}
	})
	return l.Addr().String()
}

// TestRequestsDoNotAllocate counts what all goroutines of the process allocate for
// a request with the usual parameters on kept connections. With the race detector
// the pools of package sync drop things at random.
func TestRequestsDoNotAllocate(t *testing.T) {
	addr := loopApp(t, []byte(whole("Content-Type: text/html\r\nContent-Length: 5\r\nX-Powered-By: us\r\n\r\nhello")))
	s := httptest.Start(t, features(), httptest.Site{HTTP: fmt.Sprintf(`
		upstream app { server %s; keepalive 4; }
		server {
			listen {{addr}}; server_name localhost; access_log off; keepalive_requests 100000;
			fastcgi_keep_conn on;
			fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
			fastcgi_param QUERY_STRING $query_string;
			fastcgi_param REQUEST_METHOD $request_method;
			fastcgi_param CONTENT_TYPE $content_type;
			fastcgi_param CONTENT_LENGTH $content_length;
			fastcgi_param REQUEST_URI $request_uri;
			fastcgi_param SERVER_PROTOCOL $server_protocol;
			fastcgi_param HTTPS $https if_not_empty;
			fastcgi_param REMOTE_ADDR $remote_addr;
			fastcgi_param REMOTE_PORT $remote_port;
			location / { fastcgi_pass app; }
		}`, addr)})
	c, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	request := []byte("GET /index.php?a=b HTTP/1.1\r\nHost: localhost\r\nUser-Agent: test\r\nAccept: */*\r\nCookie: session=0123456789abcdef\r\n\r\n")
	buf := make([]byte, 4096)
	run := func(n int) {
		for range n {
			if _, err := c.Write(request); err != nil {
				t.Fatal(err)
			}
			for got := 0; ; {
				n, err := c.Read(buf[got:])
				if err != nil {
					t.Fatal(err)
				}
				if got += n; bytes.HasSuffix(buf[:got], []byte("hello")) {
					break
				}
			}
		}
	}
	run(200)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const rounds = 2000
	run(rounds)
	runtime.ReadMemStats(&after)
	if each := float64(after.Mallocs-before.Mallocs) / rounds; each > 1 {
		t.Errorf("%.2f allocations for a request", each)
	}
}
