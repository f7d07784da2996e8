package http_test

import (
	"bytes"
	"net"
	"runtime"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
)

// A keepAliveClient sends one request again and again on one connection.
type keepAliveClient struct {
	t       testing.TB
	conn    net.Conn
	request []byte
	answer  []byte // what the first answer was; the others are as long
	buf     []byte
}

func dialKeepAlive(t testing.TB, s *httptest.Server, request string) *keepAliveClient {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	c := &keepAliveClient{t: t, conn: conn, request: []byte(request), buf: make([]byte, 64<<10)}
	if _, err := conn.Write(c.request); err != nil {
		t.Fatal(err)
	}
	n, err := conn.Read(c.buf)
	if err != nil {
		t.Fatal(err)
	}
	c.answer = bytes.Clone(c.buf[:n])
	return c
}

func (c *keepAliveClient) exchange() {
	if _, err := c.conn.Write(c.request); err != nil {
		c.t.Fatal(err)
	}
	for got := 0; got < len(c.answer); {
		n, err := c.conn.Read(c.buf[got:])
		if err != nil {
			c.t.Fatal(err)
		}
		got += n
	}
}

const speedSite = `server { listen {{addr}};
	location /return { return 200 "short answer\n"; }
	location / { root {{dir}}; } }`

// The path of a request that most benchmarks take needs no memory of its own.
func TestReturnDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("pools drop things at random under the race detector")
	}
	s := httptest.Start(t, features(), httptest.Site{HTTP: speedSite})
	c := dialKeepAlive(t, s, "GET /return HTTP/1.1\r\nHost: localhost\r\nUser-Agent: test\r\n\r\n")
	const rounds = 900 // keepalive_requests is 1000
	for range 50 {
		c.exchange()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		c.exchange()
	}
	runtime.ReadMemStats(&after)
	if per := float64(after.Mallocs-before.Mallocs) / rounds; per > 0.2 {
		t.Errorf("%.2f allocations per request", per)
	}
}

func BenchmarkReturn(b *testing.B) { benchmark(b, "/return", 1) }
func BenchmarkFile(b *testing.B)   { benchmark(b, "/1k", 1) }

// BenchmarkPipelined counts single requests, sixteen in one write.
func BenchmarkPipelined(b *testing.B) { benchmark(b, "/return", 16) }

func benchmark(b *testing.B, target string, depth int) {
	s := httptest.Start(b, features(), httptest.Site{
		HTTP:  "keepalive_requests 1000000000; " + speedSite,
		Files: map[string]string{"1k": string(make([]byte, 1024))},
	})
	request := "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n"
	c := dialKeepAlive(b, s, string(bytes.Repeat([]byte(request), depth)))
	b.ReportAllocs()
	b.ResetTimer()
	for range (b.N + depth - 1) / depth {
		c.exchange()
	}
}
