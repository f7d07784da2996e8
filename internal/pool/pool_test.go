package pool

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/freeport"
)

func TestClientsShareLinksInOrder(t *testing.T) {
	t.Parallel()
	port := freeport.Reserve(t)
	serve(t, pool(port, "redis=true", redis(t), redis(t), redis(t)))
	var all sync.WaitGroup
	for n := range 20 {
		c := dial(t, port)
		all.Go(func() {
			var in, want strings.Builder
			for i := range 200 {
				k := fmt.Sprintf("%d:%d", n, i)
				in.WriteString(cmd("SET", k, k) + cmd("GET", k) + cmd("MGET", k, "none", k))
				bulk := fmt.Sprintf("$%d\r\n%s\r\n", len(k), k)
				want.WriteString("+OK\r\n" + bulk + "*3\r\n" + bulk + "$-1\r\n" + bulk)
			}
			go func() { _, _ = io.WriteString(c, in.String()) }()
			got := make([]byte, want.Len())
			if _, err := io.ReadFull(c, got); err != nil || string(got) != want.String() {
				t.Errorf("client %d: wrong replies (%v)", n, err)
			}
		})
	}
	all.Wait()
}

// A client that reads nothing holds nobody up, costs no memory to speak of, and
// gets everything once it reads.
func TestClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	port := freeport.Reserve(t)
	w := serve(t, pool(port, "redis=true", redis(t)))
	value := strings.Repeat("v", 1<<20)
	other := dial(t, port)
	talk(t, other, cmd("SET", "big", value), "+OK\r\n")
	slow := dial(t, port)
	const n = 60
	go func() { _, _ = io.WriteString(slow, strings.Repeat(cmd("GET", "big"), n)+cmd("INCR", "n")) }()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		w.mu.Lock()
		stalled := len(w.pools[0].servers[0].aside) > 0
		w.mu.Unlock()
		if stalled {
			break
		}
		if time.Now().After(end) {
			t.Fatal("nobody waits for the slow client")
		}
	}
	for range 100 {
		talk(t, other, cmd("GET", "none"), "$-1\r\n")
	}
	w.mu.Lock()
	for _, l := range w.pools[0].servers[0].aside {
		if c := l.stalled; c != nil && len(c.out)+c.held > 4<<20 {
			t.Errorf("%d bytes wait for the slow client", len(c.out)+c.held)
		}
	}
	w.mu.Unlock()
	want := fmt.Sprintf("$%d\r\n%s\r\n", len(value), value)
	for range n {
		talk(t, slow, "", want)
	}
	talk(t, slow, "", ":1\r\n")
	talk(t, other, cmd("GET", "n"), "$1\r\n1\r\n")
}

func TestLargeValuesBothWays(t *testing.T) {
	t.Parallel()
	port := freeport.Reserve(t)
	serve(t, pool(port, "redis=true", redis(t), redis(t)))
	value := strings.Repeat("0123456789abcdef", 1<<18) // 4 MB
	c := dial(t, port)
	bulk := fmt.Sprintf("$%d\r\n%s\r\n", len(value), value)
	talk(t, c, cmd("GET", "x")+cmd("SET", "x", value)+cmd("GET", "x"), "$-1\r\n+OK\r\n"+bulk)
	talk(t, c, cmd("MSET", "y", value, "z", value, "u", "1"), "+OK\r\n")
	talk(t, c, cmd("MGET", "y", "u", "z", "none", "x"), "*5\r\n"+bulk+"$1\r\n1\r\n"+bulk+"$-1\r\n"+bulk)
	talk(t, c, cmd("PING"), "+PONG\r\n")
}

