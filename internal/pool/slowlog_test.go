package pool

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/freeport"
	"github.com/baton-project/baton/internal/log"
)

// logged serves with a log, and returns what waits for a sentence in it.
func logged(t *testing.T, yml string) (w *Worker, wait func(pattern string) string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "log")
	opened := log.NewFiles()
	logger, err := opened.Logger([]log.Spec{{Level: log.Info, Path: name}})
	if err == nil {
		err = opened.Open()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opened.Close)
	w = serveFiles(t, yml, nil, logger)
	return w, func(pattern string) string {
		t.Helper()
		want := regexp.MustCompile(pattern)
		for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if found := want.Find(text); found != nil {
				return string(found)
			}
			if time.Now().After(end) {
				t.Fatalf("%s is not in the log:\n%s", pattern, text)
			}
		}
	}
}

func TestSlowRequestsAreLogged(t *testing.T) {
	t.Parallel()
	back, accept := backend(t)
	port := freeport.Reserve(t)
	w, wait := logged(t, pool(port, "redis=true slowlog=20 timeout=60000", back))
	late := func(since int64) { // until the request is slow
		eventually(t, w, "time passes", func() bool { return w.reactor.Tick() >= since+25 })
	}
	c := dial(t, port)
	_, _ = io.WriteString(c, cmd("geT", "a\nb"))
	b := accept()
	expect(t, b, cmd("geT", "a\nb"))
	late(w.reactor.Tick())
	_, _ = io.WriteString(b, "$-1\r\n")
	expect(t, c, "$-1\r\n")
	wait(`slow request: \d+ ms, "GET" "a\\nb", server s0 of pool p, client: 127\.0\.0\.1:\d+`)

	_, _ = io.WriteString(c, cmd("MGET", "x", "y", "z"))
	expect(t, b, cmd("mget", "x", "y", "z"))
	late(w.reactor.Tick())
	_, _ = io.WriteString(b, "*3\r\n:1\r\n:2\r\n:3\r\n")
	expect(t, c, "*3\r\n:1\r\n:2\r\n:3\r\n")
	wait(`"MGET" "x" and 2 more, server s0 of pool p`)

	_, _ = io.WriteString(c, cmd("SET", "k", "secret"))
	expect(t, b, cmd("SET", "k", "secret"))
	late(w.reactor.Tick())
	b.Close()
	expect(t, c, "-ERR unknown\r\n")
	if line := wait(`.*"SET".*`); !strings.Contains(line, `"k", server s0 of pool p, failed: unknown`) || strings.Contains(line, "secret") {
		t.Error(line)
	}

	value := strings.Repeat("v", 100_000)
	go func() { _, _ = io.WriteString(c, cmd("SET", "large", value)) }()
	b = accept()
	expect(t, b, cmd("SET", "large", value))
	late(w.reactor.Tick())
	_, _ = io.WriteString(b, "+OK\r\n")
	expect(t, c, "+OK\r\n")
	wait(`"SET" "large", server s0 of pool p`)
}

func TestQuickRequestsAreNotLogged(t *testing.T) {
	t.Parallel()
	port, slow := freeport.Reserve(t), freeport.Reserve(t)
	_, wait := logged(t, pool(port, "redis=true slowlog=600000", redis(t))+strings.Replace(pool(slow, "slowlog=1", memcached(t)), "p:", "q:", 1))
	c := dial(t, port)
	talk(t, c, strings.Repeat(cmd("SET", "a", "1")+cmd("MGET", "a", "b"), 500), strings.Repeat("+OK\r\n*2\r\n$1\r\n1\r\n$-1\r\n", 500))
	var in, want strings.Builder
	for range 20_000 { // in one write of the client: some of them wait
		in.WriteString("get a\r\nget a b\r\n")
		want.WriteString("END\r\nEND\r\n")
	}
	d := dial(t, slow)
	go func() { _, _ = io.WriteString(d, in.String()) }()
	talk(t, d, "", want.String())
	if line := wait("slow request: .*"); !strings.Contains(line, `"GET" "a"`) || !strings.Contains(line, "of pool q") {
		t.Error(line)
	}
}
