package pool

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/freeport"
	"github.com/baton-project/baton/internal/poll"
)

// lookAtClients calls f with every client of w, none of which is at work meanwhile.
func (w *Worker) lookAtClients(f func(*client)) {
	done := make(chan struct{})
	w.reactor.Post(func() {
		defer close(done)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.reactor.Each(func(p *poll.Conn) {
			if c, is := p.Handler().(*client); is {
				f(c)
			}
		})
	})
	<-done
}

// kept is what w keeps for clients, and how many of these nobody reads from.
func (w *Worker) kept() (bytes, stopped int) {
	w.lookAtClients(func(c *client) {
		bytes += len(c.in) + len(c.out) + c.held
		if c.paused || c.writing {
			stopped++
		}
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.pools {
		for _, s := range p.servers {
			for _, l := range s.all() {
				bytes += len(l.in) + len(l.out)
			}
		}
	}
	return bytes, stopped
}

// endless sends in again and again until the test ends.
func endless(c net.Conn, in string) {
	go func() {
		for {
			if _, err := io.WriteString(c, in); err != nil {
				return
			}
		}
	}()
}

// waitStopped waits until nobody reads from so many clients, and wants little to
// be kept for them then.
func (w *Worker) waitStopped(t *testing.T, clients, bound int) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		bytes, stopped := w.kept()
		if bytes > bound {
			t.Fatalf("%d bytes are kept for %d clients", bytes, clients)
		}
		if stopped == clients {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d clients are still read from", clients-stopped, clients)
		}
	}
}

// A server that neither answers nor reads makes clients wait, and costs no memory.
func TestServerThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	value := strings.Repeat("x", 3000)
	for _, tt := range []struct{ options, in string }{
		{"redis=true", cmd("GET", "k")},
		{"redis=true", cmd("SET", "k", value)},
		{"redis=true", cmd("MGET", "a", "b", "c", "d", "e")},
		{"hash=md5", "get k\r\n"},
		{"hash=md5", "set k 0 0 3000\r\n" + value + "\r\n"},
		{"hash=md5", "set k 0 0 3000 noreply\r\n" + value + "\r\n"},
		{"hash=md5", "get a b c d e\r\n"},
	} {
		t.Run(strings.ReplaceAll(tt.in[:min(len(tt.in), 40)], "\r\n", " "), func(t *testing.T) {
			t.Parallel()
			one, _ := backend(t) // connected to, and never accepted from
			two, _ := backend(t)
			port := freeport.Reserve(t)
			w := serve(t, pool(port, tt.options, one, two))
			const clients = 8
			for range clients {
				endless(dial(t, port), strings.Repeat(tt.in, 20))
			}
			w.waitStopped(t, clients, 2*(maxUnsent+clients*readSize)+clients*(readSize+256*len(tt.in)))
		})
	}
}

// A client that reads nothing costs no memory, however small the replies are, and
// whoever makes them.
func TestRepliesThatNobodyReads(t *testing.T) {
	t.Parallel()
	back := redis(t)
	cache := memcached(t)
	talk(t, dial(t, back), cmd("SET", "k", strings.Repeat("x", 3000)), ok)
	talk(t, dial(t, cache), "set k 0 0 3000\r\n"+strings.Repeat("x", 3000)+"\r\n", "STORED\r\n")
	for _, tt := range []struct {
		options string
		back    int
		in      string
	}{
		{"redis=true", back, cmd("PING")},
		{"redis=true", back, cmd("NOSUCH")},
		{"redis=true", back, cmd("GET", "none")},
		{"redis=true", back, cmd("GET", "k")},
		{"redis=true", back, cmd("MGET", "k", "none", "k")},
		{"hash=md5", cache, "get none\r\n"},
		{"hash=md5", cache, "get k\r\n"},
		{"hash=md5", cache, "get k none k\r\n"},
		{"hash=md5", cache, "nosuch\r\n"},
	} {
		t.Run(strings.ReplaceAll(tt.in, "\r\n", " "), func(t *testing.T) {
			t.Parallel()
			port := freeport.Reserve(t)
			w := serve(t, pool(port, tt.options, tt.back, tt.back))
			const clients = 3
			for range clients {
				endless(dial(t, port), strings.Repeat(tt.in, 50))
			}
			w.waitStopped(t, clients, clients*(maxHeld+tooMuch+readSize)+maxUnsent)
		})
	}
}

// A large value passes as it comes: the first part is there before the last one
// was sent, in both directions.
func TestLargeValuesAreStreamed(t *testing.T) {
	t.Parallel()
	const half = 4 << 20
	part := strings.Repeat("v", half)
	for _, tt := range []struct{ options, set, stored, get, head, tail string }{
		{"redis=true", fmt.Sprintf("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n", 2*half), ok, cmd("GET", "k"),
			fmt.Sprintf("$%d\r\n", 2*half), "\r\n"},
		{"hash=md5", fmt.Sprintf("set k 0 0 %d\r\n", 2*half), "STORED\r\n", "get k\r\n",
			fmt.Sprintf("VALUE k 0 %d\r\n", 2*half), "\r\nEND\r\n"},
	} {
		t.Run(tt.options, func(t *testing.T) {
			t.Parallel()
			back, accept := backend(t)
			port := freeport.Reserve(t)
			serve(t, pool(port, tt.options, back))
			c := dial(t, port)
			send := func(to net.Conn, text string) {
				if _, err := io.WriteString(to, text); err != nil {
					t.Error(err)
				}
			}
			// The last bytes of a part may wait for more.
			const most = half - 4*readSize
			go send(c, tt.set+part)
			b := accept()
			expect(t, b, tt.set+part[:most])
			go send(c, part+"\r\n")
			expect(t, b, part[most:]+part+"\r\n")
			send(b, tt.stored)
			expect(t, c, tt.stored)

			send(c, tt.get)
			b = accept() // requests that are not large go over another one
			expect(t, b, tt.get)
			go send(b, tt.head+part)
			expect(t, c, tt.head+part[:most])
			go send(b, part+tt.tail)
			expect(t, c, part[most:]+part+tt.tail)
		})
	}
}

// What a large value's receiver does not take stays with its sender.
func TestLargeValueThatNobodyTakes(t *testing.T) {
	t.Parallel()
	const size = 512 << 20 // more than all buffers of the kernel
	back, accept := backend(t)
	port := freeport.Reserve(t)
	w := serve(t, pool(port, "redis=true", back))
	head := fmt.Sprintf("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n", size)
	c := dial(t, port)
	if _, err := io.WriteString(c, head); err != nil {
		t.Fatal(err)
	}
	part := strings.Repeat("x", 1<<20)
	sent := 0
	for ; sent < size; sent += len(part) {
		_ = c.SetWriteDeadline(time.Now().Add(2 * time.Second))
		if _, err := io.WriteString(c, part); err != nil {
			break // it is not taken any more
		}
	}
	if sent >= size {
		t.Error("all of a large value was taken, and the server has read nothing")
	}
	if bytes, _ := w.kept(); bytes > 4*readSize {
		t.Errorf("%d bytes are kept", bytes)
	}
	accept().Close()
}
