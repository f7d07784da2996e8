package h1_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/freeport"
	"github.com/baton-project/baton/internal/wire/h1"
)

// A realNginx answers requests so that judge's outcomes can be compared with it:
// the body of a response to a GET is $uri|$args|$host, other bodies are read whole
// by proxying to itself.
type realNginx struct {
	addr string
	log  string
}

func startNginx(t *testing.T) *realNginx {
	binary := os.Getenv("BATON_NGINX_131")
	if binary == "" {
		t.Skip("BATON_NGINX_131 names no nginx 1.31 to compare with (older ones differ in bare CR, chunks and hosts)")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "logs"), 0o755); err != nil {
		t.Fatal(err)
	}
	front, back := freeport.Loopback(t), freeport.Loopback(t)
	conf := fmt.Sprintf(`
daemon off; master_process off; pid nginx.pid; error_log logs/error.log info;
events { worker_connections 512; }
http {
	access_log off; keepalive_timeout 0; lingering_close off; client_max_body_size 0;
	server {
		listen %[1]s;
		location /files/ { root .; }
		location / {
			if ($request_method = GET) { return 200 "$uri|$args|$host"; }
			proxy_set_header X-Uri $uri; proxy_set_header X-Host $host;
			proxy_method GET; proxy_ignore_client_abort on; proxy_pass http://%[2]s;
		}
	}
	server { listen %[2]s; location / { return 200 "$http_x_uri|$args|$http_x_host"; } }
}`, front, back)
	file := filepath.Join(dir, "nginx.conf")
	writeServedFile(t, filepath.Join(dir, "files"))
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, "-p", dir, "-c", file)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); cmd.Wait() })
	for deadline := time.Now().Add(30 * time.Second); ; {
		c, err := net.Dial("tcp", front)
		if err == nil {
			c.Close()
			return &realNginx{addr: front, log: filepath.Join(dir, "logs/error.log")}
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// judge sends one request and nothing more.
func (n *realNginx) judge(t *testing.T, raw string) (status int, body string) {
	answer := n.answer(t, raw)
	head, rest, _ := bytes.Cut(answer, []byte("\r\n\r\n"))
	switch {
	case len(answer) == 0:
		return 0, ""
	case bytes.Contains(answer, []byte("<title>400 ")): // perhaps to HTTP/0.9
		return 400, ""
	case !bytes.HasPrefix(head, []byte("HTTP/1.1 ")): // to HTTP/0.9
		return 200, string(answer)
	}
	status, _ = strconv.Atoi(string(head[9:12]))
	if i := bytes.Index(rest, []byte("\r\n")); bytes.Contains(head, []byte("chunked")) && i >= 0 {
		rest, _, _ = bytes.Cut(rest[i+2:], []byte("\r\n0\r\n"))
	}
	return status, string(rest)
}

// answer sends one request and nothing more, and returns every byte that comes back.
func (n *realNginx) answer(t *testing.T, raw string) []byte {
	c, err := net.Dial("tcp", n.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, raw); err != nil {
		t.Fatal(err)
	}
	c.(*net.TCPConn).CloseWrite()
	c.SetReadDeadline(time.Now().Add(30 * time.Second))
	answer, _ := io.ReadAll(c) // a reset may follow the answer
	return answer
}

// logged waits for text in the error log.
func (n *realNginx) logged(text string) (string, bool) {
	for deadline := time.Now().Add(30 * time.Second); ; {
		log, _ := os.ReadFile(n.log)
		if bytes.Contains(log, []byte(text)) {
			return "", true
		}
		if time.Now().After(deadline) {
			lines := strings.Split(strings.TrimSpace(string(log)), "\n")
			return lines[len(lines)-1], false
		}
		time.Sleep(time.Millisecond)
	}
}

// sentStatus is the status on the wire for one that is nginx's own.
func sentStatus(status int) int {
	if status == 494 {
		return 400
	}
	return status
}

func TestNginxAgrees(t *testing.T) {
	nginx := startNginx(t)
	for _, c := range requestCases {
		os.Truncate(nginx.log, 0)
		status, body := nginx.judge(t, c.raw)
		if strings.HasPrefix(c.raw, "HEAD") { // HTTP/0.9: there is nothing to see
			status, body = c.status, c.uri
		}
		if status != sentStatus(c.status) || status == 200 && body != c.uri {
			t.Errorf("%q: nginx answers %d %q, table says %d %q", c.raw, status, body, c.status, c.uri)
		}
		if c.log != "" {
			if last, ok := nginx.logged(c.log); !ok {
				t.Errorf("%q: nginx logs %s\ntable says %s", c.raw, last, c.log)
			}
		}
	}
}

// TestNginxAgreesOnMutations compares on requests that differ in a few bytes from
// those of the table.
func TestNginxAgreesOnMutations(t *testing.T) {
	nginx := startNginx(t)
	seed := time.Now().UnixNano()
	random := rand.New(rand.NewSource(seed))
	for i := 0; i < 4000 && !t.Failed(); i++ {
		raw := mutate(random, requestCases[random.Intn(len(requestCases))].raw)
		if strings.HasPrefix(raw, "HEAD ") || strings.Contains(raw, "If-Match") {
			continue // no body to look at; 412
		}
		want := judge(raw, h1.Options{}, len(raw))
		status, body := nginx.judge(t, raw)
		if status != sentStatus(want.status) || status == 200 && body != want.uri {
			t.Errorf("seed %d: %q: nginx answers %d %q, we %d %q (%s)", seed, raw, status, body, want.status, want.uri, want.log)
		}
	}
}

func mutate(random *rand.Rand, raw string) string {
	const bytes = "\r\n \t:/.%?#+2fFeE\x00\x7f\xffaZ09-_[];,@\\"
	b := []byte(raw)
	for n := 1 + random.Intn(3); n > 0; n-- {
		at := random.Intn(len(b))
		c := bytes[random.Intn(len(bytes))]
		switch random.Intn(4) {
		case 0:
			b[at] = c
		case 1:
			b = append(b[:at], append([]byte{c}, b[at:]...)...)
		case 2:
			if len(b) > 1 {
				b = append(b[:at], b[at+1:]...)
			}
		case 3:
			end := min(len(b), at+1+random.Intn(8))
			b = append(b[:end:end], append(append([]byte{}, b[at:end]...), b[end:]...)...)
		}
	}
	return string(b)
}
