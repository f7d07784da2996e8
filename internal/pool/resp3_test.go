package pool

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/freeport"
)

// hello3 is the answer to HELLO 3.
func hello3(t *testing.T, c io.ReadWriter, words ...string) {
	t.Helper()
	if _, err := io.WriteString(c, cmd(append([]string{"HELLO", "3"}, words...)...)); err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	got := ""
	for !strings.HasSuffix(got, "*0\r\n") {
		if _, err := io.ReadFull(c, b[:]); err != nil {
			t.Fatalf("%q %v", got, err)
		}
		got += string(b[:])
	}
	if !strings.HasPrefix(got, "%7\r\n") || !strings.Contains(got, "proto\r\n:3\r\n") {
		t.Fatalf("%q", got)
	}
}

func TestVersion3(t *testing.T) {
	t.Parallel()
	port := freeport.Reserve(t)
	serve(t, pool(port, "redis=true redis_auth=secret redis_db=2 server_connections=2",
		redis(t, "--requirepass", "secret"), redis(t, "--requirepass", "secret")))
	c, old := dial(t, port), dial(t, port)
	talk(t, c, cmd("HELLO", "3"), noAuth)
	talk(t, c, cmd("HELLO", "3", "AUTH", "default", "wrong"), wrongPass)
	hello3(t, c, "AUTH", "default", "secret", "SETNAME", "me")
	talk(t, old, cmd("AUTH", "secret")+cmd("HSET", "h", "f", "v")+cmd("HGETALL", "h"), "+OK\r\n:1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n")
	value := strings.Repeat("v", 300_000)
	bulk := "$300000\r\n" + value + "\r\n"
	for range 2 {
		talk(t, c, cmd("HGETALL", "h")+cmd("GET", "none")+cmd("MGET", "none", "h", "s", "other"),
			"%1\r\n$1\r\nf\r\n$1\r\nv\r\n_\r\n*4\r\n_\r\n_\r\n_\r\n_\r\n")
		talk(t, c, cmd("SADD", "s", "m")+cmd("SMEMBERS", "s")+cmd("ZADD", "z", "1.5", "m")+cmd("ZSCORE", "z", "m"),
			":1\r\n~1\r\n$1\r\nm\r\n:1\r\n,1.5\r\n")
		talk(t, c, cmd("MSET", "a", value, "b", "2")+cmd("MGET", "a", "none", "b")+cmd("DEL", "a", "b", "s", "z"),
			"+OK\r\n*3\r\n"+bulk+"_\r\n$1\r\n2\r\n:4\r\n")
		talk(t, c, cmd("SET", "large", value), "+OK\r\n") // over a connection of its own
		talk(t, c, cmd("GETSET", "large", value)+cmd("DEL", "large"), bulk+":1\r\n")
		talk(t, c, cmd("EVAL", "redis.setresp(3) return {true, {double=2}}", "1", "k"), "*2\r\n#t\r\n,2\r\n")
		talk(t, c, cmd("CLIENT", "GETNAME")+cmd("COMMAND", "DOCS", "get"), "_\r\n%0\r\n")
		talk(t, c, cmd("INFO"), fmt.Sprintf("=%d\r\ntxt:%s\r\n", len(info)+4, info))
	}
	talk(t, old, cmd("GET", "none")+cmd("HGETALL", "h"), "$-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n")
	talk(t, c, cmd("HELLO", "4")+cmd("GET", "none"), "-NOPROTO unsupported protocol version\r\n_\r\n")
	if got := exchange(t, port, cmd("HELLO", "2", "AUTH", "default", "secret")+cmd("GET", "none")); !strings.HasPrefix(got, "*14\r\n") ||
		!strings.HasSuffix(got, "*0\r\n$-1\r\n") {
		t.Errorf("%q", got)
	}
}

// A server that is too old for version 3 says so to who asks for it, and is there
// for others.
func TestServerWithoutVersion3(t *testing.T) {
	t.Parallel()
	back, accept := backend(t)
	port := freeport.Reserve(t)
	_, wait := logged(t, pool(port, "redis=true auto_eject_hosts=true server_failure_limit=1 server_retry_timeout=600000", back))
	c := dial(t, port)
	hello3(t, c)
	for _, request := range []string{cmd("GET", "a"), cmd("SET", "a", strings.Repeat("v", 100_000))} {
		go func() { _, _ = io.WriteString(c, request) }()
		b := accept()
		expect(t, b, "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n")
		_, _ = io.WriteString(b, "-ERR unknown command `HELLO`\r\n")
		expect(t, c, "-ERR server refuses version 3 of the protocol\r\n")
	}
	wait(`server s0 of pool p: HELLO 3 or SELECT: -ERR unknown command`)
	d := dial(t, port)
	_, _ = io.WriteString(d, cmd("GET", "a"))
	b := accept()
	expect(t, b, cmd("GET", "a"))
	_, _ = io.WriteString(b, "$-1\r\n")
	expect(t, d, "$-1\r\n")
}

// What nobody has asked for ends a link in version 3 too.
func TestPushReachesNobody(t *testing.T) {
	t.Parallel()
	back, accept := backend(t)
	port := freeport.Reserve(t)
	serve(t, pool(port, "redis=true", back))
	c := dial(t, port)
	hello3(t, c)
	_, _ = io.WriteString(c, cmd("GET", "a"))
	b := accept()
	expect(t, b, "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n"+cmd("GET", "a"))
	_, _ = io.WriteString(b, "%0\r\n>2\r\n+message\r\n+m\r\n_\r\n")
	expect(t, c, "-ERR Invalid argument\r\n")
}
