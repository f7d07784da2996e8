package pool

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/freeport"
)

// eventually waits until f is true of the worker.
func eventually(t *testing.T, w *Worker, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		w.mu.Lock()
		is := f()
		w.mu.Unlock()
		if is {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// answers sends n requests with different keys and counts errors.
func answers(t *testing.T, c net.Conn, n int) (failed int) {
	t.Helper()
	var in strings.Builder
	for i := range n {
		in.WriteString(cmd("APPEND", strconv.Itoa(i), ""))
	}
	if _, err := io.WriteString(c, in.String()); err != nil {
		t.Fatal(err)
	}
	for range n {
		var b [1]byte
		for line := ""; !strings.HasSuffix(line, "\n"); {
			if _, err := io.ReadFull(c, b[:]); err != nil {
				t.Fatal(err)
			}
			if line += string(b[:]); line == "-" {
				failed++
			}
		}
	}
	return failed
}

const quickChecks = "redis=true auto_eject_hosts=true server_failure_limit=1 server_retry_timeout=30 server_health_check=20 timeout=2000"

// An ejected server that is still away costs no errors, and one that is back gets
// its keys again.
func TestEjectedServerIsChecked(t *testing.T) {
	t.Parallel()
	dead, alive := freeport.Reserve(t), redis(t)
	port := freeport.Reserve(t)
	w := serve(t, pool(port, quickChecks, dead, alive))
	c := dial(t, port)
	if n := answers(t, c, 50); n == 0 {
		t.Fatal("nothing failed")
	}
	board := w.pools[0].servers[0].board
	for range 5 { // check periods
		due := board.checkAt()
		eventually(t, w, "a check", func() bool { return board.checkAt() > due })
		if n := answers(t, c, 50); n > 0 {
			t.Fatalf("%d errors while the server is away", n)
		}
	}
	start(t, dead, "redis-server", "--port", fmt.Sprint(dead), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
	eventually(t, w, "the server is back", func() bool { return !board.isDown() })
	if n := answers(t, c, 50); n > 0 {
		t.Errorf("%d errors after the server was back", n)
	}
	eventually(t, w, "it gets requests", func() bool { return w.pools[0].servers[0].links[0] != nil })
}

// A server that only loads its data yet stays away.
func TestServerThatLoadsStaysEjected(t *testing.T) {
	t.Parallel()
	back, accept := backend(t)
	port := freeport.Reserve(t)
	w := serve(t, pool(port, quickChecks+" redis_auth=x redis_db=1", back))
	c := dial(t, port)
	_, _ = io.WriteString(c, cmd("AUTH", "x")+cmd("GET", "a"))
	b := accept()
	hello := cmd("AUTH", "x") + cmd("SELECT", "1")
	expect(t, b, hello+cmd("GET", "a"))
	_, _ = io.WriteString(b, "+OK\r\n+OK\r\n-LOADING data\r\n")
	expect(t, c, "+OK\r\n-ERR Invalid argument\r\n")
	for _, reply := range []string{"-LOADING data\r\n", "-MASTERDOWN it\r\n", ":0\r\n", "", "+PONG\r\n+PONG\r\n", "+PONG\r\n"} {
		talk(t, c, cmd("GET", "a"), "-ERR Connection refused\r\n")
		b = accept()
		expect(t, b, hello+cmd("PING"))
		_, _ = io.WriteString(b, "+OK\r\n+OK\r\n"+reply)
		b.Close()
	}
	board := w.pools[0].servers[0].board
	eventually(t, w, "the server is back", func() bool { return !board.isDown() })
}

func TestEjectedMemcachedIsChecked(t *testing.T) {
	t.Parallel()
	back, accept := backend(t)
	port := freeport.Reserve(t)
	w := serve(t, pool(port, strings.Replace(quickChecks, "redis=true ", "", 1), back))
	c := dial(t, port)
	_, _ = io.WriteString(c, "get a\r\n")
	b := accept()
	expect(t, b, "get a\r\n")
	b.Close()
	expect(t, c, "SERVER_ERROR unknown\r\n")
	for _, reply := range []string{"ERROR\r\n", "VERSION 1.6\r\n"} {
		talk(t, c, "get a\r\n", "SERVER_ERROR Connection refused\r\n")
		b = accept()
		expect(t, b, "version\r\n")
		_, _ = io.WriteString(b, reply)
		b.Close()
	}
	eventually(t, w, "the server is back", func() bool { return !w.pools[0].servers[0].board.isDown() })
}

// Without checks a server comes back when its time is over, and fails again, as
// with twemproxy.
func TestEjectedServerWithoutChecks(t *testing.T) {
	t.Parallel()
	port := freeport.Reserve(t)
	w := serve(t, pool(port, strings.Replace(quickChecks, "check=20", "check=0", 1), freeport.Reserve(t)))
	c := dial(t, port)
	board := w.pools[0].servers[0].board
	for range 3 {
		before := board.line.ejectedAt.Load()
		eventually(t, w, "its time is over", func() bool { return board.ejectedUntil() <= w.reactor.Now().UnixMilli() })
		if answers(t, c, 1) != 1 || board.line.ejectedAt.Load() == before {
			t.Error("the server was not tried again")
		}
	}
}
