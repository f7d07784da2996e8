package uwsgi_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/http/rewrite"
	"github.com/baton-project/baton/internal/http/uwsgi"
)

func features() []http.Module {
	return []http.Module{rewrite.Feature, gateway.Feature, gateway.EarlyHints, uwsgi.Feature}
}

// startApp answers each connection with what its packet says.
func startApp(t *testing.T) (addr string) {
	t.Helper()
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
			if text, err := readPacket(c); err == nil {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"+text) // the client finds out
			}
			_ = c.Close()
		}
	})
	return l.Addr().String()
}

func readPacket(in io.Reader) (string, error) {
	var h [4]byte
	if _, err := io.ReadFull(in, h[:]); err != nil {
		return "", err
	}
	packet := make([]byte, binary.LittleEndian.Uint16(h[1:]))
	if _, err := io.ReadFull(in, packet); err != nil {
		return "", err
	}
	text := fmt.Sprintf("%d %d", h[0], h[3])
	for i := 0; len(packet) > 2; i++ {
		n := int(binary.LittleEndian.Uint16(packet))
		text += []string{"|", "="}[i%2] + string(packet[2:2+n])
		packet = packet[2+n:]
	}
	return text + string(packet), nil
}

func TestPacket(t *testing.T) {
	s := httptest.Start(t, features(), httptest.Site{HTTP: fmt.Sprintf(`server {
		listen {{addr}}; server_name localhost; chunked_transfer_encoding off;
		set $app uwsgi://%[1]s;
		uwsgi_param A $uri; uwsgi_param EMPTY "" if_not_empty;
		location / { uwsgi_pass UWSGI://%[1]s; }
		location /modified { uwsgi_pass $app; uwsgi_modifier1 5; uwsgi_modifier2 9; uwsgi_string xy; }
	}`, startApp(t))})
	for target, want := range map[string]string{
		"/":         "0 0|A=/|HTTP_HOST=localhost|HTTP_CONNECTION=close",
		"/modified": "5 9|A=/modified|HTTP_HOST=localhost|HTTP_CONNECTION=closexy",
	} {
		if got := httptest.Body(s.Get(target)); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, text := range []string{"uwsgi_modifier1 256;", "uwsgi_modifier2 x;", "location / { uwsgi_pass uwsgi://; }"} {
		httptest.CompareRejected(t, features(), httptest.Site{HTTP: "server { listen {{addr}}; " + text + " }"})
	}
	if got := httptest.Rejected(t, features(), httptest.Site{HTTP: "server { location / { uwsgi_pass suwsgi://127.0.0.1:1; } }"}); !strings.Contains(got, "is not supported") {
		t.Error(got)
	}
}
