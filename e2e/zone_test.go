package e2e_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

const limitedServer = `worker_processes 2;
http {
	limit_req_zone $uri zone=rate:1m rate=1r/m;
	limit_req_zone $uri zone=hold:1m rate=1r/m;
	limit_conn_zone $server_port zone=count:1m;
	server {
		listen {{web}};
		location /rate { limit_req zone=rate; try_files /none /one; }
		location /one { return 200 "one"; }
		location /count { limit_conn count 1; try_files /none /one; }
		# counted first, and then held back for a minute
		location /hold { limit_conn count 1; try_files /none @held; }
		location @held { limit_req zone=hold burst=5; try_files /none /one; }
		location /status { stub_status; }
	}
}`

// What a client has used up stays so over a reload, the death of a worker and a
// change of the binary.
func TestRequestLimitGoesOn(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "nginx forgets limits in an upgrade")
	b := e2e.Start(t, limitedServer)
	b.ExpectAlert(`exited on signal`)
	limited := func(when string, fresh string) {
		t.Helper()
		if got := b.Dial("web").Get("/rate/used").Status; got != 503 {
			t.Errorf("%s: status %d, want 503", when, got)
		}
		b.Dial("web").Get(fresh).Want(200, "one")
	}
	b.Dial("web").Get("/rate/used").Want(200, "one")
	limited("at once", "/rate/1")
	b.Reload()
	limited("after a reload", "/rate/2")
	killWorkers(b)
	limited("after the death of the workers", "/rate/3")
	b.Upgrade()
	limited("after an upgrade", "/rate/4")
	b.Rewrite("$uri zone=rate:1m", "$host zone=rate:2m")
	b.Reload()
	b.Dial("web").Get("/rate/used").Want(200, "one") // another zone
}

func TestKeyOfAKeptZoneCannotChange(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, limitedServer)
	b.Rewrite("$uri zone=rate:1m", "$host zone=rate:1m")
	b.Signal(syscall.SIGHUP)
	b.WaitLog(`\[emerg\] .*limit_req "rate" uses the "\$host" key while previously it used the "\$uri" key`)
	b.Dial("web").Get("/rate/x").Want(200, "one")
}

// What a worker had in hand when it was killed counts no more; what a draining
// one has in hand does.
func TestConnectionLimitWithoutTheWorker(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, limitedServer)
	b.ExpectAlert(`exited on signal`)
	b.Dial("web").Get("/hold").Want(200, "one")
	hold := func() *e2e.Client {
		c := b.Dial("web")
		c.Send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
		b.WaitLog(`delaying request`)
		b.Mark()
		return c
	}
	status := func(want int) {
		t.Helper()
		got := 0
		if !e2e.Eventually(30*time.Second, func() bool { got = b.Dial("web").Get("/count").Status; return got == want }) {
			t.Errorf("status %d, want %d", got, want)
		}
	}
	b.Rewrite("zone=hold burst=5", "zone=hold burst=6") // and a level at which delays are logged
	b.Rewrite("server {", "limit_req_log_level warn; server {")
	b.Reload()
	hold()
	status(503)
	killWorkers(b)
	status(200)
	c := hold()
	status(503)
	b.Signal(syscall.SIGHUP)
	b.WaitLog(`reconfiguring`)
	b.WaitWorkers(2)
	status(503) // the draining worker's
	c.Close()
	status(200)
}

func TestStatusCountsAllWorkers(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "nginx counts anew after an upgrade")
	b := e2e.Start(t, limitedServer)
	b.ExpectAlert(`exited on signal`)
	read := func() (active, accepts, handled, requests, reading, writing, waiting int) {
		t.Helper()
		c := b.Dial("web")
		body := string(c.Get("/status").Body)
		c.Close()
		if n, err := fmt.Sscanf(strings.ReplaceAll(body, "\n", ""),
			"Active connections: %d server accepts handled requests %d %d %d Reading: %d Writing: %d Waiting: %d",
			&active, &accepts, &handled, &requests, &reading, &writing, &waiting); n != 7 {
			t.Fatalf("%q: %v", body, err)
		}
		return
	}
	_, _, _, first, _, _, _ := read()
	for range 20 {
		c := b.Dial("web")
		c.Get("/one").Want(200, "one")
		c.Close()
	}
	want := first
	for i, change := range []func(){func() {}, func() { b.Reload() }, func() { killWorkers(b) }, func() { b.Upgrade() }} {
		change()
		_, accepts, handled, requests, _, _, _ := read()
		if i == 0 {
			want = first + 21
		} else {
			want++
		}
		if requests != want || handled != accepts || accepts < requests {
			t.Errorf("change %d: %d requests, want %d; %d accepts, %d handled", i, requests, want, accepts, handled)
		}
	}
	active := 0
	if !e2e.Eventually(30*time.Second, func() bool { active, _, _, _, _, _, _ = read(); return active <= 2 }) {
		t.Errorf("%d active connections", active)
	}
}

// killWorkers kills every worker and returns when others serve.
func killWorkers(b *e2e.Server) {
	for _, victim := range b.WaitWorkers(2) {
		b.Kill(victim, syscall.SIGKILL)
		b.WaitGone([]int{victim}, 30*time.Second)
	}
	b.WaitReady()
}
