package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
	"github.com/baton-project/baton/internal/freeport"
)

// A poolStorm is many clients of three pools, who never connect again and keep
// their own books. They pause between two rounds, as the machine is busy.
type poolStorm struct {
	t      *testing.T
	stop   atomic.Bool
	rounds atomic.Int64 // of all clients
	all    sync.WaitGroup
}

const stormPause = 20 * time.Millisecond

// A poolClient is one of them.
type poolClient struct {
	storm *poolStorm
	name  string
	conn  net.Conn
	in    *bufio.Reader
	n     int // rounds
}

// start lets count clients of a pool do rounds until the end.
func (s *poolStorm) start(pool string, port, count int, round func(*poolClient) error) []*poolClient {
	var clients []*poolClient
	for i := range count {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			s.t.Fatal(err)
		}
		c := &poolClient{storm: s, name: pool + strconv.Itoa(i), conn: conn, in: bufio.NewReader(conn)}
		clients = append(clients, c)
		s.all.Go(func() {
			defer conn.Close()
			for !s.stop.Load() {
				c.n++
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				if err := round(c); err != nil {
					s.t.Errorf("client %s, round %d: %v", c.name, c.n, err)
					return
				}
				s.rounds.Add(1)
				time.Sleep(stormPause)
			}
		})
	}
	return clients
}

// more waits until the clients have done n more rounds.
func (s *poolStorm) more(n int64) {
	s.t.Helper()
	from := s.rounds.Load()
	if !e2e.Eventually(time.Minute, func() bool { return s.rounds.Load() >= from+n || s.t.Failed() }) {
		s.t.Error("the clients are held up")
	}
}

// exchange sends in, now and then in two pieces, and wants exactly that back.
func (c *poolClient) exchange(in, want string) error {
	if c.n%3 == 0 {
		if _, err := io.WriteString(c.conn, in[:len(in)/2]); err != nil {
			return err
		}
		in = in[len(in)/2:]
	}
	if _, err := io.WriteString(c.conn, in); err != nil {
		return err
	}
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c.in, got); err != nil || string(got) != want {
		return fmt.Errorf("%q %v, want %q", got[:n], err, want)
	}
	return nil
}

// line sends in and reads one line.
func (c *poolClient) line(in string) (string, error) {
	if _, err := io.WriteString(c.conn, in); err != nil {
		return "", err
	}
	return c.in.ReadString('\n')
}

func bulkReply(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }

// count is a round with a counter that only this client counts, and a pipeline of
// GETs: all that comes back is known beforehand.
func (c *poolClient) count() error {
	value := strconv.Itoa(c.n)
	own := c.name + "x"
	in := redisCommand("INCR", c.name) + redisCommand("SET", own, value)
	want := ":" + value + "\r\n+OK\r\n"
	for range 8 {
		in += redisCommand("GET", own) + redisCommand("GET", c.name+"none")
		want += bulkReply(value) + "$-1\r\n"
	}
	in += redisCommand("MGET", c.name, own, c.name+"none")
	want += "*3\r\n" + bulkReply(value) + bulkReply(value) + "$-1\r\n"
	return c.exchange(in, want)
}

// add is a round with counters whose server changes with the configuration.
func (c *poolClient) add() error {
	for i := range 4 {
		got, err := c.line(redisCommand("INCR", c.name+"-"+strconv.Itoa(i)))
		if err != nil || got[0] != ':' {
			return fmt.Errorf("%q %v", got, err)
		}
	}
	return nil
}

// mayFail is a round with a server that is killed: each reply is the request's own,
// or says what is wrong with the server.
func (c *poolClient) mayFail(failures *atomic.Int64) error {
	var in, tokens []string
	for i := range 5 {
		token := fmt.Sprintf("%s/%d/%d", c.name, c.n, i)
		tokens = append(tokens, token)
		in = append(in, redisCommand("EVAL", "return ARGV[1]", "1", "key", token))
	}
	if _, err := io.WriteString(c.conn, strings.Join(in, "")); err != nil {
		return err
	}
	for _, token := range tokens {
		got, err := c.in.ReadString('\n')
		if err != nil {
			return err
		}
		if why, is := strings.CutPrefix(got, "-ERR "); is {
			known := []string{"unknown\r\n", "Connection refused\r\n", "Connection reset by peer\r\n", "Broken pipe\r\n"}
			if !slices.Contains(known, why) {
				return fmt.Errorf("%q", got)
			}
			failures.Add(1)
			continue
		}
		rest := make([]byte, len(token)+2)
		if _, err := io.ReadFull(c.in, rest); err != nil || got+string(rest) != bulkReply(token) {
			return fmt.Errorf("%q %q %v, want %q", got, rest, err, token)
		}
	}
	return nil
}

