package proxy_test

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Each client has an upstream socket of its own, whose answers come back to it.
func TestDatagramsPass(t *testing.T) {
	b, at := startBackend(t, echoes), freeUDP(t)
	s := serve(t, fmt.Sprintf("server { listen %s udp; proxy_pass %s; proxy_timeout 1h; }", at, b))
	var clients sync.WaitGroup
	for n := range 20 {
		c := dial(t, at)
		clients.Go(func() {
			for i := range 50 {
				text := strings.Repeat("x", i*n) + fmt.Sprintf("%d:%d", n, i)
				if got := c.ask(text); got != text {
					t.Errorf("%q came back as %q", text, got)
				}
			}
			if got := c.ask(""); got != "" {
				t.Errorf("nothing came back as %q", got)
			}
		})
	}
	clients.Wait()
	peers := make(map[string]int)
	for len(b.from) > 0 {
		peers[<-b.from]++
	}
	for peer, n := range peers {
		if n != 51 {
			t.Errorf("the upstream has heard %d datagrams from %s", n, peer)
		}
	}
	if len(peers) != 20 {
		t.Errorf("%d addresses for 20 clients", len(peers))
	}
	s.Worker.Close()
	logged(s, "error.log", `shutdown timeout while proxying connection, udp client: 127\.0\.0\.1, server: `+at)
	logged(s, "access.log", `^UDP 127\.0\.0\.1 200 190/190 `+b.String()+` 190/190$`) // client 0
}

func TestDatagramSessionsEnd(t *testing.T) {
	b := startBackend(t, func(asked string) (answers []string) {
		n, _ := strconv.Atoi(asked)
		for i := range n {
			answers = append(answers, strconv.Itoa(i))
		}
		return answers
	})
	idle, one, two, none, slow := freeUDP(t), freeUDP(t), freeUDP(t), freeUDP(t), freeUDP(t)
	var servers strings.Builder
	for at, says := range map[string]string{
		idle: "proxy_timeout 50ms", one: "proxy_responses 1", two: "proxy_requests 2; proxy_responses 2",
		none: "proxy_responses 0", slow: "proxy_responses 3; proxy_timeout 50ms",
	} {
		fmt.Fprintf(&servers, "server { listen %s udp; proxy_pass %s; %s; }\n", at, b, says)
	}
	s := serve(t, servers.String())

	dial(t, idle).ask("1")
	logged(s, "error.log", `udp timed out, packets from/to client:1/1, bytes from/to client:1/1, bytes from/to upstream:1/1$`)

	c := dial(t, one)
	for range 3 {
		c.ask("1")
	}
	logged(s, "error.log", `udp done, packets from/to client:1/1, bytes from/to client:1/1, bytes from/to upstream:1/1$`)

	c = dial(t, two)
	c.say("2")
	c.say("2")
	c.say("2")
	for range 6 {
		c.hear()
	}
	logged(s, "error.log", `udp done, packets from/to client:2/4, bytes from/to client:2/4, bytes from/to upstream:4/2$`)

	dial(t, none).say("0")
	logged(s, "error.log", `udp done, packets from/to client:1/0,`)

	dial(t, slow).ask("1")
	logged(s, "error.log", `upstream timed out \(110: Connection timed out\) while proxying connection, udp client: 127\.0\.0\.1, server: [0-9.:]+, upstream: "`+b.String()+`", bytes from/to client:1/1, bytes from/to upstream:1/1$`)
	logged(s, "access.log", ` 502 1/1 `)
}

// An upstream that is not there is found out by the first datagram; the next
// session goes elsewhere.
func TestDatagramsAreRefused(t *testing.T) {
	b, gone, at := startBackend(t, echoes), freeUDP(t), freeUDP(t)
	s := serve(t, fmt.Sprintf(`upstream u { server %s; server %s; } server { listen %s udp; proxy_pass u; }`, gone, b, at))
	c := dial(t, at)
	c.say("lost")
	logged(s, "error.log", `\[error\] .* recv\(\) failed \(111: Connection refused\) while proxying and reading from upstream, udp client: 127\.0\.0\.1, server: `+
		at+`, upstream: "`+gone+`", bytes from/to client:4/0, bytes from/to upstream:0/4$`)
	logged(s, "error.log", `\[warn\] .* upstream server temporarily disabled`)
	for range 3 {
		if got := dial(t, at).ask("hello"); got != "hello" {
			t.Errorf("heard %q", got)
		}
	}
	if got := c.ask("again"); got != "again" {
		t.Errorf("heard %q", got)
	}
}

// What cannot be sent at all is tried elsewhere.
func TestDatagramsTryTheNextUpstream(t *testing.T) {
	b, at := startBackend(t, echoes), freeUDP(t)
	s := serve(t, fmt.Sprintf(`upstream u { server 255.255.255.255:5; server %s; } server { listen %s udp; proxy_pass u; }`, b, at))
	c := dial(t, at)
	if got := c.ask("hello"); got != "hello" {
		t.Errorf("heard %q", got)
	}
	logged(s, "error.log", `connect\(\) to 255\.255\.255\.255:5 failed \(13: Permission denied\) while connecting to upstream, udp client:`)
}

