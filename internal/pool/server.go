package pool

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/pool/nutcracker"
	"github.com/baton-project/baton/internal/wire/resp"
)

// A server is one server of a pool, as one worker uses it.
type server struct {
	pool  *livePool
	conf  *nutcracker.Server
	index int
	board *serverBoard

	links []*link // nil where none is open
	aside []*link
	bulks bulks
	moved int64 // tick at which sayMoved has spoken

	complained int64 // the same for complain
}

// all are the links there are.
func (s *server) all() []*link {
	var all []*link
	for _, l := range s.links {
		if l != nil {
			all = append(all, l)
		}
	}
	return append(all, s.aside...)
}

// link is the one that a client's requests go over: always the same one, so that
// they are in order.
func (s *server) link(c *client) *link {
	slot := 0
	if n := s.pool.conf.ServerConnections; n > 1 {
		slot = int(c.number % uint64(n))
	}
	if c.v3 {
		slot += s.pool.conf.ServerConnections
	}
	if l := s.links[slot]; l != nil {
		return l
	}
	return s.open(slot)
}

// open begins to open a link.
func (s *server) open(slot int) *link {
	v3 := slot >= s.pool.conf.ServerConnections
	l := &link{worker: s.pool.worker, server: s, slot: slot, busy: true, v3: v3, reply: resp.Reply{V3: v3}}
	s.links[slot] = l
	s.board.connection(1)
	go l.connect()
	return l
}

// connect opens the connection, and sends what has come together meanwhile,
// behind what the server wants to be told first.
func (l *link) connect() {
	w, s := l.worker, l.server
	err := s.dial(&l.conn, l)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.reactor.Tick()
	switch {
	case l.closed:
		_ = l.Close() // it was given up meanwhile
		return
	case err != nil:
		l.fail(err)
		return
	}
	l.greet()
	l.ready, l.busy = true, false
	l.Rest(0)
	l.markDirty()
}

// greet puts AUTH and SELECT before everything else. Their replies go nowhere.
func (l *link) greet() {
	words := l.server.greeting(l.v3)
	if len(words) == 0 {
		return
	}
	w := l.worker
	var size int64
	text := w.spare()
	var first, last *request
	for _, word := range words {
		text = append(text, word...)
		r := w.request()
		r.silent, r.at, r.size = true, w.now, len(word)
		size += int64(len(word))
		r.end = size
		if last == nil {
			first = r
		} else {
			last.behind = r
		}
		last = r
	}
	for r := l.head; r != nil; r = r.behind {
		r.end += size
	}
	if last.behind = l.head; l.head == nil {
		l.tail = last
	}
	l.head = first
	l.out = append(text, l.out...)
	l.queued += size
}

// greeting are the requests that a new connection begins with.
func (s *server) greeting(v3 bool) (words []string) {
	conf := s.pool.conf
	name := conf.RedisUser
	switch {
	case !conf.Redis:
		return nil
	case v3 && conf.RedisAuth != "":
		if name == "" {
			name = defaultUser
		}
		words = append(words, "*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n"+bulkString(name)+bulkString(conf.RedisAuth))
	case v3:
		words = append(words, "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n")
	case name != "":
		words = append(words, "*3\r\n$4\r\nAUTH\r\n"+bulkString(name)+bulkString(conf.RedisAuth))
	case conf.RedisAuth != "":
		words = append(words, "*2\r\n$4\r\nAUTH\r\n"+bulkString(conf.RedisAuth))
	}
	if conf.RedisDB > 0 {
		db := strconv.Itoa(conf.RedisDB)
		words = append(words, "*2\r\n$6\r\nSELECT\r\n$"+strconv.Itoa(len(db))+"\r\n"+db+"\r\n")
	}
	return words
}

// errNoHost says that a name was not found.
var errNoHost = errors.New("host not found")

// dial opens a connection to the server, with TLS where that is spoken, and may
// wait.
func (s *server) dial(c *conn, h poll.Handler) error {
	return s.dialWithin(c, h, s.pool.conf.Timeout)
}

