package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// upgrade asks for a WebSocket; the bytes after it are nobody's business but the
// two ends', so they need not be frames.
const upgrade = "GET /ws HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

// messageSize is the size of a message and of its echo.
const messageSize = 64

// tunneled is the inside of the server block that passes WebSockets on.
const tunneled = `location / { return 200 "hello, world\n"; }
		location /ws { proxy_pass http://{{backend}}; proxy_http_version 1.1; proxy_read_timeout 300s;
			proxy_set_header Connection upgrade; proxy_set_header Upgrade websocket; }`

// echo is the backend: it takes over the connection and sends back what comes.
func echo(w http.ResponseWriter, _ *http.Request) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer c.Close()
	if _, err := io.WriteString(c, switching); err == nil {
		_, _ = io.Copy(c, c) // until the client has gone
	}
}

// dialWebSocket opens one, and waits until it is.
func dialWebSocket(addr string) (net.Conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	if _, err = io.WriteString(c, upgrade); err == nil {
		head := bufio.NewReaderSize(c, 1024)
		for line := "-"; err == nil && strings.TrimSpace(line) != ""; {
			if line, err = head.ReadString('\n'); strings.HasPrefix(line, "HTTP/") && !strings.Contains(line, " 101 ") {
				err = fmt.Errorf("no WebSocket: %s", strings.TrimSpace(line))
			}
		}
	}
	if err != nil {
		c.Close()
	}
	return c, err
}

// dialTCP opens a connection through which bytes go as they are.
func dialTCP(addr string) (net.Conn, error) { return net.Dial("tcp", addr) }

// A dialer opens a connection through a server to its backend.
type dialer func(addr string) (net.Conn, error)

// loadConns is a load: argument says where, and over how many connections. For each
// line with a number of milliseconds it has work use all of them for so long, and
// prints what that returns.
func loadConns(commands io.Reader, results io.Writer, argument string, dial dialer,
	work func([]net.Conn, time.Duration) (int, error)) error {
	addr, count, _ := strings.Cut(argument, " ")
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	conns := make([]net.Conn, n)
	for i := range conns {
		if conns[i], err = dial(addr); err != nil {
			return err
		}
	}
	for lines := bufio.NewScanner(commands); lines.Scan(); {
		milliseconds, err := strconv.Atoi(lines.Text())
		if err != nil {
			return err
		}
		sum, err := work(conns, time.Duration(milliseconds)*time.Millisecond)
		if err != nil {
			return err
		}
		fmt.Fprintln(results, sum)
	}
	return nil
}

// exchangeFor sends messages for d, and returns how many came back.
func exchangeFor(conns []net.Conn, d time.Duration) (sum int, err error) {
	var all sync.WaitGroup
	counts, errs := make([]int, len(conns)), make([]error, len(conns))
	end := time.Now().Add(d)
	for i, c := range conns {
		all.Go(func() {
			var message [messageSize]byte
			for errs[i] == nil && time.Now().Before(end) {
				if _, errs[i] = c.Write(message[:]); errs[i] == nil {
					_, errs[i] = io.ReadFull(c, message[:])
				}
				counts[i]++
			}
		})
	}
	all.Wait()
	for i := range conns {
		if errs[i] != nil {
			return 0, errs[i]
		}
		sum += counts[i]
	}
	return sum, nil
}

// runWebSockets measures messages there and back through open WebSockets.
func runWebSockets(ctx context.Context, b *bench, c *benchCase) (heading, row string, err error) {
	return b.exchange(ctx, c, "echo", func(s *server) string {
		return fmt.Sprintf("websockets %s %d", s.addr, c.load.connections)
	})
}

// exchange measures messages that a role, which load names, exchanges with another
// one, backend, through the servers.
func (b *bench) exchange(ctx context.Context, c *benchCase, echo string, load func(*server) string) (heading, row string, err error) {
	backend, err := play(ctx, loadCore, echo, true)
	if err != nil {
		return loadHeading, "", err
	}
	defer backend.stop()
	var servers [2]*server
	var clients [2]*player
	for i, p := range b.programs {
		if servers[i], err = b.startCase(ctx, p, c, backend.addr); err != nil {
			return loadHeading, "", err
		}
		defer servers[i].stop()
		if clients[i], err = play(ctx, loadCore, load(servers[i]), false); err != nil {
			return loadHeading, "", err
		}
		defer clients[i].stop()
		if _, err := messageRound(servers[i], clients[i], time.Second); err != nil { // warm up
			return loadHeading, "", err
		}
	}
	var samples [2][]sample
	for range b.rounds {
		for i := range servers {
			got, err := messageRound(servers[i], clients[i], b.duration)
			if err != nil {
				return loadHeading, "", err
			}
			samples[i] = append(samples[i], got)
		}
	}
	return loadHeading, loadRow(c.name, samples), nil
}

// messageRound has the client exchange messages for d.
func messageRound(s *server, client *player, d time.Duration) (sample, error) {
	return s.measure(func() (exchanged, rate float64, err error) {
		fmt.Fprintln(client.in, d.Milliseconds())
		line, err := client.line()
		if err != nil {
			return 0, 0, err
		}
		exchanged, err = strconv.ParseFloat(line, 64)
		return exchanged, exchanged / d.Seconds(), err
	})
}

// runIdleWebSockets is by how much a worker grows with each WebSocket through which
// nothing goes.
func runIdleWebSockets(ctx context.Context, b *bench, c *benchCase) (heading, row string, err error) {
	return b.idleTunnels(ctx, c, "echo", func(s *server) (net.Conn, error) { return dialWebSocket(s.addr) })
}

// idleTunnels is by how much a worker grows with each connection, that open makes,
// through it to a role.
func (b *bench) idleTunnels(ctx context.Context, c *benchCase, echo string, open func(*server) (net.Conn, error)) (heading, row string, err error) {
	backend, err := play(ctx, loadCore, echo, true)
	if err != nil {
		return idleHeading, "", err
	}
	defer backend.stop()
	count := min(b.idle, 5000)
	var bytes [2]float64
	for i, p := range b.programs {
		grown, err := b.tunnelMemory(ctx, p, c, backend.addr, count, open)
		if err != nil {
			return idleHeading, "", err
		}
		bytes[i] = float64(grown) / float64(count)
	}
	return idleHeading, fmt.Sprintf("| %s | %d | %.0f | %.0f | **%.2f** |\n", c.name, count, bytes[0], bytes[1], bytes[0]/bytes[1]), nil
}

func (b *bench) tunnelMemory(ctx context.Context, p program, c *benchCase, backend string, count int, dial func(*server) (net.Conn, error)) (int64, error) {
	s, err := b.startCase(ctx, p, c, backend)
	if err != nil {
		return 0, err
	}
	defer s.stop()
	open := idleClients{addr: s.addr}
	defer open.close()
	var before int64
	for i := range count + 100 {
		if i == 100 { // the first ones warm up
			if before, err = settled(ctx, s.worker); err != nil {
				return 0, err
			}
		}
		conn, err := dial(s)
		if err != nil {
			return 0, fmt.Errorf("connection %d: %w", i, err)
		}
		open.conns = append(open.conns, conn)
	}
	after, err := settled(ctx, s.worker)
	return after - before, err
}
