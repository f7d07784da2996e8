package e2e_test

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

const tunnelSite = `
	daemon on; worker_processes 2;
	http {
		log_format tunnels "$status $upstream_addr $upstream_bytes_sent $upstream_bytes_received";
		access_log access.log tunnels;
		server { listen {{web}}; location / {
			proxy_pass http://UPSTREAM; proxy_http_version 1.1;
			proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
		} }
	}`

// echoUpstream answers each request with 101 and then every byte with itself.
func echoUpstream(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := bufio.NewReader(c)
				for {
					line, err := in.ReadString('\n')
					if err != nil {
						return
					}
					if line == "\r\n" {
						break
					}
				}
				fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
				_, _ = io.Copy(c, in)
			}()
		}
	}()
	return l.Addr().String()
}

func openTunnel(b *e2e.Server) *e2e.Client { return openTunnelAt(b, "/") }

func openTunnelAt(b *e2e.Server, path string) *e2e.Client {
	c := b.Dial("web")
	c.Send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		head.Write(c.ReadN(1))
	}
	return c
}

func TestHandoverOfTunnels(t *testing.T) {
	e2e.OnlyBaton(t, "nginx keeps the worker")
	for name, event := range events {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := e2e.Start(t, strings.Replace(tunnelSite, "UPSTREAM", echoUpstream(t), 1))
			var quiet []*e2e.Client
			for range 20 {
				quiet = append(quiet, openTunnel(b))
			}
			echo := func(text string) {
				for _, c := range quiet {
					c.Send(text)
					if got := string(c.ReadN(len(text))); got != text {
						t.Fatalf("%q came back as %q", text, got)
					}
				}
			}
			bulk := startBulk(t, openTunnel(b).Conn())
			echo("before")
			old := b.Workers()
			event(b)
			b.WaitGone(old, goneBound)
			echo("after")
			event(b)
			echo("and again")
			bulk.finish()
			for _, c := range quiet {
				c.Close()
			}
			size := len("before" + "after" + "and again")
			request := 0
			if !e2e.Eventually(goneBound, func() bool {
				lines := strings.Split(strings.TrimSpace(b.Read("access.log")), "\n")
				request = len(lines)
				return len(lines) == len(quiet)
			}) {
				t.Errorf("%d lines in the access log:\n%s", request, b.Read("access.log"))
			}
			for _, line := range strings.Split(strings.TrimSpace(b.Read("access.log")), "\n") {
				var status, sent, received int
				var address string
				if _, err := fmt.Sscan(line, &status, &address, &sent, &received); err != nil ||
					status != 101 || sent < size || received < size {
					t.Errorf("access log: %q, %v", line, err)
				}
			}
		})
	}
}

// What CONNECT has opened moves as well.
func TestHandoverOfConnect(t *testing.T) {
	e2e.OnlyBaton(t, "nginx keeps the worker")
	t.Parallel()
	upstream := echoUpstream(t)
	b := e2e.Start(t, `daemon on; worker_processes 2; http {
		log_format tunnels "$request_method $status $upstream_addr $upstream_bytes_sent";
		access_log access.log tunnels;
		server { listen {{web}}; tunnel_pass; }
	}`)
	c := b.Dial("web")
	head := func(request string) {
		c.Send(request)
		for got := ""; !strings.HasSuffix(got, "\r\n\r\n"); got += string(c.ReadN(1)) {
		}
	}
	head("CONNECT " + upstream + " HTTP/1.1\r\nHost: " + upstream + "\r\n\r\n")
	const request = "GET / HTTP/1.1\r\n\r\n"
	head(request)
	for _, text := range []string{"before", "after"} {
		c.Send(text)
		if got := string(c.ReadN(len(text))); got != text {
			t.Fatalf("%q came back as %q", text, got)
		}
		if text == "before" {
			b.WaitGone(b.Reload(), goneBound)
		}
	}
	c.Close()
	line := fmt.Sprintf("CONNECT 200 %s %d\n", upstream, len(request+"before"+"after"))
	if !e2e.Eventually(goneBound, func() bool { return b.Read("access.log") == line }) {
		t.Errorf("access log: %q, want %q", b.Read("access.log"), line)
	}
}

// A tunnel whose route is gone goes on, or not, as handover_orphans says.
func TestHandoverOfOrphans(t *testing.T) {
	e2e.OnlyBaton(t, "nginx keeps the worker")
	for name, closes := range map[string]bool{"keep": false, "close": true, "close 10ms": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := strings.Replace(tunnelSite, "daemon on;", "daemon on; handover_orphans "+name+";", 1)
			upstream := echoUpstream(t)
			b := e2e.Start(t, strings.Replace(site, "UPSTREAM", upstream, 1))
			c := openTunnel(b)
			b.Rewrite("proxy_pass http://"+upstream+";", "return 204;")
			b.WaitGone(b.Reload(), goneBound)
			if closes {
				c.WantClosed(goneBound)
				return
			}
			c.Send("still here")
			if got := string(c.ReadN(10)); got != "still here" {
				t.Errorf("%q", got)
			}
		})
	}
}

// A bulk is a client that sends random bytes as fast as they come back.
type bulk struct {
	t    *testing.T
	stop atomic.Bool
	done chan error
}

func startBulk(t *testing.T, conn net.Conn) *bulk {
	b := &bulk{t: t, done: make(chan error, 1)}
	_ = conn.SetDeadline(time.Now().Add(2 * time.Minute))
	sent, got := sha256.New(), sha256.New()
	total := make(chan int64, 1)
	go func() {
		source := rand.NewChaCha8([32]byte{1})
		piece := make([]byte, 50_000)
		n := int64(0)
		for !b.stop.Load() {
			_, _ = source.Read(piece)
			sent.Write(piece)
			m, err := conn.Write(piece)
			if n += int64(m); err != nil {
				break
			}
			time.Sleep(time.Millisecond) // leave the machine to others
		}
		total <- n
	}()
	go func() {
		buf := make([]byte, 64<<10)
		var n, want int64 = 0, -1
		for n != want {
			// Reading stops at what was sent, which is known at the end.
			select {
			case want = <-total:
				continue
			default:
			}
			_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			m, err := conn.Read(buf)
			got.Write(buf[:m])
			if n += int64(m); err != nil && !isDeadline(err) {
				b.done <- fmt.Errorf("after %d bytes: %w", n, err)
				return
			}
			if want >= 0 && n > want {
				break
			}
		}
		if n != want || string(sent.Sum(nil)) != string(got.Sum(nil)) {
			b.done <- fmt.Errorf("%d bytes came back of %d, or other ones", n, want)
			return
		}
		b.done <- nil
	}()
	return b
}

func isDeadline(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}

func (b *bulk) finish() {
	b.t.Helper()
	b.stop.Store(true)
	select {
	case err := <-b.done:
		if err != nil {
			b.t.Error(err)
		}
	case <-time.After(2 * time.Minute):
		b.t.Error("bytes do not come back")
	}
}