func (s *server) dialWithin(c *conn, h poll.Handler, timeout time.Duration) error {
	to := poll.Endpoint{Path: s.conf.Path}
	if to.Path == "" {
		addr, err := lookup(s.conf.Host)
		if err != nil {
			return err
		}
		to.IP = netip.AddrPortFrom(addr, uint16(s.conf.Port))
	}
	if err := s.pool.worker.reactor.Dial(&c.Conn, &poll.Outgoing{To: to, Timeout: timeout}, h); err != nil {
		return err
	}
	return s.secure(c, to.String(), timeout)
}

// lookupBound is how long a name server may take.
const lookupBound = 10 * time.Second

// lookup finds the first address of a host, each time anew.
func lookup(host string) (netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupBound)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil || len(found) == 0 {
		return netip.Addr{}, errNoHost
	}
	return found[0].Unmap(), nil
}

// remove takes l out of the lists.
func (s *server) remove(l *link) {
	if !l.aside {
		if s.links[l.slot] == l {
			s.links[l.slot] = nil
		}
		return
	}
	for i, o := range s.aside {
		if o == l {
			s.aside = append(s.aside[:i], s.aside[i+1:]...)
			return
		}
	}
}

// retire closes a link over which nothing is under way.
func (l *link) retire() {
	if l.closed {
		return
	}
	l.closed = true
	l.server.remove(l)
	l.server.board.connection(-1)
	w := l.worker
	for r := l.head; r != nil; {
		next := r.behind
		w.release(r)
		r = next
	}
	l.head, l.tail = nil, nil
	switch {
	case l.writing:
		l.Wake(errClosed)
	case l.ready:
		_ = l.Close() // at rest or ours
	default:
		l.Wake(errClosed) // connect closes it
	}
}

// failed counts a connection that has ended badly.
func (s *server) failed() {
	p := s.pool
	if !p.conf.AutoEjectHosts {
		return
	}
	if s.board.failed(p.conf.FailureLimit, p.conf.RetryTimeout, p.checked()) {
		p.board.ejected()
		p.watch()
		p.worker.main.logger.Logf(log.Warn, 0, "server %s of pool %s is ejected for %d ms", s.conf.Name, p.conf.Name,
			p.conf.RetryTimeout.Milliseconds())
	}
}

// movedEvery is how often a redirection is logged.
const movedEvery = 60_000 // ms

// sayMoved tells the administrator that a server belongs to a Redis Cluster.
func (s *server) sayMoved(line []byte) {
	if now := s.pool.worker.now; s.moved == 0 || now-s.moved >= movedEvery {
		s.moved = now
		s.pool.worker.main.logger.Logf(log.Error, 0,
			"server %s of pool %s answers %q: nodes of a Redis Cluster are not supported as servers of a pool",
			s.conf.Name, s.pool.conf.Name, line)
	}
}

// reason is what clients are told of a link that has failed, in nutcracker's
// words.
func reason(err error) string {
	var errno unix.Errno
	switch {
	case errors.Is(err, io.EOF):
		return "unknown"
	case err == errTimeout, errors.Is(err, poll.ErrTimeout):
		return "Connection timed out"
	case err == errNoHost:
		return "Host is down"
	case err == errVersion:
		return "server refuses version 3 of the protocol"
	case errors.Is(err, errHandshake):
		return "TLS handshake failed"
	case errors.As(err, &errno):
		if text, known := errnoText[errno]; known {
			return text
		}
		return errno.Error()
	}
	return "Invalid argument"
}

// errnoText are the words of strerror(3) for what may happen to a connection.
var errnoText = map[unix.Errno]string{
	unix.ECONNREFUSED: "Connection refused",
	unix.ETIMEDOUT:    "Connection timed out",
	unix.ECONNRESET:   "Connection reset by peer",
	unix.EPIPE:        "Broken pipe",
	unix.EHOSTUNREACH: "No route to host",
	unix.ENETUNREACH:  "Network is unreachable",
	unix.ENOENT:       "No such file or directory",
	unix.EACCES:       "Permission denied",
	unix.EHOSTDOWN:    "Host is down",
}
