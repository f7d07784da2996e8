package proxy_test

import (
	"net"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/freeport"
	"github.com/baton-project/baton/internal/modules"
	"github.com/baton-project/baton/internal/stream/streamtest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve serves a block until the test ends, and closes its sessions then.
func serve(t *testing.T, block string) *streamtest.Server {
	t.Helper()
	s := streamtest.Start(t, modules.Stream(), streamtest.Site{Stream: `error_log {{dir}}/error.log info;
		log_format all "$protocol $remote_addr $status $bytes_received/$bytes_sent $upstream_addr $upstream_bytes_sent/$upstream_bytes_received";
		access_log {{dir}}/access.log all; ` + block})
	t.Cleanup(s.Worker.Close)
	return s
}

// logged waits until a log has a line with pattern in it.
func logged(s *streamtest.Server, file, pattern string) { s.WaitFor(file, `.*`+pattern+`.*`) }

// A backend answers each datagram as answer says, until the test ends.
type backend struct {
	net.PacketConn
	from chan string // addresses that datagrams came from, as long as there is room
}

func startBackend(t *testing.T, answer func(asked string) []string) *backend {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{c, make(chan string, 4096)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		room := make([]byte, 64<<10)
		for {
			n, from, err := c.ReadFrom(room)
			if err != nil {
				return
			}
			select {
			case b.from <- from.String():
			default:
			}
			for _, text := range answer(string(room[:n])) {
				_, _ = c.WriteTo([]byte(text), from)
			}
		}
	}()
	t.Cleanup(func() {
		c.Close()
		<-done
	})
	return b
}

func (b *backend) String() string { return b.LocalAddr().String() }

// echoes answers with what was asked.
func echoes(asked string) []string { return []string{asked} }

// A client sends from one address.
type client struct {
	net.Conn
	t *testing.T
}

func dial(t *testing.T, address string) *client {
	t.Helper()
	c, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return &client{c, t}
}

func (c *client) say(text string) {
	c.t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) hear() string {
	c.t.Helper()
	room := make([]byte, 64<<10)
	n, err := c.Read(room)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(room[:n])
}

func (c *client) ask(text string) string {
	c.t.Helper()
	c.say(text)
	return c.hear()
}

// freeUDP is an address that nobody listens on, or sends from.
func freeUDP(t *testing.T) string { return freeport.Loopback(t) }
