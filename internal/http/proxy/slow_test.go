package proxy_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
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
// read next, and before the end. The pieces are so small and so slow, and the sockets so
// small, that the client gets one by one until there is no room for the next.
func TestSlowClientAndSmallPieces(t *testing.T) {
	const size, piece = 240000, 2000
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(i / piece * 7)
	}
	for name, more := range map[string]string{"buffers": "", "small buffers": "proxy_buffers 32 1k;", "file": "proxy_store on; root {{dir}}/html;"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			written := make(chan error, 1)
			b := serve(t, func(w net.Conn, _ string) bool {
				_, err := fmt.Fprintf(w, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
				for i := 0; i < size && err == nil; i += piece {
					_, err = w.Write(body[i : i+piece])
					time.Sleep(2 * time.Millisecond) // for pieces to be read one by one
				}
				written <- err
				return false
			})
			s := start(t, `server { listen {{addr}} sndbuf=4k; location / { `+more+` proxy_pass http://{{b0}}; } }`, b)
			c := dialNarrow(t, s.Addr)
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

// dialNarrow is a client whose socket takes little.
func dialNarrow(t *testing.T, address string) net.Conn {
	t.Helper()
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) (err error) {
		bad := c.Control(func(s uintptr) { err = syscall.SetsockoptInt(int(s), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10) })
		return errors.Join(bad, err)
	}}
	c, err := d.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return c
}
