package pool

import (
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/freeport"
)

// A row is what a client sends. why, when there is a reason, is why the answer
// differs from twemproxy's, and want is ours.
type row struct{ in, why, want string }

const (
	lives  = "twemproxy closes without a word; its users ask for an error (#133, #138, #480)"
	varies = "what twemproxy does differs from time to time"
	framed = "twemproxy closes without a word; here an error comes first"
)

// commands are sent one after the other, each on a connection of its own, to
// servers that were empty.
var commands = strings.Split(strings.TrimSpace(`
PING
ping
SET a 1
GET a
GET none
get a
SET b 2 EX 100
SET b 3 NX
SETNX c 3
SETEX d 100 x
PSETEX d 100000 x
GETSET a 5
APPEND a 6
STRLEN a
INCR n
INCRBY n 10
DECR n
DECRBY n 3
INCRBYFLOAT n 1.5
INCR a6x
GETRANGE a 0 1
SETRANGE a 1 z
SETBIT bits 7 1
GETBIT bits 7
BITCOUNT bits
BITPOS bits 1
BITFIELD bits GET u4 0
EXISTS a
TYPE a
TTL a
PTTL a
EXPIRE a 1000
EXPIREAT b 4000000000
PEXPIRE b 1000000
PEXPIREAT b 4000000000000
PERSIST b
DUMP none
MGET a b
MGET a b c none d n
MGET a
MGET a a a
MSET m1 1 m2 2 m3 3
MSET m1 1
MGET m1 m2 m3 m4
DEL m1 m2 m4
DEL m3
UNLINK m1 m2
TOUCH a b c none
TOUCH a
EXISTS a
GETDEL c
GETEX a
HSET h f 1
HSET h g 2 i 3
HGET h f
HMSET h j 4
HMGET h f g none
HGETALL h1
HEXISTS h f
HDEL h f
HLEN h
HKEYS h2
HVALS h2
HINCRBY h n 5
HINCRBYFLOAT h n 0.5
HSETNX h n 9
HSTRLEN h n
HSCAN h2 0
HRANDFIELD h2
LPUSH l a b c
RPUSH l d
LPUSHX l2 x
RPUSHX l2 x
LRANGE l 0 -1
LLEN l
LINDEX l 0
LSET l 0 q
LINSERT l BEFORE a x
LREM l 1 x
LTRIM l 0 2
LPOP l
RPOP l
LPOS l a
RPOPLPUSH {l}1 {l}2
LMOVE l l LEFT RIGHT
SADD s a b
SCARD s
SISMEMBER s a
SMISMEMBER s a x
SMEMBERS s2
SREM s a
SPOP s2
SRANDMEMBER s2
SMOVE s s b
SINTER s s
SUNION s2 s2
SDIFF s2 s2
SINTERSTORE t s s
SUNIONSTORE t s2 s2
SDIFFSTORE t s2 s2
SSCAN s2 0
ZADD z 1 a 2 b 3 c
ZCARD z
ZSCORE z a
ZMSCORE z a x
ZRANK z b
ZREVRANK z b
ZRANGE z 0 -1
ZRANGE z 0 -1 WITHSCORES
ZREVRANGE z 0 -1
ZRANGEBYSCORE z 1 2
ZREVRANGEBYSCORE z 2 1
ZCOUNT z 1 2
ZLEXCOUNT z - +
ZRANGEBYLEX z - +
ZREVRANGEBYLEX z + -
ZINCRBY z 2 a
ZREM z c
ZPOPMIN z
ZPOPMAX z
ZSCAN z2 0
ZREMRANGEBYRANK z 0 0
ZREMRANGEBYSCORE z 0 0
ZREMRANGEBYLEX z - +
ZUNIONSTORE t 1 z
ZINTERSTORE t 1 z
PFADD p a b
PFCOUNT p
PFMERGE p p
GEOADD g 13.36 38.11 P
GEOPOS g P
GEOHASH g P
GEODIST g P P
GEORADIUS g 13 38 200 km
SORT l ALPHA
COPY a a2
EVAL return(KEYS[1]) 1 a
EVALSHA 0000000000000000000000000000000000000000 1 a
GET h
INCR h
LPUSH a x
SET a
SET a 1 BAD
`), "\n")

