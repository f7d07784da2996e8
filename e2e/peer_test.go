package e2e_test

import (
	"bufio"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A peer is an upstream whose behaviour a test writes.
type peer struct {
	listener net.Listener
	all      sync.WaitGroup

	mu       sync.Mutex
	open     map[net.Conn]bool
	accepted int
}

// startPeer listens at address until the test ends, or somewhere when that is "".
// serve has the connection, which is closed behind it.
func startPeer(t testing.TB, address string, serve func(c net.Conn, in *bufio.Reader)) *peer {
	t.Helper()
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{listener: l, open: make(map[net.Conn]bool)}
	t.Cleanup(p.close)
	p.all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
			p.mu.Lock()
			p.open[c] = true
			p.accepted++
			p.mu.Unlock()
			p.all.Go(func() {
				serve(c, bufio.NewReader(c))
				_ = c.Close()
				p.mu.Lock()
				delete(p.open, c)
				p.mu.Unlock()
			})
		}
	})
	return p
}

func (p *peer) addr() string { return p.listener.Addr().String() }

// close ends it with all its connections. A second call does nothing.
func (p *peer) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	for c := range p.open {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.all.Wait()
}

// connections are how many are open, and how many there have been.
func (p *peer) connections() (open, accepted int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open), p.accepted
}

// A heard is a request as a peer got it, without the body.
type heard struct {
	method, target string
	head           string
	length         int64 // -1: in chunks
}

// field is the first value of a field, in lower case or not.
func (h heard) field(name string) string {
	for line := range strings.Lines(h.head) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(key, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// hear reads the head of a request; false when there is none.
func hear(in *bufio.Reader) (h heard, ok bool) {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return h, false
		}
		h.head += line
		if line == "\r\n" {
			break
		}
	}
	words := strings.Fields(h.head)
	h.method, h.target = words[0], words[1]
	h.length, _ = strconv.ParseInt(h.field("Content-Length"), 10, 64)
	if h.field("Transfer-Encoding") != "" {
		h.length = -1
	}
	return h, true
}

// body reads what follows the head and writes it to w.
func (h heard) body(in *bufio.Reader, w io.Writer) error {
	if h.length >= 0 {
		_, err := io.CopyN(w, in, h.length)
		return err
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(strings.TrimSpace(line), 16, 64)
		if err != nil {
			return err
		}
		if _, err := io.CopyN(w, in, size); err != nil {
			return err
		}
		if _, err := in.Discard(2); err != nil || size == 0 {
			return err
		}
	}
}
