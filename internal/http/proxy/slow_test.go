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

// A slow client does not keep the upstream busy: its answer is read ahead into
// memory and a file, and the client gets all of it.
func TestSlowClient(t *testing.T) {
	const size = 24 << 20
	body := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	written := make(chan error, 1)
	b := serve(t, func(w net.Conn, _ string) bool {
		_, err := w.Write(append([]byte("HTTP/1.1 200 OK\r\nContent-Length: 25165824\r\n\r\n"), body...))
		written <- err
		return err == nil
	})
	s := start(t, `upstream u { server {{b0}}; } log_format up '$status $body_bytes_sent $upstream_response_length';
		server { listen {{addr}}; access_log {{dir}}/access.log up; location / { proxy_pass http://u; } }`, b)
	c, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, httptest.Request("GET", "/")); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-written:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the upstream waits for the client")
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, got, _ := bytes.Cut(answer, []byte("\r\n\r\n")); !bytes.Equal(got, body) {
		t.Errorf("%d bytes instead of %d, or others", len(got), len(body))
	}
	eventually(t, "a line in the log", func() bool { return s.ReadFile("access.log") != "" })
	if got := s.ReadFile("access.log"); got != "200 25165824 25165824\n" {
		t.Errorf("%q", got)
	}
	if !strings.Contains(s.ReadFile("error.log"), "an upstream response is buffered to a temporary file "+s.Dir+"/proxy_temp/") {
		t.Errorf("%s", s.ReadFile("error.log"))
	}
}

// What was read ahead while the client got what was there for it comes before what is
// read next, and before the end.
func TestSlowClientAndSmallPieces(t *testing.T) {
	const size, piece = 1200000, 3000
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(i / piece * 7)
	}
	for name, more := range map[string]string{"buffers": "", "file": "proxy_store on; root {{dir}}/html;"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			written := make(chan error, 1)
			b := serve(t, func(w net.Conn, _ string) bool {
				_, err := io.WriteString(w, "HTTP/1.1 200 OK\r\nContent-Length: 1200000\r\n\r\n")
				for i := 0; i < size && err == nil; i += piece {
					_, err = w.Write(body[i : i+piece])
					time.Sleep(100 * time.Microsecond) // for pieces to be read one by one
				}
				written <- err
				return false
			})
			s := start(t, `server { listen {{addr}} sndbuf=8k; location / { `+more+` proxy_pass http://{{b0}}; } }`, b)
			c, err := net.Dial("tcp", s.Addr)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			_ = c.SetDeadline(time.Now().Add(60 * time.Second))
			if _, err := io.WriteString(c, httptest.Request("GET", "/x")); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-written:
				if err != nil {
					t.Fatal(err)
				}
			case <-time.After(40 * time.Second):
				t.Fatal("the upstream waits for the client")
			}
			answer, err := io.ReadAll(c)
			if err != nil {
				t.Fatal(err)
			}
			if _, got, _ := bytes.Cut(answer, []byte("\r\n\r\n")); !bytes.Equal(got, body) {
				t.Errorf("%d bytes instead of %d, or others", len(got), len(body))
			}
		})
	}
}
