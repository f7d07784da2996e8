package pool

import (
	"testing"

	"github.com/baton-project/baton/internal/freeport"
)

func TestUsersOfAPool(t *testing.T) {
	t.Parallel()
	back := redis(t, "--user", "proxy", "on", ">secret", "~*", "&*", "+@all", "--user", "default", "off")
	port := freeport.Reserve(t)
	yml := pool(port, "redis=true redis_auth=secret redis_user=proxy redis_db=2", back) + "  redis_users:\n   - alice open sesame\n   - default d\n"
	serve(t, yml)
	for _, tt := range []struct{ in, want string }{
		{cmd("GET", "k"), noAuth},
		{cmd("AUTH", "alice", "open sesame") + cmd("SET", "k", "v"), ok + ok},
		{cmd("AUTH", "alice", "secret"), wrongPass},
		{cmd("AUTH", "proxy", "secret") + cmd("GET", "k"), ok + "$1\r\nv\r\n"},
		{cmd("AUTH", "secret") + cmd("PING"), ok + pong},
		{cmd("AUTH", "d") + cmd("PING"), ok + pong},
		{cmd("AUTH", "default", "d") + cmd("PING"), ok + pong},
		{cmd("AUTH", "default", "secret"), wrongPass},
		{cmd("AUTH", "wrong"), badPassword},
		{cmd("AUTH", "alice", "open sesame") + cmd("AUTH", "bob", "x") + cmd("PING"), ok + wrongPass + noAuth},
		{cmd("AUTH", "a", "b", "c"), "-ERR wrong number of arguments for 'auth' command\r\n"},
		{cmd("HELLO", "2", "AUTH", "alice", "wrong"), wrongPass},
		{cmd("HELLO", "2"), noAuth},
	} {
		talk(t, dial(t, port), tt.in, tt.want)
	}
}

// Users may be asked for although servers have no password.
func TestUsersBeforeOpenServers(t *testing.T) {
	t.Parallel()
	port := freeport.Reserve(t)
	serve(t, pool(port, "redis=true", redis(t))+"  redis_users:\n   - alice a\n")
	c := dial(t, port)
	talk(t, c, cmd("GET", "k")+cmd("AUTH", "alice", "a")+cmd("GET", "k"), noAuth+ok+"$-1\r\n")
}
