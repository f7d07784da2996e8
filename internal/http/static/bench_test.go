package static_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

// BenchmarkFile asks for a small file over one connection; allocations are those
// of the client and the server together.
func BenchmarkFile(b *testing.B) {
	for name, log := range map[string]string{"log": "access_log {{dir}}/access.log;", "nolog": "access_log off;"} {
		b.Run(name, func(b *testing.B) { benchmark(b, log, "/a.txt") })
	}
	b.Run("cache", func(b *testing.B) { benchmark(b, "access_log off; open_file_cache max=10;", "/a.txt") })
	b.Run("index", func(b *testing.B) { benchmark(b, "access_log off;", "/") })
}

func benchmark(b *testing.B, log, target string) {
	s := httptest.Start(b, modules.HTTP(), httptest.Site{
		HTTP:  `types { text/plain txt; } keepalive_requests 1000000000; ` + log + ` server { listen {{addr}}; root {{dir}}/html; }`,
		Files: map[string]string{"html/a.txt": strings.Repeat("x", 1000), "html/index.html": strings.Repeat("x", 1000)},
	})
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	request := []byte("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
	buffer := make([]byte, 4096)
	ask := func() int {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		n, err := conn.Read(buffer)
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	size := ask()
	b.ReportAllocs()
	for b.Loop() {
		if n := ask(); n < size {
			if _, err := io.ReadFull(conn, buffer[n:size]); err != nil {
				b.Fatal(err)
			}
		}
	}
}
