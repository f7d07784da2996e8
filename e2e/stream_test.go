package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// echoServer answers every byte with itself, until the client sends no more.
func echoServer(t *testing.T) string {
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
				_, _ = io.Copy(c, c) // the client checks what comes back
			}()
		}
	}()
	return l.Addr().String()
}

// dialStream opens a connection whose reads and writes are bounded.
func dialStream(t *testing.T, b *e2e.Server, name string) net.Conn {
	t.Helper()
	network, address := b.Address(name)
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return c
}

// A session lives through a reload.
func TestStreamSessionSurvivesReload(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, fmt.Sprintf(`
stream {
	log_format s "$status $bytes_received $bytes_sent $upstream_addr";
	access_log {{dir}}/stream.log s;
	server { listen {{db}}; proxy_pass %s; }
}`, echoServer(t)))
	c := dialStream(t, b, "db")
	replies := bufio.NewReader(c)
	say := func(n int) {
		t.Helper()
		fmt.Fprintf(c, "%d\n", n)
		if line, err := replies.ReadString('\n'); line != fmt.Sprintf("%d\n", n) {
			t.Fatalf("%d came back as %q, %v", n, line, err)
		}
	}
	say(1)
	old := b.Workers()
	b.Signal(syscall.SIGHUP)
	b.WaitLog(`gracefully shutting down$`)
	say(2)
	c.Close()
	b.WaitGone(old, 30*time.Second)
	if !e2e.Eventually(30*time.Second, func() bool { return strings.HasPrefix(b.Read("stream.log"), "200 4 4 127.0.0.1:") }) {
		t.Errorf("logged: %q", b.Read("stream.log"))
	}
}

// What people write into stream{}: variables, names, limits, texts.
func TestStreamAnswers(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, `
stream {
	map $server_port $port_name { {{b.port}} second; default first; }
	geo $near { default no; 127.0.0.0/8 yes; }
	split_clients $remote_addr $half { 50% a; * a; }
	server { listen {{a}}; listen {{b}}; set $said "$port_name $near $half"; return "$said $protocol $remote_addr"; }
	server { listen {{c}}; deny all; return never; }
	server { listen {{d}} proxy_protocol; set_real_ip_from 127.0.0.1; return "$remote_addr:$remote_port $realip_remote_addr"; }
}`)
	answer := func(name, request string) string {
		c := dialStream(t, b, name)
		_, _ = io.WriteString(c, request)
		text, _ := io.ReadAll(c) // a refused client may see a reset
		return string(text)
	}
	for _, tt := range []struct{ name, request, want string }{
		{"a", "", "first yes a TCP 127.0.0.1"},
		{"b", "", "second yes a TCP 127.0.0.1"},
		{"c", "", ""},
		{"d", "PROXY TCP4 192.0.2.7 192.0.2.8 1234 5678\r\n", "192.0.2.7:1234 127.0.0.1"},
		{"d", "no header\r\n", ""},
	} {
		if got := answer(tt.name, tt.request); got != tt.want {
			t.Errorf("%s %q: %q, want %q", tt.name, tt.request, got, tt.want)
		}
	}
}

// A server that refuses is passed over, half of a connection may end before the
// other, and large amounts go both ways whole.
func TestStreamPasses(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, fmt.Sprintf(`
error_log error.log info;
stream {
	upstream echo { server {{nobody}}; server %s; }
	server { listen {{plain}}; proxy_pass echo; proxy_half_close on; }
	server { listen {{slow}}; proxy_pass echo; proxy_half_close on; proxy_download_rate 4m; }
}`, echoServer(t)))
	const size = 1 << 20
	for _, name := range []string{"plain", "slow"} {
		c := dialStream(t, b, name)
		go func() {
			_, _ = c.Write(make([]byte, size))
			_ = c.(*net.TCPConn).CloseWrite()
		}()
		if n, err := io.Copy(io.Discard, c); n != size || err != nil {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
	}
	b.WaitLog(`connect\(\) failed \(111: Connection refused\) while connecting to upstream, client: 127\.0\.0\.1, server: 127\.0\.0\.1:\d+, upstream: "127\.0\.0\.1:\d+", bytes from/to client:0/0, bytes from/to upstream:0/0$`)
	b.WaitLog(`(client|upstream) disconnected, bytes from/to client:1048576/1048576, bytes from/to upstream:1048576/1048576$`)
}

// A client that stream{} passes on to http{} is one of http{}'s: its connection
// outlives a reload.
func TestStreamPassesToHTTP(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, `
stream { server { listen {{front}}; pass {{web}}; } }
http { server { listen {{web}}; location / { return 200 "one on $server_port"; } } }`)
	_, address := b.Address("web")
	_, port, _ := net.SplitHostPort(address)
	c := b.Dial("front")
	c.Get("/").Want(200, "one on "+port)
	old := b.Workers()
	b.Rewrite(`"one`, `"two`)
	b.Signal(syscall.SIGHUP)
	b.WaitGone(old, 30*time.Second)
	c.Get("/").Want(200, "two on "+port)
}
