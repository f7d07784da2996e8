package pool

import (
	"errors"
	"strconv"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/pool/nutcracker"
)

// A client that has said HELLO 3 gets replies in version 3 of Redis' protocol:
// its requests go over links of their own, over which HELLO 3 was said too. They
// stand behind the others among the server's links, and are opened when they are
// needed. Nothing comes over them without having been asked for, as what asks for
// that (subscriptions, tracking) is not passed on.

// errVersion says that a server does not speak version 3, or does not let us in.
// It is no failure of the server: others may be served well.
var errVersion = errors.New("server refuses version 3 of the protocol")

// versions is how many kinds of links a server of the pool has.
func versions(p *nutcracker.Pool) int {
	if p.Redis {
		return 2
	}
	return 1
}

// sayVersion tells the administrator why a link in version 3 is refused.
func (s *server) sayVersion(line []byte) {
	w := s.pool.worker
	if s.complained == 0 || w.now-s.complained >= complainEvery {
		s.complained = w.now
		w.main.logger.Logf(log.Error, 0, "server %s of pool %s: HELLO 3 or SELECT: %s", s.conf.Name, s.pool.conf.Name, line)
	}
}

// null is the reply that there is nothing.
func (c *client) null() string {
	if c.v3 {
		return "_\r\n"
	}
	return "$-1\r\n"
}

// emptyMap is a map without keys.
func (c *client) emptyMap() string {
	if c.v3 {
		return "%0\r\n"
	}
	return "*0\r\n"
}

// verbatim is a text for people.
func (c *client) verbatim(text string) string {
	if c.v3 {
		return "=" + strconv.Itoa(len(text)+4) + "\r\ntxt:" + text + "\r\n"
	}
	return bulkString(text)
}
