package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"
)

// streamModule is where Debian's nginx has its stream module, which has to be named.
const streamModule = "/usr/lib/nginx/modules/ngx_stream_module.so"

// datagramServer is beside the http block of a case: it passes on what comes to
// the second address. Each datagram there and back is two for the server.
const datagramServer = `}
stream {
	server { listen {{second}} udp; proxy_pass {{backend}}; proxy_timeout 300s; }
`

// echoDatagrams is the backend: it sends back what comes. It prints where first.
func echoDatagrams() error {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	_ = c.SetReadBuffer(4 << 20) // as much as the system allows
	fmt.Println(c.LocalAddr())
	room := make([]byte, 2048)
	for {
		n, from, err := c.ReadFromUDPAddrPort(room)
		if err != nil {
			return err
		}
		_, _ = c.WriteToUDPAddrPort(room[:n], from) // what is lost is asked for again
	}
}

// exchangeDatagrams is the load: argument says where, and from how many addresses.
// For each line with a number of milliseconds it asks and waits for answers for so
// long, and prints how many came.
func exchangeDatagrams(commands io.Reader, results io.Writer, argument string) error {
	var addr string
	var n int
	if _, err := fmt.Sscan(argument, &addr, &n); err != nil {
		return err
	}
	conns := make([]net.Conn, n)
	for i := range conns {
		var err error
		if conns[i], err = net.Dial("udp4", addr); err != nil {
			return err
		}
	}
	for lines := bufio.NewScanner(commands); lines.Scan(); {
		milliseconds, err := strconv.Atoi(lines.Text())
		if err != nil {
			return err
		}
		sum, err := askFor(conns, time.Duration(milliseconds)*time.Millisecond)
		if err != nil {
			return err
		}
		fmt.Fprintln(results, sum)
	}
	return nil
}

func askFor(conns []net.Conn, d time.Duration) (sum int, err error) {
	var all sync.WaitGroup
	counts, errs := make([]int, len(conns)), make([]error, len(conns))
	end := time.Now().Add(d)
	for i, c := range conns {
		all.Go(func() {
			var message [messageSize]byte
			for errs[i] == nil && time.Now().Before(end) {
				_ = c.SetReadDeadline(time.Now().Add(time.Second))
				if _, errs[i] = c.Write(message[:]); errs[i] == nil {
					_, errs[i] = c.Read(message[:])
				}
				if errors.Is(errs[i], os.ErrDeadlineExceeded) {
					errs[i] = nil // lost
					continue
				}
				counts[i]++
			}
		})
	}
	all.Wait()
	for i := range conns {
		sum += counts[i]
	}
	return sum, errors.Join(errs...)
}

// runDatagrams measures datagrams there and back.
func runDatagrams(ctx context.Context, b *bench, c *benchCase) (heading, row string, err error) {
	return b.exchange(ctx, c, "udpecho", func(s *server) string {
		return fmt.Sprintf("datagrams %s %d", s.second, c.load.connections)
	})
}
