package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// noticeEach is how many clients there are of each kind.
const noticeEach = 20

// A witness is a client that never opens a second connection, and how it finds out
// whether it still has its first one.
type witness struct {
	open  func(c net.Conn, in *bufio.Reader) error
	check func(c net.Conn, in *bufio.Reader) error
}

func ask(path string) func(net.Conn, *bufio.Reader) error {
	return func(c net.Conn, in *bufio.Reader) error {
		if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path); err != nil {
			return err
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil || path == "/events" {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
}

// witnesses are the kinds of clients.
var witnesses = map[string]witness{
	"idle keep-alive":         {ask("/one"), ask("/one")},
	"connected, nothing sent": {func(net.Conn, *bufio.Reader) error { return nil }, ask("/one")},
	"event stream": {ask("/events"), func(_ net.Conn, in *bufio.Reader) error {
		for range 2000 { // beyond what had arrived
			if _, err := in.ReadString('\n'); err != nil {
				return err
			}
		}
		return nil
	}},
	"WebSocket": {func(c net.Conn, in *bufio.Reader) error {
		_, err := fmt.Fprint(c, "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
		for line := ""; err == nil && line != "\r\n"; {
			line, err = in.ReadString('\n')
		}
		return err
	}, func(c net.Conn, in *bufio.Reader) error {
		if _, err := fmt.Fprintln(c, "still here"); err != nil {
			return err
		}
		_, err := in.ReadString('\n')
		return err
	}},
}

// What clients notice of a reload and of an upgrade, as a table in the log of the test;
// with baton nothing. With the suite's binary set to nginx it is nginx's column.
func TestWhatClientsNotice(t *testing.T) {
	for name, event := range map[string]func(b *e2e.Server){
		"reload": func(b *e2e.Server) { b.Reload() },
		"upgrade": func(b *e2e.Server) {
			old, _ := b.StartUpgrade()
			b.Kill(old, syscall.SIGQUIT)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := e2e.Start(t, strings.NewReplacer("EVENTS", eventUpstream(t), "ECHO", echoUpstream(t)).Replace(`
				daemon on; worker_processes 2;
				http { server { listen {{web}};
					location = /one { return 200 "one"; }
					location = /events { proxy_pass http://EVENTS; proxy_buffering off; }
					location = /ws { proxy_pass http://ECHO; proxy_http_version 1.1;
						proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }
				} }`))
			type client struct {
				conn net.Conn
				in   *bufio.Reader
			}
			clients := map[string][]client{}
			for kind, w := range witnesses {
				for range noticeEach {
					c := b.Dial("web").Conn()
					_ = c.SetDeadline(time.Now().Add(time.Minute))
					k := client{c, bufio.NewReader(c)}
					if err := w.open(k.conn, k.in); err != nil {
						t.Fatalf("%s: %v", kind, err)
					}
					clients[kind] = append(clients[kind], k)
				}
			}
			old := b.Workers()
			event(b)
			bound, isNginx := goneBound, e2e.IsNginx(t, e2e.Binary())
			if isNginx {
				bound = 2 * time.Second
			}
			gone := e2e.Eventually(bound, func() bool { return !slices.ContainsFunc(old, e2e.Alive) })
			for kind, w := range witnesses {
				lost := 0
				for _, c := range clients[kind] {
					if w.check(c.conn, c.in) != nil {
						lost++
					}
				}
				t.Logf("%s: %s: %d of %d connections lost", name, kind, lost, noticeEach)
				if lost > 0 && !isNginx {
					t.Errorf("%s: %d lost", kind, lost)
				}
			}
			t.Logf("%s: old workers gone within %v: %v", name, bound, gone)
			if !gone && !isNginx {
				t.Error("old workers are still there")
			}
		})
	}
}
