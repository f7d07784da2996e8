package proxy_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http/httptest"
)

// A slow client does not keep a large answer from others, and gets all of it.
func TestCacheFillsFasterThanItsClientReads(t *testing.T) {
	const size = 8 << 20
	body := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	b := serve(t, func(w net.Conn, _ string) bool {
		_, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n")
		_, err := w.Write(body)
		return err == nil
	})
	s := httptest.Start(t, features(), httptest.Site{
		HTTP: `proxy_cache_path {{dir}}/kept keys_zone=kept:1m use_temp_path=off;
			server { listen {{addr}} sndbuf=16k; location / { proxy_pass http://` + b.addr + `; proxy_cache kept; proxy_cache_valid 1h; proxy_cache_lock on;
				proxy_cache_lock_timeout 1m; proxy_cache_lock_age 1m; add_header X-Cache $upstream_cache_status; } }`,
		Files: map[string]string{"kept/": ""},
	})
	slow, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	_ = slow.SetDeadline(time.Now().Add(time.Minute))
	_ = slow.(*net.TCPConn).SetReadBuffer(16 << 10)
	if _, err := io.WriteString(slow, httptest.Request("GET", "/large")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(slow, make([]byte, 1)); err != nil { // it has begun
		t.Fatal(err)
	}
	second := s.Get("/large")
	if httptest.Header(second, "X-Cache") != "HIT" || httptest.Body(second) != string(body) {
		t.Errorf("the second client: X-Cache %q, %d bytes", httptest.Header(second, "X-Cache"), len(httptest.Body(second)))
	}
	first, err := io.ReadAll(slow)
	if err != nil {
		t.Fatal(err)
	}
	if _, got, _ := strings.Cut(string(first), "\r\n\r\n"); got != string(body) {
		t.Errorf("the first client got %d bytes of %d, or others", len(got), len(body))
	}
}
