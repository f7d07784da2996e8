package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// faulty answers by the path of the request.
func faulty(c net.Conn, in *bufio.Reader) {
	for {
		h, ok := hear(in)
		if !ok {
			return
		}
		say := func(text string) { _, _ = io.WriteString(c, text) }
		slowly := func(text string) {
			for i := range len(text) {
				say(text[i : i+1])
				time.Sleep(time.Millisecond)
			}
		}
		path, _, _ := strings.Cut(h.target, "?")
		if path != "/early" && h.body(in, io.Discard) != nil {
			return
		}
		const ok200 = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
		switch path {
		case "/nothing":
			return
		case "/reset":
			_ = c.(*net.TCPConn).SetLinger(0)
			return
		case "/mid-head":
			say("HTTP/1.1 200 OK\r\nContent-Le")
			return
		case "/mid-body":
			say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
			return
		case "/mid-chunk":
			say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf")
			return
		case "/garbage":
			say(strings.Repeat("\x00\xff\x16\x03garbage", 100))
			return
		case "/bytes":
			slowly(ok200)
		case "/huge-head":
			say("HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("l", 1<<20) + "\r\n\r\n")
			return
		case "/too-long":
			say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more")
		case "/early":
			say("HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge")
			_, _ = io.Copy(io.Discard, in)
			return
		case "/silent":
			_, _ = in.ReadByte()
			return
		default:
			say(ok200)
		}
	}
}

const faultySite = `error_log error.log info;
http {
	log_format f '$request_uri $status $upstream_status';
	access_log access.log f;
	proxy_temp_path {{dir}}/proxy_temp; client_body_temp_path {{dir}}/client_temp;
	upstream u { server PEER max_fails=0; server PEER max_fails=0; keepalive 8; }
	upstream hole { server HOLE; }
	proxy_http_version 1.1; proxy_set_header Connection "";
	server {
		listen {{web}}; client_max_body_size 0;
		location / { proxy_pass http://u; }
		location /silent { proxy_read_timeout 200ms; proxy_next_upstream error; proxy_pass http://u; }
		location /early { proxy_request_buffering off; proxy_pass http://u; }
		location /refused { proxy_pass http://{{dead}}; }
		location /hole { proxy_connect_timeout 300ms; proxy_pass http://hole; }
	}
}`

// What a client is answered, and what the log says, when the upstream does what it
// should not. want is "status statuses-of-the-attempts".
var upstreamFaults = []struct{ target, want, log string }{
	{"/nothing", "502 502, 502", "upstream prematurely closed connection while reading response header from upstream"},
	{"/reset", "502 502, 502", `recv\(\) failed \(104: Connection reset by peer\) while reading response header from upstream`},
	{"/mid-head", "502 502, 502", "upstream prematurely closed connection while reading response header from upstream"},
	{"/mid-body", "200 200", "upstream prematurely closed connection while reading upstream"},
	{"/mid-chunk", "200 200", "upstream prematurely closed connection while reading upstream"},
	{"/garbage", "009 200", `upstream sent no valid HTTP/1.0 header while reading response header from upstream`},
	{"/huge-head", "502 502", "upstream sent too big header while reading response header from upstream"},
	{"/too-long", "200 200", `upstream sent more data than specified in "Content-Length" header while reading upstream`},
	{"/silent", "504 504", `upstream timed out \(110: Connection timed out\) while reading response header from upstream`},
	{"/refused", "502 502", `connect\(\) failed \(111: Connection refused\) while connecting to upstream`},
	{"/hole", "504 504", `upstream timed out \(110: Connection timed out\) while connecting to upstream`},
	{"/bytes", "200 200", ""},
	{"/ok", "200 200", ""},
}

// Whatever upstreams do, afterwards nothing is left of it.
func TestUpstreamFaults(t *testing.T) {
	t.Parallel()
	p := startPeer(t, "", faulty)
	b := e2e.Start(t, strings.NewReplacer("PEER", p.addr(), "HOLE", blackHole(t)).Replace(faultySite))
	worker := b.WaitWorkers(1)[0]
	before := e2e.Settled(worker)
	for _, f := range upstreamFaults {
		b.Mark()
		for i := range 3 {
			answer := rawGet(t, b, fmt.Sprintf("%s?%d", f.target, i))
			if f.want[:3] != "009" && !strings.HasPrefix(answer, "HTTP/1.1 "+f.want[:3]+" ") {
				t.Errorf("%s: %.300q", f.target, answer)
			}
			line := fmt.Sprintf("%s?%d %s\n", f.target, i, f.want)
			if !e2e.Eventually(30*time.Second, func() bool { return strings.Contains(b.Read("access.log"), line) }) {
				t.Errorf("no line %q in\n%s", line, b.Read("access.log"))
			}
		}
		if f.log != "" {
			b.WaitLog(f.log + `, client: 127\.0\.0\.1, server: , request: "GET ` + f.target)
		}
	}
	// The connections that are kept go with the upstream.
	p.close()
	b.WantDescriptors(worker, before)
	wantNoFiles(t, b)
}

// An upstream may answer before it has got all of the request.
func TestEarlyAnswerToAnUpload(t *testing.T) {
	t.Parallel()
	p := startPeer(t, "", faulty)
	b := e2e.Start(t, strings.NewReplacer("PEER", p.addr(), "HOLE", "127.0.0.1:1").Replace(faultySite))
	worker := b.WaitWorkers(1)[0]
	before := e2e.Settled(worker)
	for range 3 {
		c := b.Dial("web")
		c.Send("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n" + bigText)
		c.Read("POST").Want(413, "large")
		c.Close()
	}
	p.close()
	b.WantDescriptors(worker, before)
	wantNoFiles(t, b)
}

// A kept connection is used again, but not one on which something went wrong.
func TestConnectionsToFaultyUpstreams(t *testing.T) {
	t.Parallel()
	p := startPeer(t, "", faulty)
	b := e2e.Start(t, strings.NewReplacer("PEER", p.addr(), "HOLE", "127.0.0.1:1").Replace(faultySite))
	want := 0
	for _, step := range []struct {
		target string
		fresh  int // connections that it takes
	}{{"/ok", 1}, {"/ok", 0}, {"/ok", 0}, {"/bytes", 0}, {"/too-long", 0}, {"/ok", 1}, {"/mid-body", 0}, {"/ok", 1}, {"/ok", 0}} {
		rawGet(t, b, step.target)
		want += step.fresh
		if _, got := p.connections(); got != want {
			t.Errorf("%s: %d connections, want %d", step.target, got, want)
		}
	}
}

// rawGet is all that a GET request is answered, on a connection of its own.
func rawGet(t *testing.T, b *e2e.Server, target string) string {
	t.Helper()
	return rawSend(t, b, "GET "+target+" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
}

// rawSend is all that comes back for what is sent.
func rawSend(t *testing.T, b *e2e.Server, text string) string {
	t.Helper()
	c := b.Dial("web")
	defer c.Close()
	c.Send(text)
	_ = c.Conn().SetReadDeadline(time.Now().Add(time.Minute))
	answer, err := io.ReadAll(c.Conn())
	if err != nil {
		t.Errorf("%.60q: %v after %.100q", text, err, answer)
	}
	return string(answer)
}

// mkdir makes folders of the server's.
func mkdir(t *testing.T, b *e2e.Server, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.MkdirAll(b.Path(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// wantNoFiles fails when temporary files are left.
func wantNoFiles(t *testing.T, b *e2e.Server) {
	t.Helper()
	for _, folder := range []string{"proxy_temp", "client_temp"} {
		left := 0
		if !e2e.Eventually(30*time.Second, func() bool {
			files, _ := os.ReadDir(b.Path(folder))
			left = len(files)
			return left == 0
		}) {
			t.Errorf("%d files are left in %s", left, folder)
		}
	}
}

// blackHole is an address where connections are neither accepted nor refused: the
// queue of the listener is full.
func blackHole(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for range 4 {
		c, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	t.Fatal("the queue of a listener does not get full")
	return ""
}
