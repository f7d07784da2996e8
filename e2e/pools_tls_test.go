package e2e_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
	"github.com/baton-project/baton/internal/freeport"
)

// Clients of a pool that speak TLS move to the new workers like others, before
// their handshake too: every INCR is applied once.
func TestPoolClientsOverTLSStayOverReloadsAndUpgrades(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "nginx has no pools")
	back, _ := startRedis(t)
	listen := freeport.Reserve(t)
	yml := func(n int) string {
		return fmt.Sprintf("main:\n  listen: 127.0.0.1:%d\n  redis: true\n  timeout: %d\n  redis_users:\n   - alice open\n"+
			"  tls_certificate: pools.crt\n  tls_certificate_key: pools.key\n  servers:\n   - 127.0.0.1:%d:1 a\n", listen, 60000+n, back)
	}
	b := e2e.New(t, poolsConf)
	trusted := x509.NewCertPool()
	trusted.AddCert(b.WriteCertificate("pools", "ecdsa"))
	config := &tls.Config{RootCAs: trusted, ServerName: "localhost"}
	b.Write("pools.yml", yml(0))
	b.Launch()
	b.WaitReady()

	dial := func() net.Conn {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", listen))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
		return c
	}
	talk := func(c net.Conn, in, want string) error {
		got := make([]byte, len(want))
		if _, err := io.WriteString(c, in); err != nil {
			return err
		}
		if n, err := io.ReadFull(c, got); err != nil || string(got) != want {
			return fmt.Errorf("%q %v, want %q", got[:n], err, want)
		}
		return nil
	}
	login := redisCommand("AUTH", "alice", "open")
	silent := dial() // shakes hands when everything is over
	idle := tls.Client(dial(), config)
	if err := talk(idle, login+redisCommand("HELLO", "3"), "+OK\r\n%7\r\n"); err != nil {
		t.Fatal(err)
	}
	for rest := []byte(nil); !bytes.HasSuffix(rest, []byte("modules\r\n*0\r\n")); {
		var b [1]byte
		if _, err := io.ReadFull(idle, b[:]); err != nil {
			t.Fatalf("%q %v", rest, err)
		}
		rest = append(rest, b[0])
	}

	const clients = 8
	var stop atomic.Bool
	var counted [clients]atomic.Int64
	var all sync.WaitGroup
	for i := range clients {
		c := tls.Client(dial(), config)
		all.Go(func() {
			own := "counter" + strconv.Itoa(i)
			if err := talk(c, login, "+OK\r\n"); err != nil {
				t.Errorf("client %d: %v", i, err)
				return
			}
			for n := 1; !stop.Load(); n++ {
				value := strconv.Itoa(n)
				in := redisCommand("INCR", own) + redisCommand("SET", own+"x", value) + redisCommand("MGET", own, own+"x")
				if n%3 == 0 { // in two records
					_, _ = io.WriteString(c, in[:len(in)/2])
					in = in[len(in)/2:]
				}
				bulk := fmt.Sprintf("$%d\r\n%s\r\n", len(value), value)
				if err := talk(c, in, ":"+value+"\r\n+OK\r\n*2\r\n"+bulk+bulk); err != nil {
					t.Errorf("client %d, round %d: %v", i, n, err)
					return
				}
				counted[i].Store(int64(n))
			}
		})
	}
	for n := 1; n <= 3; n++ {
		b.Write("pools.yml", yml(n))
		b.WaitGone(b.Reload(), time.Minute)
	}
	b.Upgrade()
	b.Write("pools.yml", yml(1))
	b.WaitGone(b.Reload(), time.Minute)
	stop.Store(true)
	all.Wait()
	for i := range counted {
		if counted[i].Load() == 0 {
			t.Errorf("client %d did nothing", i)
		}
	}
	if err := talk(idle, redisCommand("GET", "none"), "_\r\n"); err != nil {
		t.Errorf("the idle client: %v", err)
	}
	late := tls.Client(silent, config)
	if err := talk(late, login+redisCommand("PING"), "+OK\r\n+PONG\r\n"); err != nil {
		t.Errorf("the client that was silent: %v", err)
	}
}
