package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

const cachingServer = `worker_processes 2;
http {
	proxy_cache_path {{dir}}/kept levels=1:2 keys_zone=kept:1m use_temp_path=off;
	server {
		listen {{web}};
		proxy_cache kept;
		proxy_cache_key $uri;
		proxy_cache_valid 1h;
		proxy_cache_lock on;
		add_header X-Cache $upstream_cache_status;
		location / { proxy_pass http://UPSTREAM; }
	}
}`

// counting answers with how many requests it has got. That to /held it sends half,
// until held is closed.
func counting(t *testing.T, held chan struct{}) (p *peer, asked *atomic.Int32) {
	asked = new(atomic.Int32)
	return startPeer(t, "", func(c net.Conn, in *bufio.Reader) {
		for {
			h, ok := hear(in)
			if !ok {
				return
			}
			n := asked.Add(1)
			if strings.HasPrefix(h.target, "/held") {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"+strings.Repeat("h", 50000))
				<-held
				_, _ = io.WriteString(c, strings.Repeat("H", 50000))
				continue
			}
			body := fmt.Sprintf("answer %d", n)
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}
	}), asked
}

// keptFiles are the names of the files below a folder.
func keptFiles(folder string) (names []string) {
	_ = filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return nil
	})
	return names
}

// What is in the cache stays there, for all workers, whatever becomes of them.
func TestCacheSurvives(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "nginx ignores USR2 with daemon off")
	held := make(chan struct{})
	close(held)
	p, asked := counting(t, held)
	b := e2e.Start(t, strings.ReplaceAll(cachingServer, "UPSTREAM", p.addr()))
	b.ExpectAlert(`exited on signal`)
	check := func(when string) {
		t.Helper()
		for range 6 { // both workers
			got := b.Dial("web").Get("/one")
			if got.Want(200, "answer 1"); got.Field("X-Cache") != "HIT" {
				t.Errorf("%s: X-Cache is %q", when, got.Field("X-Cache"))
			}
		}
	}
	first := b.Dial("web").Get("/one")
	if first.Want(200, "answer 1"); first.Field("X-Cache") != "MISS" {
		t.Errorf("at first: X-Cache is %q", first.Field("X-Cache"))
	}
	check("at once")
	b.Reload()
	check("after a reload")
	killWorkers(b)
	check("after the death of the workers")
	b.Upgrade()
	check("after an upgrade")
	b.Rewrite("keys_zone=kept:1m", "keys_zone=other:1m")
	b.Rewrite("proxy_cache kept", "proxy_cache other")
	b.Reload()
	check("with a new zone, whose index knows nothing yet")
	if n := asked.Load(); n != 1 {
		t.Errorf("the upstream was asked %d times", n)
	}
}

// A worker that dies while it writes leaves no entry, and nobody waits for it.
func TestWorkerDiesWhileItFillsTheCache(t *testing.T) {
	t.Parallel()
	held := make(chan struct{})
	p, _ := counting(t, held)
	b := e2e.Start(t, strings.ReplaceAll(cachingServer, "UPSTREAM", p.addr()))
	b.ExpectAlert(`exited on signal`)
	folder := b.Path("kept")
	c := b.Dial("web")
	c.Send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
	if !e2e.Eventually(30*time.Second, func() bool {
		for _, name := range keptFiles(folder) {
			if info, err := os.Stat(name); err == nil && info.Size() > 50000 {
				return true
			}
		}
		return false
	}) {
		t.Fatalf("nothing is written: %v", keptFiles(folder))
	}
	for _, pid := range b.Workers() {
		b.Kill(pid, syscall.SIGKILL)
	}
	close(held)
	for _, name := range keptFiles(folder) {
		if !strings.Contains(filepath.Base(name), ".") {
			t.Errorf("half an answer is in its place: %s", name)
		}
	}
	if !e2e.Eventually(30*time.Second, func() bool {
		_, err := b.TryGet("web", "/one")
		return err == nil
	}) {
		t.Fatal("no new worker serves")
	}
	want := strings.Repeat("h", 50000) + strings.Repeat("H", 50000)
	for i, status := range []string{"MISS", "HIT"} {
		got := b.Dial("web").Get("/held")
		if got.Want(200, want); got.Field("X-Cache") != status {
			t.Errorf("request %d: X-Cache is %q, want %q", i+1, got.Field("X-Cache"), status)
		}
	}
}

// A client that goes away does not keep the answer from the next one.
func TestClientLeavesTheCacheFilling(t *testing.T) {
	t.Parallel()
	held := make(chan struct{})
	p, asked := counting(t, held)
	b := e2e.Start(t, strings.ReplaceAll(cachingServer, "UPSTREAM", p.addr()))
	c := b.Dial("web")
	c.Send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
	readUntil(t, c, "hhhh")
	c.Close()
	close(held)
	got := b.Dial("web").Get("/held") // waits for the other one
	if got.Want(200, strings.Repeat("h", 50000)+strings.Repeat("H", 50000)); got.Field("X-Cache") != "HIT" || asked.Load() != 1 {
		t.Errorf("X-Cache is %q, the upstream was asked %d times", got.Field("X-Cache"), asked.Load())
	}
}
