package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/baton-project/baton/e2e"
)

// A new worker that has room for some connections only takes those; the others are
// answered once more where they are. None is lost, and none is kept for ever.
func TestHandoverToAWorkerWithoutRoom(t *testing.T) {
	e2e.OnlyBaton(t, "nginx moves nothing")
	for name, c := range map[string]struct{ limit, reason string }{
		"descriptors":        {"worker_rlimit_nofile 40;", `\d+ stayed`},
		"worker_connections": {"events { worker_connections 20; }", `\d+ stayed \(\d+ .*worker_connections`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := e2e.Start(t, `worker_processes 1; #limit
				http { server { listen {{web}}; return 200 "$pid"; } }`)
			b.ExpectAlert(`.`) // of the worker that has no room
			old := b.WaitWorkers(1)
			var clients []*e2e.Client
			for range 60 {
				c := b.Dial("web")
				c.Get("/").Want(200, fmt.Sprint(old[0]))
				clients = append(clients, c)
			}
			b.Rewrite("#limit", c.limit)
			b.Reload()
			by := map[string]int{}
			for _, c := range clients {
				r := c.Get("/")
				if r.Status != 200 {
					t.Fatalf("status %d", r.Status)
				}
				by[string(r.Body)]++
			}
			t.Log(by)
			b.WaitGone(old, goneBound)
			b.WaitLog(c.reason)
		})
	}
}

// A tunnel that has moved counts where it is: once, and until it ends.
func TestCountsGoOnOverAHandover(t *testing.T) {
	e2e.OnlyBaton(t, "nginx moves nothing")
	for name, event := range events {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := strings.Replace(tunnelSite, "UPSTREAM", echoUpstream(t), 1)
			site = strings.Replace(site, "server {", `limit_conn_zone $server_port zone=count:1m;
				server { listen {{status}}; stub_status; }
				server {`, 1)
			b := e2e.Start(t, strings.Replace(site, "location / {", "location / { limit_conn count 3;", 1))
			var tunnels []*e2e.Client
			for range 3 {
				tunnels = append(tunnels, openTunnel(b))
			}
			var idle []*e2e.Client
			for range 5 {
				c := b.Dial("status")
				c.Get("/")
				idle = append(idle, c)
			}
			status := b.Dial("status")
			active := func(want int) {
				t.Helper()
				text := fmt.Sprintf("Active connections: %d ", want)
				var got string
				if !e2e.Eventually(goneBound, func() bool {
					got = string(status.Get("/").Body)
					return strings.HasPrefix(got, text)
				}) {
					t.Errorf("%q, want %q", got, text)
				}
			}
			full := func(want bool) {
				t.Helper()
				code := 0
				if !e2e.Eventually(goneBound, func() bool {
					c := b.Dial("web")
					defer c.Close()
					c.Send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
					_, _ = fmt.Sscanf(string(c.ReadN(12)), "HTTP/1.1 %d", &code)
					return want == (code == 503)
				}) {
					t.Errorf("status %d", code)
				}
			}
			for range 2 {
				old := b.Workers()
				event(b)
				b.WaitGone(old, goneBound)
				full(true)
				active(len(tunnels) + len(idle) + 1)
			}
			for _, c := range tunnels {
				c.Close()
			}
			full(false)
			active(len(idle) + 1)
		})
	}
}
