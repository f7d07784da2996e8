package streamtest

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Backend is a server that sessions are passed on to.
type Backend struct {
	Address string // host:port
	t       testing.TB
	serve   func(net.Conn)
	l       net.Listener
	all     sync.WaitGroup

	mu   sync.Mutex        // guards what follows
	open map[net.Conn]bool // nil: it has been stopped
}

// Serve runs a backend until the test ends. serve is called for each connection,
// which is closed when it returns.
func Serve(t testing.TB, serve func(net.Conn)) *Backend {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &Backend{Address: l.Addr().String(), t: t, serve: serve, l: l, open: make(map[net.Conn]bool)}
	b.all.Go(b.accept)
	t.Cleanup(b.stop)
	return b
}

func (b *Backend) accept() {
	for {
		c, err := b.l.Accept()
		if err != nil {
			return
		}
		_ = c.SetDeadline(time.Now().Add(patience))
		if !b.enter(c) {
			_ = c.Close()
			return
		}
		b.all.Go(func() {
			b.serve(c)
			_ = c.Close()
			b.mu.Lock()
			delete(b.open, c)
			b.mu.Unlock()
		})
	}
}

func (b *Backend) enter(c net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open == nil {
		return false
	}
	b.open[c] = true
	return true
}

func (b *Backend) stop() {
	_ = b.l.Close()
	b.mu.Lock()
	for c := range b.open {
		_ = c.Close()
	}
	b.open = nil
	b.mu.Unlock()
	b.all.Wait()
}

// Echo answers every byte with itself, until the client sends no more.
func Echo(t testing.TB) *Backend {
	return Serve(t, func(c net.Conn) { _, _ = io.Copy(c, c) }) // the client checks what comes back
}

// Says sends text to whoever connects, and closes.
func Says(t testing.TB, text string) *Backend {
	return Serve(t, func(c net.Conn) { _, _ = io.WriteString(c, text) })
}