func TestRequestsByteForByte(t *testing.T) {
	t.Parallel()
	port := freeport.Reserve(t)
	serve(t, pool(port, "redis=true", redis(t), redis(t)))
	c := dial(t, port)
	in := cmd("MSET", "a", "1", "b", "2") + cmd("MGET", "a", "b") + cmd("DEL", "a", "b")
	for i := range len(in) - 1 {
		if _, err := io.WriteString(c, in[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
	talk(t, c, in[len(in)-1:], "+OK\r\n*2\r\n$1\r\n1\r\n$1\r\n2\r\n:2\r\n")
}

func TestPasswordAndDatabase(t *testing.T) {
	t.Parallel()
	back := redis(t, "--requirepass", "secret")
	port := freeport.Reserve(t)
	serve(t, pool(port, "redis=true redis_auth=secret redis_db=3 preconnect=true", back))
	c := dial(t, port)
	talk(t, c, cmd("PING"), noAuth)
	talk(t, c, cmd("AUTH", "wrong"), badPassword)
	talk(t, c, cmd("AUTH", "default", "secret"), ok)
	talk(t, c, cmd("SET", "k", "v")+cmd("PING"), "+OK\r\n+PONG\r\n")
	talk(t, c, cmd("SET", "large", strings.Repeat("x", 300000)), "+OK\r\n")
	direct := dial(t, back)
	talk(t, direct, cmd("AUTH", "secret")+cmd("SELECT", "3")+cmd("GET", "k")+cmd("EXISTS", "large"), "+OK\r\n+OK\r\n$1\r\nv\r\n:1\r\n")
	talk(t, c, cmd("HELLO", "2", "AUTH", "default", "wrong"), "-WRONGPASS invalid username-password pair or user is disabled.\r\n")
}

// backend is a server that the test plays itself.
func backend(t *testing.T) (port int, accept func() net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().(*net.TCPAddr).Port, func() net.Conn {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(patience))
		return c
	}
}

// expect reads exactly that.
func expect(t *testing.T, c net.Conn, want string) { t.Helper(); talk(t, c, "", want) }

func TestTimeout(t *testing.T) {
	t.Parallel()
	back, accept := backend(t)
	port := freeport.Reserve(t)
	serve(t, pool(port, "redis=true timeout=100", back))
	c, d := dial(t, port), dial(t, port)
	_, _ = io.WriteString(c, cmd("GET", "a"))
	_, _ = io.WriteString(d, cmd("GET", "b"))
	b := accept()
	expect(t, c, "-ERR Connection timed out\r\n")
	expect(t, d, "-ERR Connection timed out\r\n")
	_, _ = io.WriteString(b, "$4\r\nlate\r\n") // belongs to nobody
	_, _ = io.WriteString(c, cmd("GET", "c"))
	b = accept()
	expect(t, b, cmd("GET", "c"))
	_, _ = io.WriteString(b, "$1\r\nc\r\n")
	expect(t, c, "$1\r\nc\r\n")
}

func TestStrayReplyReachesNobody(t *testing.T) {
	t.Parallel()
	back, accept := backend(t)
	port := freeport.Reserve(t)
	w := serve(t, pool(port, "redis=true", back))
	c := dial(t, port)
	_, _ = io.WriteString(c, cmd("GET", "a"))
	b := accept()
	expect(t, b, cmd("GET", "a"))
	_, _ = io.WriteString(b, "$1\r\na\r\n$5\r\nstray\r\n")
	expect(t, c, "$1\r\na\r\n")
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		w.mu.Lock()
		gone := w.pools[0].servers[0].links[0] == nil
		w.mu.Unlock()
		if gone {
			break
		}
	}
	_, _ = io.WriteString(c, cmd("GET", "b"))
	b = accept()
	expect(t, b, cmd("GET", "b"))
	_, _ = io.WriteString(b, "$1\r\nb\r\n")
	expect(t, c, "$1\r\nb\r\n")
}

// A server that closes an idle connection has not failed: the next request goes
// over another one.
func TestIdleServerMayClose(t *testing.T) {
	t.Parallel()
	back, accept := backend(t)
	port := freeport.Reserve(t)
	serve(t, pool(port, "redis=true auto_eject_hosts=true server_failure_limit=1", back))
	c := dial(t, port)
	for i := range 20 {
		_, _ = io.WriteString(c, cmd("GET", "a"))
		b := accept()
		expect(t, b, cmd("GET", "a"))
		reply := fmt.Sprintf(":%d\r\n", i)
		_, _ = io.WriteString(b, reply)
		b.Close()
		expect(t, c, reply)
	}
}

func TestEjection(t *testing.T) {
	t.Parallel()
	dead, alive := freeport.Reserve(t), redis(t)
	port := freeport.Reserve(t)
	w := serve(t, pool(port, "redis=true auto_eject_hosts=true server_failure_limit=2 server_retry_timeout=600000", dead, alive))
	c := dial(t, port)
	r := bufio.NewReader(c)
	failures := 0
	for i := range 200 {
		_, _ = io.WriteString(c, cmd("INCR", strconv.Itoa(i)))
		got, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		switch got {
		case ":1\r\n":
		case "-ERR Connection refused\r\n":
			failures++
		default:
			t.Fatalf("%q", got)
		}
	}
	if failures != 2 {
		t.Errorf("%d requests failed", failures)
	}
	var stats struct {
		P struct {
			Ejects int `json:"server_ejects"`
			S0, S1 struct {
				Err       int   `json:"server_err"`
				EjectedAt int64 `json:"server_ejected_at"`
				Requests  int
			}
		}
	}
	if err := json.Unmarshal(w.Statistics(), &stats); err != nil {
		t.Fatal(err)
	}
	if p := stats.P; p.Ejects != 1 || p.S0.Err != 2 || p.S0.EjectedAt == 0 || p.S1.Requests != 198 {
		t.Errorf("%+v", stats)
	}
}

func TestClientConnections(t *testing.T) {
	t.Parallel()
	port := freeport.Reserve(t)
	serve(t, pool(port, "redis=true client_connections=2", redis(t)))
	a, b := dial(t, port), dial(t, port)
	talk(t, a, cmd("PING"), pong)
	talk(t, b, cmd("PING"), pong)
	if _, err := dial(t, port).Read(make([]byte, 1)); err == nil {
		t.Error("a third client was served")
	}
	talk(t, a, cmd("PING"), pong)
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	yml := strings.Replace(pool(1, "redis=true", redis(t)), "127.0.0.1:1\n", path+" 0640\n", 1)
	serve(t, yml)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Fatalf("%v %v", info, err)
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	talk(t, c, cmd("SET", "a", "1"), "+OK\r\n")
}

// half a reply and then the end must not look like a reply.
func TestServerBreaksOff(t *testing.T) {
	t.Parallel()
	back, accept := backend(t)
	port := freeport.Reserve(t)
	serve(t, pool(port, "redis=true", back))
	c, d := dial(t, port), dial(t, port)
	_, _ = io.WriteString(c, cmd("GET", "a"))
	b := accept()
	expect(t, b, cmd("GET", "a"))
	_, _ = io.WriteString(d, cmd("GET", "b"))
	expect(t, b, cmd("GET", "b"))
	_, _ = io.WriteString(b, "$10\r\nhalf")
	expect(t, c, "$10\r\nhalf")
	b.Close()
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("more than half a reply")
	}
	expect(t, d, "-ERR unknown\r\n")
}
