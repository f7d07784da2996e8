package http_test

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http/httptest"
)

// "return 444" ends the connection politely, unless reset_timedout_connection is on.
func TestCloseWithoutAnswer(t *testing.T) {
	s := httptest.Start(t, features(), httptest.Site{HTTP: `
		server {
			listen {{addr}};
			location /closed { return 444; }
			location /reset { reset_timedout_connection on; return 444; }
		}`})
	for target, reset := range map[string]bool{"/closed": false, "/reset": true} {
		c, err := net.Dial("tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := io.WriteString(c, httptest.Request("GET", target)); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(c)
		if len(answer) > 0 || errors.Is(err, syscall.ECONNRESET) != reset || err != nil && !reset {
			t.Errorf("%s: %q, %v", target, answer, err)
		}
		_ = c.Close()
	}
}