// A hundred clients of three pools stay connected over reloads that add, change
// and remove pools, over upgrades, and while a server is killed and comes back.
// Every INCR is applied once, every reply comes, right and in order.
func TestPoolClientsStayOverReloadsAndUpgrades(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "nginx has no pools")
	reloads, upgrades := 4, 1
	if os.Getenv("BATON_STORM") != "" {
		reloads, upgrades = 30, 5
	}
	one, _ := startRedis(t)
	two, _ := startRedis(t)
	mortal, kill, revive := mortalRedis(t)
	fixed, moving, failing, extra := freeport.Reserve(t), freeport.Reserve(t), freeport.Reserve(t), freeport.Reserve(t)
	yml := func(n int) string {
		text := fmt.Sprintf("fixed:\n  listen: 127.0.0.1:%d\n  redis: true\n  timeout: %d\n  server_connections: %d\n  servers:\n"+
			"   - 127.0.0.1:%d:1 a\n   - 127.0.0.1:%d:1 b\n", fixed, 60000+n, 1+n%3, one, two)
		text += fmt.Sprintf("moving:\n  listen: 127.0.0.1:%d\n  redis: true\n  distribution: %s\n  servers:\n"+
			"   - 127.0.0.1:%d:%d a\n   - 127.0.0.1:%d:%d b\n", moving, []string{"ketama", "modula"}[n%2], one, 1+n%4, two, 1+n%3)
		text += fmt.Sprintf("failing:\n  listen: 127.0.0.1:%d\n  redis: true\n  auto_eject_hosts: true\n  server_retry_timeout: 50\n"+
			"  server_failure_limit: 1\n  servers:\n   - 127.0.0.1:%d:1\n", failing, mortal)
		if n%2 == 1 {
			text += fmt.Sprintf("extra:\n  listen: 127.0.0.1:%d\n  redis: true\n  servers:\n   - 127.0.0.1:%d:1\n", extra, one)
		}
		return text
	}
	b := e2e.New(t, poolsConf)
	b.Write("pools.yml", yml(0))
	b.Launch()
	b.WaitReady()

	s := &poolStorm{t: t}
	var failures atomic.Int64
	counters := s.start("fixed", fixed, 60, (*poolClient).count)
	movers := s.start("moving", moving, 25, (*poolClient).add)
	s.start("failing", failing, 15, func(c *poolClient) error { return c.mayFail(&failures) })
	for n := 1; n <= reloads && !t.Failed(); n++ {
		s.more(100)
		b.Write("pools.yml", yml(n))
		b.WaitGone(b.Reload(), time.Minute)
		checkExtra(t, extra, n%2 == 1)
		if n%3 == 2 {
			before := failures.Load()
			kill()
			if !e2e.Eventually(time.Minute, func() bool { return failures.Load() > before }) {
				t.Error("nobody misses a server that was killed")
			}
			revive()
		}
		if n%(reloads/upgrades) == 0 {
			s.more(100)
			b.Upgrade()
		}
	}
	// The server that was killed is back, and so are its clients.
	if !e2e.Eventually(time.Minute, func() bool {
		before := failures.Load()
		s.more(300)
		return failures.Load() == before
	}) {
		t.Error("a server that came back is not asked")
	}
	s.stop.Store(true)
	s.all.Wait()
	total := 0
	for _, c := range movers {
		total += 4 * c.n
	}
	if applied := sumOf(t, "moving*", one, two); applied != total {
		t.Errorf("%d INCR were answered and %d applied", total, applied)
	}
	for _, c := range slices.Concat(counters, movers) {
		if c.n < 2 {
			t.Errorf("client %s did nothing", c.name)
		}
	}
	t.Logf("%d rounds over %d reloads and %d upgrades; %d requests met a dead server", s.rounds.Load(), reloads, upgrades, failures.Load())
}

// checkExtra looks whether a pool that comes and goes is there.
func checkExtra(t *testing.T, port int, there bool) {
	t.Helper()
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if !there {
		if err == nil {
			c.Close()
			t.Error("a pool that was removed still takes clients")
		}
		return
	}
	if err != nil {
		t.Errorf("a new pool: %v", err)
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	_, _ = io.WriteString(c, redisCommand("PING"))
	if line, err := bufio.NewReader(c).ReadString('\n'); line != "+PONG\r\n" {
		t.Errorf("a new pool says %q %v", line, err)
	}
}

// sumOf adds up the counters with names like pattern on all these servers.
func sumOf(t *testing.T, pattern string, ports ...int) (sum int) {
	t.Helper()
	const script = `local sum = 0
for _, key in ipairs(redis.call("KEYS", ARGV[1])) do sum = sum + redis.call("GET", key) end
return sum`
	for _, port := range ports {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		_, _ = io.WriteString(conn, redisCommand("EVAL", script, "0", pattern))
		line, err := bufio.NewReader(conn).ReadString('\n')
		n, bad := strconv.Atoi(strings.Trim(line, ":\r\n"))
		if err != nil || bad != nil {
			t.Fatalf("%q %v", line, err)
		}
		sum += n
	}
	return sum
}
