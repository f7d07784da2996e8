package nutcracker

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"
)

const redisPool = minimal + "  redis: true\n"

// beyondCases are what the real program refuses all of.
var beyondCases = []struct{ text, want string }{
	{minimal + "  slowlog: 100\n", ""},
	{minimal + "  slowlog: 1s\n", `"slowlog: 1s" is not a number in F:5`},
	{minimal + "  server_health_check: 0\n", ""},
	{minimal + "  server_health_check: x\n", `"server_health_check: x" is not a number in F:5`},
	{minimal + "  tls_certificate: c\n  tls_certificate_key: k\n  tls_client_ca: a\n", ""},
	{minimal + "  server_tls: true\n  server_tls_verify: false\n", ""},
	{minimal + "  server_tls: true\n  server_tls_verify: no\n", `"server_tls_verify: no" is neither "true" nor "false" in F:6`},
	{minimal + "  server_tls_name: x\n", `"server_tls_name" needs "server_tls: true" in F:5`},
	{minimal + "   - /s:1\n  server_tls: true\n  server_tls_ca: a\n", `"server_tls" needs "server_tls_name" for server "/s:1" in F:6`},
	{minimal + "  redis_user: u\n", `pool "a" has "redis_user" and is not a redis pool in F:5`},
	{redisPool + "  redis_user: u\n", `"redis_user" needs "redis_auth" in F:6`},
	{redisPool + "  redis_user: u\n  redis_auth: p\n", ""},
	{minimal + "  redis_users:\n   - a b\n", `pool "a" has "redis_users" and is not a redis pool in F:5`},
	{redisPool + "  redis_users: a b\n", `"redis_users" is not a list in F:6`},
	{redisPool + "  redis_users:\n   - secret\n", `a user is not "name password" or "name sha256:digest" in F:7`},
	{redisPool + "  redis_users:\n   - a b\n   - a c\n", `user "a" is duplicate in F:8`},
	{redisPool + "  redis_users:\n   - a sha256:12\n", `user "a" has an invalid digest in F:7`},
	{redisPool + "  redis_users:\n   - a b c\n   - b c\n", ""},
}

func TestParseBeyond(t *testing.T) {
	for _, tt := range beyondCases {
		_, err := Parse("F", []byte(tt.text))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%q:\n got %s\nwant %s", tt.text, got, tt.want)
		}
	}
}

func TestUsers(t *testing.T) {
	digest := sha256.Sum256([]byte("b c"))
	pools, err := Parse("F", []byte(redisPool+"  redis_users:\n   - a b c\n   - h sha256:"+hex.EncodeToString(digest[:])+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"a", "h"} {
		if u := pools[0].RedisUsers[i]; u.Name != name || u.Digest != digest {
			t.Errorf("%+v", u)
		}
	}
	if p := pools[0]; p.HealthCheck != time.Second || p.Slowlog != 0 || p.LineOf("redis_users") != 6 || p.LineOf("hash") != 1 {
		t.Errorf("%+v", p)
	}
}
