package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"time"
)

const idleHeading = `| case | connections | baton bytes | nginx bytes | ratio |
|---|---|---|---|---|
`

// runIdle opens thousands of keep-alive connections, with one request on each, and
// looks at how much the worker's memory has grown.
func runIdle(ctx context.Context, b *bench, c *benchCase) (heading, row string, err error) {
	var samples [2][]float64
	for range min(b.rounds, 3) {
		for i, p := range b.programs {
			grown, err := b.idleMemory(ctx, p, c.load.conf)
			if err != nil {
				return idleHeading, "", err
			}
			samples[i] = append(samples[i], float64(grown)/float64(b.idle))
		}
	}
	baton, nginx := median(samples[0]), median(samples[1])
	return idleHeading, fmt.Sprintf("| %s | %d | %.0f | %.0f | **%.2f** |\n", c.name, b.idle, baton, nginx, baton/nginx), nil
}

// idleMemory is by how many bytes the worker of a fresh server grows.
func (b *bench) idleMemory(ctx context.Context, p program, conf string) (int64, error) {
	s, err := b.newServer(p, configuration(conf, ""))
	if err != nil {
		return 0, err
	}
	if err := s.start(ctx); err != nil {
		return 0, err
	}
	defer s.stop()
	if err := s.findWorker(); err != nil {
		return 0, err
	}
	warm := idleClients{addr: s.addr}
	defer warm.close()
	if err := warm.open(ctx, 100); err != nil {
		return 0, err
	}
	before, err := settled(ctx, s.worker)
	if err != nil {
		return 0, err
	}
	idle := idleClients{addr: s.addr}
	defer idle.close()
	if err := idle.open(ctx, b.idle); err != nil {
		return 0, err
	}
	after, err := settled(ctx, s.worker)
	return after - before, err
}

// settled is the worker's memory after a time in which nothing was asked of it. A
// garbage collector may use that time.
func settled(ctx context.Context, pid int) (int64, error) {
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return resident(pid)
}

// idleClients are open connections.
type idleClients struct {
	addr   string
	config *tls.Config // nil: without TLS
	conns  []net.Conn
}

// open opens n more and sends one request over each.
func (k *idleClients) open(ctx context.Context, n int) error {
	buf := make([]byte, 4096)
	for range n {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c, err := net.Dial("tcp", k.addr)
		if err != nil {
			return err
		}
		k.conns = append(k.conns, c)
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		if k.config != nil {
			c = tls.Client(c, k.config)
			k.conns[len(k.conns)-1] = c
		}
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"); err != nil {
			return err
		}
		got := 0
		for !bytes.HasSuffix(buf[:got], []byte("hello, world\n")) {
			n, err := c.Read(buf[got:])
			if err != nil {
				return fmt.Errorf("connection %d: %w", len(k.conns), err)
			}
			got += n
		}
	}
	return nil
}

func (k *idleClients) close() {
	for _, c := range k.conns {
		if over, ok := c.(*tls.Conn); ok {
			c = over.NetConn()
		}
		c.(*net.TCPConn).SetLinger(0) // thousands of ports must not stay in TIME_WAIT
		c.Close()
	}
}
