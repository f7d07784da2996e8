package pool

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/freeport"
)

// Rivals are twemproxy and this package before servers of the same kind.
type rivals struct {
	old, own int
	count    int
}

// beside starts both; options are those of the pool, and servers starts those that
// one of them has.
func beside(t *testing.T, options string, servers func() []int) *rivals {
	t.Helper()
	p := &rivals{old: freeport.Reserve(t), own: freeport.Reserve(t)}
	twemproxy(t, p.old, pool(p.old, options, servers()...))
	serve(t, pool(p.own, options, servers()...))
	return p
}

func (p *rivals) compare(t *testing.T, r row) {
	t.Helper()
	p.count++
	got, want := exchange(t, p.own, r.in), r.want
	if r.why == "" {
		want = exchange(t, p.old, r.in)
	}
	if got != want {
		t.Errorf("%.100q:\n got %.300q\nwant %.300q", r.in, got, want)
	}
}

// moreRows are what the table of commands has no room for: forms of replies,
// options, and many requests at once. They follow each other.
func moreRows() (rows []row) {
	eval := func(script string) { rows = append(rows, row{in: cmd("EVAL", script, "1", "k")}) }
	eval(`return {1,{2,{3,{4,{"five"}}}},{},"",false}`)
	eval(`return redis.error_reply("MINE is wrong")`)
	eval(`return redis.status_reply("FINE")`)
	eval(`return false`)
	eval(`return -9007199254740993`)
	eval(`return ""`)
	eval(`local t = {} for i = 1, 5000 do t[i] = i end return t`)
	eval(`return string.rep("x", 100000)`)
	eval(`this is no script`)
	eval(`return redis.call("GET", KEYS[1])`)
	for _, line := range strings.Split(strings.TrimSpace(`
gEt none
mGeT none none2
mset q1 1 q2 2 q1 3
mget q1 q2
del q1 q1 q2
MSET {t}1 a {t}2 b {u}1 c
MGET {t}1 {t}2 {u}1 {t}3
DEL {t}1 {t}2 {u}1
SET s 1 GET
SET s 2 KEEPTTL
SET s 3 XX
SET none 3 XX
GETEX s EX 100
GETEX s PERSIST
APPEND {}a x
GET {}a
GET {a
GET a}
GET {{a}}
SETEX s 0 x
EXPIRE none 1
LPUSH lst a b c d e
LPOP lst 2
RPOP lst 0
LRANGE lst 0 -1
LPOS lst z
LMOVE {x}a {x}b LEFT RIGHT
HSET hh a 1 b 2
HGETALL hh
HRANDFIELD none 5
HSCAN hh 0 COUNT 100
ZADD zz NX 1 a
ZADD zz GT CH 5 a
ZADD zz INCR 1 a
ZRANGE zz 0 -1 REV WITHSCORES
ZRANGEBYSCORE zz -inf +inf LIMIT 0 1
ZRANGESTORE zd zz 0 -1
ZDIFF 1 zz
ZDIFFSTORE zd 1 zz
ZINTER 1 zz
ZUNION 1 zz WITHSCORES
ZRANDMEMBER none
ZMSCORE none a b
SADD ss a
SPOP ss
SMISMEMBER ss a b
GEOADD gg 13.36 38.11 P 15.08 37.5 C
GEOSEARCH gg FROMMEMBER P BYRADIUS 500 km ASC
GEOSEARCHSTORE gd gg FROMMEMBER P BYRADIUS 500 km
GEORADIUSBYMEMBER gg P 500 km
GEODIST gg P C km
BITFIELD bf SET u8 0 255 GET u8 0
BITFIELD bf OVERFLOW FAIL INCRBY u8 0 1
BITCOUNT bf 0 -1
BITPOS bf 0 1
PFADD hll a b c
PFCOUNT hll
COPY hh hh
RESTORE r 0 x
SORT lst BY none
SORT lst ALPHA DESC LIMIT 0 2
OBJECT
LOLWUT VERSION 99
TOUCH none none2
UNLINK none none2
TYPE none
DUMP none
INCRBY s 9223372036854775807
INCR s
SETRANGE s 5 x
GETRANGE s 0 -1
EVALSHA ffffffffffffffffffffffffffffffffffffffff 1 k
`), "\n") {
		r := row{in: line1(line)}
		if line == "OBJECT" {
			r = row{r.in, lives, "-ERR unknown command 'OBJECT'\r\n"}
		}
		rows = append(rows, r)
	}
	var keys, values []string
	for i := range 300 {
		keys = append(keys, fmt.Sprintf("many%d", i))
		values = append(values, keys[i], strings.Repeat("v", i))
	}
	many := func(verb string, words []string) {
		rows = append(rows, row{in: cmd(append([]string{verb}, words...)...)})
	}
	many("MSET", values)
	many("MGET", keys)
	many("TOUCH", keys)
	many("DEL", append(keys, keys[:10]...))
	all := ""
	for i := range 200 {
		all += cmd("SET", keys[i], values[2*i+1]) + cmd("GET", keys[i]) + cmd("MGET", keys[i], keys[i+1], keys[i]) + cmd("PING")
	}
	rows = append(rows, row{in: all}, row{in: all + cmd("QUIT") + cmd("GET", "a")}, row{in: strings.Repeat(cmd("GET", "many7"), 2000)},
		row{in: cmd("GET", "many9") + cmd("SET", "lines", "\r\n*1\r\n$4\r\nPING\r\n") + cmd("GET", "lines")},
		row{in: cmd("MGET", "lines", "many3", "lines")})
	return rows
}

