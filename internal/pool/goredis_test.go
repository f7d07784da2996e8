package pool

import (
	"context"
	"fmt"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/baton-project/baton/internal/freeport"
)

// Today's client for Go connects with its default options, with a user and over
// TLS, and every command of a program gets its own reply.
func TestGoRedis(t *testing.T) {
	t.Parallel()
	ours := newPair(t)
	plain, guarded := freeport.Reserve(t), freeport.Reserve(t)
	ports := []int{redis(t), redis(t)}
	yml := pool(plain, "redis=true", ports...) +
		strings.Replace(pool(guarded, "redis=true tls_certificate=c.pem tls_certificate_key=k.pem", ports...), "p:", "q:", 1) +
		"  redis_users:\n   - alice open sesame\n"
	serveFiles(t, yml, files{"/c.pem": ours.cert, "/k.pem": ours.key}, nil)
	for _, o := range []*goredis.Options{
		{Addr: fmt.Sprintf("127.0.0.1:%d", plain)},
		{Addr: fmt.Sprintf("127.0.0.1:%d", plain), Protocol: 2, ClientName: "me"},
		{Addr: fmt.Sprintf("127.0.0.1:%d", guarded), Username: "alice", Password: "open sesame", TLSConfig: ours.config(t, false)},
	} {
		// goleak sees what its pool does in the background until Close.
		useGoRedis(t, goredis.NewClient(o))
	}
	wrong := goredis.NewClient(&goredis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", guarded), Username: "alice", Password: "x",
		TLSConfig: ours.config(t, false)})
	defer wrong.Close()
	if err := wrong.Ping(context.Background()).Err(); err == nil || !strings.Contains(err.Error(), "WRONGPASS") {
		t.Errorf("a wrong password: %v", err)
	}
}

func useGoRedis(t *testing.T, c *goredis.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	defer c.Close()
	want := func(cmd goredis.Cmder, want string) {
		t.Helper()
		if got := cmd.String(); !strings.HasSuffix(got, ": "+want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
	want(c.Ping(ctx), "PONG")
	want(c.Del(ctx, "a", "b", "n", "h", "l", "z"), "0")
	want(c.MSet(ctx, "a", "1", "b", "2"), "OK")
	want(c.MGet(ctx, "a", "none", "b"), "[1 <nil> 2]")
	want(c.Exists(ctx, "a", "b", "none"), "2")
	want(c.Touch(ctx, "a", "b"), "2")
	want(c.HSet(ctx, "h", "f", "v"), "1")
	want(c.HGetAll(ctx, "h"), "map[f:v]")
	want(c.ZAdd(ctx, "z", goredis.Z{Score: 1, Member: "m"}), "1")
	want(c.Eval(ctx, "return redis.call('INCR', KEYS[1])", []string{"n"}), "1")
	want(c.Get(ctx, "none"), "redis: nil")
	want(c.Keys(ctx, "*"), "ERR unknown command 'keys'")
	want(c.ClientID(ctx), fmt.Sprint(c.ClientID(ctx).Val()))
	want(c.Info(ctx), info)
	cmds, err := c.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for range 100 {
			p.Incr(ctx, "n")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for i, cmd := range cmds {
		want(cmd, fmt.Sprint(i+2))
	}
	value := strings.Repeat("v", 300_000)
	want(c.Set(ctx, "large", value, 0), "OK")
	if got := c.Get(ctx, "large").Val(); got != value {
		t.Errorf("%d bytes of a large value", len(got))
	}
	want(c.Unlink(ctx, "a", "b", "n", "h", "z", "large"), "6")
}