// others are not made of words, or end otherwise.
var others = []row{
	{in: cmd("GET", "")},
	{in: cmd("SET", "sp ace", "v\r\nv")},
	{in: cmd("GET", "sp ace")},
	{in: cmd("SET", "\x00\xff", "\x00")},
	{in: cmd("MGET", "\x00\xff", "sp ace", "")},
	{in: cmd("SET", "big", strings.Repeat("x", 300000))},
	{in: cmd("GET", "big")},
	{in: cmd("MGET", "big", "a", "big")},
	{in: cmd("MSET", "big1", strings.Repeat("y", 100000), "big2", strings.Repeat("z", 100000))},
	{in: cmd("MGET", "big1", "big2")},
	{in: strings.Repeat(cmd("INCR", "many"), 500)},
	{in: cmd("SET", "o1", "1") + cmd("GET", "o1") + cmd("MGET", "o1", "o2", "o3") + cmd("PING") + cmd("DEL", "o1", "o2")},
	{in: cmd("PING") + cmd("QUIT") + cmd("PING")},
	{in: cmd("QUIT")},
	{"*2\r\n$3\r\nGET\r\n$1\r\n", varies, ""}, // breaks off
	{"*2\r\n$003\r\nGET\r\n$1\r\na\r\n", "twemproxy passes it on, and Redis closes a connection that others use",
		"-ERR Protocol error: invalid bulk length\r\n"},
	{in: cmd("AUTH", "x")},
	{in: cmd("COMMAND")[:0]},
	{cmd("NOSUCH", "a") + cmd("PING"), lives, "-ERR unknown command 'NOSUCH'\r\n+PONG\r\n"},
	{cmd("KEYS", "*"), lives, "-ERR unknown command 'KEYS'\r\n"},
	{cmd("MOVE", "a", "1"), lives, "-ERR unknown command 'MOVE'\r\n"},
	{cmd("SUBSCRIBE", "a"), lives, "-ERR unknown command 'SUBSCRIBE'\r\n"},
	{cmd("GET"), lives, "-ERR wrong number of arguments for 'get' command\r\n"},
	{cmd("GET", "a", "b"), lives, "-ERR wrong number of arguments for 'get' command\r\n"},
	{cmd("MSET", "a", "1", "b"), lives, "-ERR wrong number of arguments for 'mset' command\r\n"},
	{cmd("EVAL", "return 1", "0", "a"), lives, "-ERR Number of keys must be positive\r\n"},
	{cmd("EVAL", "return 1", "x", "a"), lives, "-ERR value is not an integer or out of range\r\n"},
	{cmd("EXISTS", "a", "b", "none"), "twemproxy asks the server of the first key alone", ":2\r\n"},
	{cmd("HELLO", "4"), "twemproxy closes; libraries begin with HELLO", "-NOPROTO unsupported protocol version\r\n"},
	{cmd("CLIENT", "SETINFO", "LIB-NAME", "x") + cmd("QUIT") + cmd("PING"), "twemproxy closes; libraries wait for an answer", "+OK\r\n+OK\r\n"},
	{cmd("CLIENT", "SETINFO", "LIB-NAME", "x"), "twemproxy closes; libraries begin with it", "+OK\r\n"},
	{cmd("SELECT", "0"), "twemproxy closes; libraries begin with it", "+OK\r\n"},
	{cmd("SELECT", "1"), "twemproxy closes", "-ERR SELECT of another database than that of the pool is not supported\r\n"},
	{cmd("ECHO", "hi"), "twemproxy closes", "$2\r\nhi\r\n"},
	{cmd("PING", "hi"), "twemproxy closes", "$2\r\nhi\r\n"},
	{"PING\r\n", framed, "-ERR Protocol error: expected '*'\r\n"},
	{cmd("PING") + "*0\r\n", framed, "+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n"},
	{"*-1\r\n", framed, "-ERR Protocol error: invalid multibulk length\r\n"},
	{"*1\r\n$-1\r\n", framed, "-ERR Protocol error: invalid bulk length\r\n"},
	{"*2\r\n$3\r\nGET\r\n$4294967297\r\na\r\n", varies, "-ERR Protocol error: invalid bulk length\r\n"},
	{cmd("GET", strings.Repeat("k", 20000)), "twemproxy closes when a key does not fit into a chunk", "$-1\r\n"},
}

