package poll

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Many clients send requests in random pieces and check the echo, while
// connections come and go, buffers are often filled exactly, deadlines are
// short, and the loop is disturbed. A lost wake-up is a client that waits for
// ever. With several processors the loop, the workers and the closers truly
// run at once.
func TestNoWakeUpIsLost(t *testing.T) {
	for _, processors := range []int{1, 4} {
		t.Run("", func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
			stress(t)
		})
	}
}

// echo answers messages of 16 bytes. It goes to rest between reads, even in
// the middle of a message, reads by both kinds of read, and with small buffers.
type echo struct {
	Conn
	have   []byte
	served atomic.Int64
}

const messageSize = 16

func (e *echo) Expire(*Conn) {
	if len(e.have) > 0 {
		e.Serve(&e.Conn) // there may be more to read; never stall
		return
	}
	e.Conn.Rest(time.Duration(rand.IntN(3)) * time.Millisecond)
}

func (e *echo) Serve(*Conn) {
	e.served.Add(1)
	for range rand.IntN(3) + 1 {
		b := make([]byte, rand.IntN(messageSize)+1)
		read := e.TryRead
		if len(e.have) > 0 && rand.IntN(2) == 0 {
			read = e.Read
		}
		n, err := read(b)
		if err == ErrAgain {
			break
		}
		if err != nil {
			e.Close()
			return
		}
		e.have = append(e.have, b[:n]...)
		if len(e.have) >= messageSize {
			if _, err := e.Write(e.have[:messageSize]); err != nil {
				e.Close()
				return
			}
			e.have = append(e.have[:0], e.have[messageSize:]...)
		}
	}
	e.Conn.Rest(time.Duration(rand.IntN(5)) * time.Millisecond)
}

func stress(t *testing.T) {
	r := start(t)
	l, o := listener(t, "tcp", "127.0.0.1:0")
	spare := make(chan *echo, 100) // closed Conns are added again
	a, err := r.Listen(o, func(n int, _ Sockaddr) {
		var e *echo
		select {
		case e = <-spare:
			e.have = nil
		default:
			e = new(echo)
		}
		r.Add(&e.Conn, n, e)
		if rand.IntN(2) == 0 {
			e.Start(time.Second)
		} else {
			e.Conn.Rest(time.Millisecond)
		}
	}, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	defer a.Stop()

	stop := make(chan struct{})
	var disturbing sync.WaitGroup
	disturbing.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
			r.Post(func() {
				r.Each(func(c *Conn) {
					if rand.IntN(10) == 0 && r.Evict(c) {
						go c.Rest(time.Millisecond)
					}
				})
			})
			a.Pause(time.Millisecond)
			a.Resume()
		}
	})
	var clients sync.WaitGroup
	for range 16 {
		clients.Go(func() {
			for range 15 {
				if err := talk(l.Addr(), 20); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	clients.Wait()
	close(stop)
	disturbing.Wait()
	waitUntil(t, "all connections are closed", func() bool {
		left := 0
		onLoop(t, r, func() { r.Each(func(*Conn) { left++ }) })
		return left == 0
	})
}

// talk sends messages over a connection of its own, several at once and cut
// at random, and wants each back.
func talk(address net.Addr, messages int) error {
	peer, err := net.Dial(address.Network(), address.String())
	if err != nil {
		return err
	}
	defer peer.Close()
	peer.SetDeadline(time.Now().Add(30 * time.Second))
	for range messages {
		sent := randomBytes(messageSize * (rand.IntN(3) + 1))
		for rest := sent; len(rest) > 0; {
			n := min(len(rest), rand.IntN(messageSize*2)+1)
			if _, err := peer.Write(rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
			if rand.IntN(4) == 0 {
				runtime.Gosched()
			}
		}
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(peer, got); err != nil {
			return err
		}
		if !bytes.Equal(got, sent) {
			return os.ErrInvalid
		}
	}
	return nil
}

// Both directions of a Conn at full speed, with waits in both.
func TestStreamsInBothDirections(t *testing.T) {
	for _, processors := range []int{1, 4} {
		t.Run("", func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
			r := start(t)
			c, peer := pair(t, r, nil)
			data := randomBytes(16 << 20)
			var g sync.WaitGroup
			g.Go(func() {
				if n, err := c.Write(data); err != nil {
					t.Errorf("write: %d, %v", n, err)
				}
			})
			g.Go(func() { peer.Write(data) })
			for _, from := range []io.Reader{c, peer} {
				g.Go(func() {
					got := make([]byte, len(data))
					if n, err := io.ReadFull(from, got); err != nil || !bytes.Equal(got, data) {
						t.Errorf("read %d: %v", n, err)
					}
				})
			}
			g.Wait()
		})
	}
}

// What happens for each request must not make garbage.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	r := start(t)
	b := make([]byte, 100)
	served := make(chan bool)
	c, peer := pair(t, r, handler{serve: func(c *Conn) {
		c.Read(b)
		c.SetReadTimeout(time.Minute)
		served <- true
		c.Read(b) // waits
		c.Write(b[:1])
		c.Rest(time.Minute)
	}})
	c.Rest(time.Minute)
	answer := make([]byte, 1)
	n := testing.AllocsPerRun(200, func() {
		peer.Write(b[:1])
		<-served
		peer.Write(b[:1])
		peer.Read(answer)
	})
	if n >= 1 {
		t.Fatalf("%v allocations per request", n)
	}
}