func TestMoreAsNutcrackerRedis(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 3} {
		p := beside(t, "redis=true hash=murmur hash_tag='{}' distribution=modula", func() (ports []int) {
			for range n {
				ports = append(ports, redis(t))
			}
			return ports
		})
		for _, r := range moreRows() {
			p.compare(t, r)
		}
		if p.count < 90 {
			t.Errorf("%d exchanges", p.count)
		}
	}
}

// Pipelines put together by chance, the same ones each time.
func TestPipelinesAsNutcracker(t *testing.T) {
	t.Parallel()
	p := beside(t, "redis=true hash=fnv1a_64", func() []int { return []int{redis(t), redis(t), redis(t)} })
	random := rand.New(rand.NewSource(8))
	key := func() string { return fmt.Sprintf("k%d", random.Intn(20)) }
	for range 60 {
		in := ""
		for range 1 + random.Intn(60) {
			switch random.Intn(9) {
			case 0:
				in += cmd("SET", key(), strings.Repeat("x", random.Intn(1+random.Intn(20000))))
			case 1:
				in += cmd("MSET", key(), "1", key(), "2", key(), "3")
			case 2:
				in += cmd("MGET", key(), key(), key(), key())
			case 3:
				in += cmd("DEL", key(), key())
			case 4:
				in += cmd("INCR", key())
			case 5:
				in += cmd("PING")
			case 6:
				in += cmd("LPUSH", key(), "x")
			default:
				in += cmd("GET", key())
			}
		}
		p.compare(t, row{in: in})
	}
}

func TestPasswordAsNutcracker(t *testing.T) {
	t.Parallel()
	p := beside(t, "redis=true redis_auth=secret", func() []int {
		return []int{redis(t, "--requirepass", "secret"), redis(t, "--requirepass", "secret")}
	})
	auth := cmd("AUTH", "secret")
	for _, r := range []row{
		{in: cmd("PING")},
		{in: cmd("GET", "a")},
		{in: cmd("MGET", "a", "b") + cmd("SET", "a", "1")},
		{in: cmd("AUTH", "wrong")},
		{in: cmd("AUTH", "wrong") + auth + cmd("PING")},
		{in: auth},
		{in: auth + cmd("SET", "a", "1") + cmd("GET", "a") + cmd("MGET", "a", "b", "c")},
		{in: auth + auth + cmd("GET", "a")},
		{in: auth + cmd("AUTH", "wrong") + cmd("GET", "a")},
		{in: auth + cmd("QUIT") + cmd("PING")},
		{in: cmd("AUTH", "")},
		{in: cmd("AUTH", "SECRET")},
	} {
		p.compare(t, r)
	}
}

