package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// sessionServer is beside the http block of a case: it passes on, byte by byte, what
// comes to the second address.
const sessionServer = `}
stream {
	server { listen {{second}}; proxy_pass {{backend}}; proxy_timeout 300s; }
`

// serveConns is a backend: serve has each connection until it returns.
func serveConns(l net.Listener, serve func(net.Conn) error) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			_ = serve(c) // until the client has gone
		}()
	}
}

// echoBytes sends back what comes. Room of its own keeps splice(2) out of it: for 64
// bytes that is dearer.
func echoBytes(c net.Conn) error {
	room := make([]byte, 4096)
	for {
		n, err := c.Read(room)
		if err != nil {
			return err
		}
		if _, err := c.Write(room[:n]); err != nil {
			return err
		}
	}
}

// pour sends as much as the client takes.
func pour(c net.Conn) error {
	piece := make([]byte, 256<<10)
	for {
		if _, err := c.Write(piece); err != nil {
			return err
		}
	}
}

// readFor reads for d, and returns how many MB there were.
func readFor(conns []net.Conn, d time.Duration) (int, error) {
	var all sync.WaitGroup
	counts, errs := make([]int, len(conns)), make([]error, len(conns))
	end := time.Now().Add(d)
	for i, c := range conns {
		all.Go(func() {
			room := make([]byte, 256<<10)
			for errs[i] == nil && time.Now().Before(end) {
				var n int
				n, errs[i] = c.Read(room)
				counts[i] += n
			}
		})
	}
	all.Wait()
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return sum / 1e6, errors.Join(errs...)
}

// runSessions measures messages there and back.
func runSessions(ctx context.Context, b *bench, c *benchCase) (heading, row string, err error) {
	return b.exchange(ctx, c, "tcpecho", func(s *server) string {
		return fmt.Sprintf("sessions %s %d", s.second, c.load.connections)
	})
}

// runDownloads measures MB from the backend to the client; where a row says requests
// it means them.
func runDownloads(ctx context.Context, b *bench, c *benchCase) (heading, row string, err error) {
	return b.exchange(ctx, c, "source", func(s *server) string {
		return fmt.Sprintf("downloads %s %d", s.second, c.load.connections)
	})
}

// runIdleSessions is by how much a worker grows with each session through which
// nothing goes any more, after one byte there and back.
func runIdleSessions(ctx context.Context, b *bench, c *benchCase) (heading, row string, err error) {
	return b.idleTunnels(ctx, c, "tcpecho", func(s *server) (net.Conn, error) {
		conn, err := dialTCP(s.second)
		if err != nil {
			return nil, err
		}
		var one [1]byte
		if _, err = conn.Write(one[:]); err == nil {
			_, err = io.ReadFull(conn, one[:])
		}
		if err != nil {
			conn.Close()
		}
		return conn, err
	})
}
