package pool

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/baton-project/baton/internal/wire/resp"
)

// processRedis passes on the requests in b.
func (c *client) processRedis(b []byte) (used int) {
	for !c.stopped() {
		done, err := c.req.Parse(b[used:])
		if err != nil {
			c.refuse(protocolError + err.Error() + "\r\n")
			return len(b)
		}
		if !done {
			if c.req.Least() > readSize {
				used += c.large(b[used:])
			}
			return used
		}
		size := c.req.Size()
		c.redis(b[used : used+size])
		if c.closed {
			return len(b)
		}
		c.req = resp.Request{}
		used += size
	}
	return used
}

// The replies of twemproxy.
const (
	protocolError = "-ERR Protocol error: "
	pong          = "+PONG\r\n"
	ok            = "+OK\r\n"
)

// redis handles one request, whose bytes are b.
func (c *client) redis(b []byte) {
	cmd := resp.Find(c.req.Arg(0).Of(b))
	if why := c.check(cmd, b); why != "" {
		c.answer(why)
		return
	}
	switch cmd.Kind {
	case resp.Keyed:
		c.forward(c.req.Arg(1).Of(b), b)
	case resp.Eval:
		c.forward(c.req.Arg(3).Of(b), b)
	case resp.Keyless:
		c.forward([]byte(placeholder), b)
	case resp.CommandInfo:
		if c.req.Count == 1 {
			c.forward([]byte(placeholder), b)
			return
		}
		c.answerCommand(b)
	case resp.Values, resp.Sum, resp.SumIfMany, resp.Pairs:
		if c.req.Count == 2 || c.req.Count == 3 && cmd.Kind == resp.Pairs {
			c.forward(c.req.Arg(1).Of(b), b)
			return
		}
		c.splitRedis(cmd, b)
	case resp.Quit:
		if c.library {
			c.answer(ok)
		}
		c.ends = true
	default:
		c.answerHere(cmd, b)
	}
}

// placeholder is the key of commands without one.
const placeholder = "placeholder"

// check returns the error for a request that is not passed on.
func (c *client) check(cmd *resp.Command, b []byte) string {
	if cmd == nil {
		name := c.req.Arg(0).Of(b)
		return fmt.Sprintf("-ERR unknown command '%s'\r\n", printable(name))
	}
	if !c.authed && c.pool.guarded() && cmd.Kind != resp.Auth && cmd.Kind != resp.Hello && cmd.Kind != resp.Quit {
		return noAuth
	}
	if !cmd.Fits(c.req.Count) {
		return fmt.Sprintf("-ERR wrong number of arguments for '%s' command\r\n", cmd.Name)
	}
	if cmd.Kind == resp.Eval {
		n, err := strconv.Atoi(string(c.req.Arg(2).Of(b)))
		switch {
		case err != nil:
			return "-ERR value is not an integer or out of range\r\n"
		case n < 1:
			return "-ERR Number of keys must be positive\r\n"
		case n > c.req.Count-3:
			return "-ERR Number of keys can't be greater than number of args\r\n"
		}
	}
	return ""
}

// printable is a name as it may stand in an error.
func printable(name []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '.'
		}
		return r
	}, string(name[:min(len(name), 128)]))
}

// args are the arguments from the second one on, of a request that is small.
func (c *client) args(b []byte) []string {
	var args []string
	resp.Args(b, 1, func(_ int, at resp.Span) { args = append(args, string(at.Of(b))) })
	return args
}

// answerHere answers what no server is asked for.
func (c *client) answerHere(cmd *resp.Command, b []byte) {
	if cmd.Kind == resp.Ping && c.req.Count == 1 {
		c.answer(pong)
		return
	}
	args := c.args(b)
	switch cmd.Kind {
	case resp.Ping, resp.Echo:
		if len(args) != 1 {
			c.answer(fmt.Sprintf("-ERR wrong number of arguments for '%s' command\r\n", cmd.Name))
			return
		}
		c.answer(bulkString(args[0]))
	case resp.Auth:
		c.answer(c.authenticate(args))
	case resp.Hello:
		c.library = true
		c.answer(c.hello(args))
	case resp.Client:
		c.library = true
		c.answer(c.clientCommand(args))
	case resp.Info:
		c.answer(c.verbatim(info))
	case resp.Select:
		if args[0] == "0" || args[0] == strconv.Itoa(c.pool.conf.RedisDB) {
			c.answer(ok)
			return
		}
		c.answer("-ERR SELECT of another database than that of the pool is not supported\r\n")
	}
}

// protocolVersion is the release of Redis whose commands are known.
const protocolVersion = "7.0.0"

const info = "# Server\r\nredis_version:" + protocolVersion + "\r\nredis_mode:standalone\r\n" +
	"# Persistence\r\nloading:0\r\n# Replication\r\nrole:master\r\n# Cluster\r\ncluster_enabled:0\r\n"

func bulkString(s string) string { return "$" + strconv.Itoa(len(s)) + "\r\n" + s + "\r\n" }

// hello is HELLO.
func (c *client) hello(args []string) string {
	v3 := c.v3
	if len(args) > 0 {
		switch v, err := strconv.Atoi(args[0]); {
		case err != nil:
			return "-ERR Protocol version is not an integer or out of range\r\n"
		case v != 2 && v != 3:
			return "-NOPROTO unsupported protocol version\r\n"
		default:
			v3 = v == 3
		}
		args = args[1:]
	}
	for len(args) > 0 {
		switch word := strings.ToUpper(args[0]); {
		case word == "AUTH" && len(args) >= 3:
			if said := c.authenticate(args[1:3]); said != ok {
				return said
			}
			args = args[3:]
		case word == "SETNAME" && len(args) >= 2:
			args = args[2:]
		default:
			return "-ERR Syntax error in HELLO option '" + printable([]byte(args[0])) + "'\r\n"
		}
	}
	if !c.authed && c.pool.guarded() {
		return noAuth
	}
	c.v3 = v3
	head, version := "*14", "2"
	if v3 {
		head, version = "%7", "3"
	}
	return head + "\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n" + bulkString(protocolVersion) +
		"$5\r\nproto\r\n:" + version + "\r\n$2\r\nid\r\n:" + strconv.FormatUint(c.number, 10) +
		"\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"
}

// clientCommand is CLIENT, as far as libraries use it when they connect.
func (c *client) clientCommand(args []string) string {
	word := ""
	if len(args) > 0 {
		word = strings.ToUpper(args[0])
	}
	switch word {
	case "SETNAME", "SETINFO", "NO-EVICT", "NO-TOUCH":
		return ok
	case "GETNAME":
		return c.null()
	case "ID":
		return ":" + strconv.FormatUint(c.number, 10) + "\r\n"
	}
	return "-ERR CLIENT " + printable([]byte(word)) + " is not supported\r\n"
}

// answerCommand is COMMAND with arguments.
func (c *client) answerCommand(b []byte) {
	switch strings.ToUpper(c.args(b)[0]) {
	case "COUNT":
		c.answer(":0\r\n")
	case "DOCS":
		c.answer(c.emptyMap())
	case "INFO", "LIST":
		c.answer("*0\r\n")
	default:
		c.answer("-ERR this form of COMMAND is not supported\r\n")
	}
}