// One of two servers is not there.
func TestDeadServerAsNutcracker(t *testing.T) {
	t.Parallel()
	p := beside(t, "redis=true hash=fnv1a_64", func() []int { return []int{redis(t), freeport.Reserve(t)} })
	m := beside(t, "hash=fnv1a_64", func() []int { return []int{memcached(t), freeport.Reserve(t)} })
	// refuses wants the error where twemproxy closes, as it does when a part of a
	// request for many values has no server.
	refuses := func(p *rivals, in, sorry string) {
		p.count++
		got, want := exchange(t, p.own, in), exchange(t, p.old, in)
		if want == "" {
			want = sorry
		}
		if got != want {
			t.Errorf("%.100q:\n got %.300q\nwant %.300q", in, got, want)
		}
	}
	for i := range 12 {
		k, next := fmt.Sprintf("key%d", i), fmt.Sprintf("key%d", i+1)
		for _, r := range []row{
			{in: cmd("SET", k, "1")},
			{in: cmd("GET", k)},
			{in: cmd("MSET", k, "1", next, "2")},
			{in: cmd("DEL", k, next)},
			{in: cmd("UNLINK", k, next)},
			{in: cmd("PING") + cmd("INCR", k) + cmd("PING")},
		} {
			p.compare(t, r)
		}
		refuses(p, cmd("MGET", k, k), "-ERR Connection refused\r\n")
		refuses(p, cmd("MGET", k, next), "-ERR Connection refused\r\n")
		for _, r := range []row{
			{in: "set " + k + " 0 0 1\r\nx\r\n"},
			{in: "get " + k + "\r\n"},
			{in: "incr " + k + " 1\r\n"},
			{in: "delete " + k + "\r\n"},
		} {
			m.compare(t, r)
		}
		refuses(m, "get "+k+" "+next+"\r\n", "SERVER_ERROR Connection refused\r\n")
	}
	if p.count+m.count < 150 {
		t.Errorf("%d exchanges", p.count+m.count)
	}
}

// moreMemcacheRows follow each other. twemproxy now and then forgets to close
// after the half close of a client whose last request is "noreply", so none is.
func moreMemcacheRows() (rows []row) {
	for _, in := range strings.Split(strings.TrimSpace(`
set a 4294967295 0 1|x
get a
gets a
set b 7 0 6|END|x
gets a b
gets a none b
get b b b
append none 0 0 1|x
prepend none 0 0 1|x
replace none 0 0 1|x
add a 0 0 1|y
append a 0 0 1|y
prepend a 0 0 1|w
get a
set n 0 0 1|5
incr n 18446744073709551610
incr n 10
decr n 3
incr none 1
add x1 0 0 1 noreply|x|get x1
replace x1 0 0 2 noreply|yy|get x1
append x1 0 0 1 noreply|z|get x1
prepend x1 0 0 1 noreply|a|get x1
get x1
set n 0 0 1 noreply|1|get n
incr n 5 noreply|get n
decr n 2 noreply|get n
get n
touch n 100 noreply|get n
touch n 0
touch none 0
delete n noreply|get n
get n
cas none 0 0 1 1 noreply|x|get none
cas a 0 0 1 18446744073709551615|x
set t 0 2000000000 1|x
get t
set k!"#$%&'()* 0 0 1|x
get k!"#$%&'()*
delete k!"#$%&'()*
get none1 none2 none3 none4
version
`), "\n") {
		rows = append(rows, row{in: strings.ReplaceAll(in, "|", "\r\n") + "\r\n"})
	}
	sets, get := "", "get"
	for i := range 100 {
		sets += fmt.Sprintf("set many%d %d 0 %d\r\n%s\r\n", i, i, 10*i, strings.Repeat("v", 10*i))
		get += fmt.Sprintf(" many%d", i)
	}
	return append(rows, row{in: sets}, row{in: get + "\r\n"}, row{in: strings.Repeat(get+"\r\n", 20) + "quit\r\n"},
		row{in: strings.Repeat("get many1\r\nget none\r\nget many2 many3\r\n", 300)},
		row{in: "set crlf 0 0 15\r\n\r\nget many1\r\n\r\n\r\nget crlf\r\n"},
		row{in: "set long 0 0 1000000\r\n" + strings.Repeat("l", 1000000) + "\r\nget long\r\nget long many1\r\n"})
}

func TestMoreAsNutcrackerMemcached(t *testing.T) {
	t.Parallel()
	p := beside(t, "hash=md5", func() []int { return []int{memcached(t), memcached(t), memcached(t)} })
	for _, r := range moreMemcacheRows() {
		p.compare(t, r)
	}
}