func TestAsNutcrackerRedis(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 4} {
		var theirs, ours []int
		for range n {
			theirs, ours = append(theirs, redis(t)), append(ours, redis(t))
		}
		old, own := freeport.Reserve(t), freeport.Reserve(t)
		const options = "redis=true hash=fnv1a_64 hash_tag='{}'"
		twemproxy(t, old, pool(old, options, theirs...))
		serve(t, pool(own, options, ours...))
		count := 0
		compare := func(r row) {
			count++
			got, want := exchange(t, own, r.in), r.want
			if r.why == "" {
				want = exchange(t, old, r.in)
			}
			if got != want {
				t.Errorf("%d servers, %.100q:\n got %.300q\nwant %.300q", n, r.in, got, want)
			}
		}
		for _, c := range commands {
			compare(row{in: line1(c)})
		}
		for _, r := range others {
			if n == 1 && strings.HasPrefix(r.why, "twemproxy asks") {
				continue // it asks the only one there is
			}
			compare(r)
		}
		if count < 150 {
			t.Errorf("%d exchanges", count)
		}
	}
}

var memcacheRows = []row{
	{in: "get a\r\n"},
	{in: "set a 1 0 3\r\nabc\r\n"},
	{in: "get a\r\n"},
	{in: "set b 0 0 0\r\n\r\nget b\r\n"},
	{in: "set c 5 100 2\r\n\r\n\r\n"},
	{in: "get a b c\r\n"},
	{in: "get  a   b \r\n"},
	{in: "add a 0 0 1\r\nx\r\n"},
	{in: "add d 0 0 1\r\nx\r\n"},
	{in: "replace d 0 0 1\r\ny\r\n"},
	{in: "append d 0 0 1\r\nz\r\n"},
	{in: "prepend d 0 0 1\r\nw\r\n"},
	{in: "get d a d\r\n"},
	{in: "set n 0 0 2\r\n10\r\n"},
	{in: "incr n 5\r\n"},
	{in: "decr n 50\r\n"},
	{in: "incr none 1\r\n"},
	{in: "incr a 1\r\n"},
	{in: "touch a 100\r\n"},
	{in: "touch none 100\r\n"},
	{in: "delete d\r\n"},
	{in: "delete d\r\n"},
	{in: "cas a 0 0 1 999999\r\nx\r\n"},
	{in: "cas none 0 0 1 1\r\nx\r\n"},
	{in: "set q 0 0 1 noreply\r\nx\r\nget q\r\n"},
	{in: "delete q noreply\r\nget q\r\n"},
	{in: "set big 0 0 200000\r\n" + strings.Repeat("x", 200000) + "\r\n"},
	{in: "get big\r\n"},
	{in: "get big a big\r\n"},
	{in: "set huge 0 0 2000000\r\n" + strings.Repeat("x", 2000000) + "\r\n"},
	{in: "version\r\n"},
	{in: "get a\r\nquit\r\nget b\r\n"},
	{in: strings.Repeat("incr n 1\r\n", 300)},
	{in: "get " + strings.Repeat("k", 250) + "\r\n"},
	{"get " + strings.Repeat("k", 251) + "\r\n", lives, mcFormat},
	{"flush_all\r\nget b\r\n", lives, "ERROR\r\nVALUE b 0 0\r\n\r\nEND\r\n"},
	{"GET a\r\n", lives, "ERROR\r\n"},
	{"get\r\n", lives, mcFormat},
	{"delete k 0\r\n", lives, mcFormat},
	{"set k x 0 1\r\nx\r\nget b\r\n", lives, mcFormat + "VALUE b 0 0\r\n\r\nEND\r\n"},
	{"set k 0 -1 1\r\nx\r\n", "twemproxy refuses a negative time", "STORED\r\n"},
	{"set k 0 0 4294967297\r\n", varies, mcFormat},
	{"set k 0 0 1\r\nxyz\r\n", framed, mcData},
}

func TestAsNutcrackerMemcached(t *testing.T) {
	t.Parallel()
	old, own := freeport.Reserve(t), freeport.Reserve(t)
	theirs := []int{memcached(t), memcached(t)}
	ours := []int{memcached(t), memcached(t)}
	twemproxy(t, old, pool(old, "hash=murmur", theirs...))
	serve(t, pool(own, "hash=murmur", ours...))
	for _, r := range memcacheRows {
		got, want := exchange(t, own, r.in), r.want
		if r.why == "" {
			want = exchange(t, old, r.in)
		}
		if got != want {
			t.Errorf("%.100q:\n got %.300q\nwant %.300q", r.in, got, want)
		}
	}
}