func TestDatagramsOnOtherHandlers(t *testing.T) {
	denied, text, hello, bound, passed := freeUDP(t), freeUDP(t), freeUDP(t), freeUDP(t), freeUDP(t)
	b := startBackend(t, echoes)
	s := serve(t, fmt.Sprintf(`
	server { listen %s udp; deny all; return never; }
	server { listen %s udp; return "$protocol $server_addr:$server_port"; }
	server { listen %s udp; ssl_preread on; return "[$ssl_preread_server_name]"; preread_timeout 10ms; }
	server { listen %s udp; proxy_bind 127.0.0.9; proxy_pass %s; proxy_protocol on; }
	server { listen %s udp; pass %[1]s; }`, denied, text, hello, bound, b, passed))
	dial(t, passed).say("x")
	logged(s, "error.log", `cannot pass udp connection while passing connection to port, udp client`)
	dial(t, denied).say("x")
	logged(s, "error.log", `access forbidden by rule`)
	_, port, _ := net.SplitHostPort(text)
	if got := dial(t, text).ask(""); got != "UDP 127.0.0.1:"+port {
		t.Errorf("heard %q", got)
	}
	if got := dial(t, hello).ask("no hello"); got != "[]" {
		t.Errorf("heard %q", got)
	}
	dial(t, hello).say("\x16\x03")
	logged(s, "access.log", `^UDP 127\.0\.0\.1 200 2/0`) // nothing more came in time
	c := dial(t, bound)
	if got, want := c.ask("1"), "PROXY TCP4 127.0.0.1 127.0.0.1 "; !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "\r\n1") {
		t.Errorf("heard %q, want %q", got, want)
	}
	if got := c.ask("2"); got != "2" {
		t.Errorf("heard %q", got)
	}
	if host, _, _ := net.SplitHostPort(<-b.from); host != "127.0.0.9" {
		t.Errorf("from %s", host)
	}
}

// On a wildcard address a client may talk to several of the machine's.
func TestDatagramsOnAWildcard(t *testing.T) {
	b := startBackend(t, echoes)
	_, port, _ := net.SplitHostPort(freeUDP(t))
	serve(t, fmt.Sprintf(`
	server { listen %s udp; proxy_pass %s; }
	server { listen 127.0.0.3:%[1]s udp; return "third $server_addr"; }`, port, b))
	for _, host := range []string{"127.0.0.1", "127.0.0.2"} {
		c := dial(t, net.JoinHostPort(host, port)) // it hears nobody else
		for i := range 3 {
			if got := c.ask(strconv.Itoa(i)); got != strconv.Itoa(i) {
				t.Errorf("%s: heard %q", host, got)
			}
		}
	}
	if got := dial(t, "127.0.0.3:"+port).ask(""); got != "third 127.0.0.3" {
		t.Errorf("heard %q", got)
	}
}

// Datagrams over the rate are held back, those of the client by dropping them.
func TestDatagramRates(t *testing.T) {
	b, at := startBackend(t, func(asked string) []string { return []string{asked, asked} }), freeUDP(t)
	s := serve(t, fmt.Sprintf(`server { listen %s udp; proxy_pass %s; proxy_download_rate 2000; proxy_timeout 300ms; }`, at, b))
	c := dial(t, at)
	began := time.Now()
	c.ask(strings.Repeat("x", 1000))
	if c.hear(); time.Since(began) < 400*time.Millisecond {
		t.Errorf("1000 bytes more after %v at 2000 a second", time.Since(began))
	}
	logged(s, "error.log", `udp timed out, packets from/to client:1/2`)
}

// Sessions come and go as fast as they can.
func TestManyShortDatagramSessions(t *testing.T) {
	b, at := startBackend(t, echoes), freeUDP(t)
	s := serve(t, fmt.Sprintf(`server { listen %s udp; proxy_pass %s; proxy_requests 1; proxy_responses 1; access_log off; }`, at, b))
	var clients sync.WaitGroup
	for range 8 {
		c := dial(t, at)
		clients.Go(func() {
			for i := range 200 {
				if text := strconv.Itoa(i); c.ask(text) != text {
					t.Error("another answer")
				}
			}
		})
	}
	clients.Wait()
	logged(s, "error.log", `udp done`)
}

func TestDatagramParameters(t *testing.T) {
	at, more := freeUDP(t), freeUDP(t)
	serve(t, fmt.Sprintf(`server { listen %s udp reuseport rcvbuf=64k sndbuf=64k; listen %s udp bind; return $server_port; }`, at, more))
	for _, address := range []string{at, more} {
		_, port, _ := net.SplitHostPort(address)
		if got := dial(t, address).ask("?"); got != port {
			t.Errorf("heard %q", got)
		}
	}
}
