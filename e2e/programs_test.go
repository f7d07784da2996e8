package e2e_test

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// pythonApplication is a site with a WebSocket, of Python's own library only. It
// prints its port. A text that comes in goes back in upper case, "bye" ends it.
const pythonApplication = `
import base64, hashlib, http.server, struct, sys

class Site(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *args): pass
    def send(self, status, text, **fields):
        self.send_response(status)
        for name, value in fields.items(): self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD": self.wfile.write(text.encode())
    def do_GET(self):
        if self.path.startswith("/api/v1/streaming"):
            if self.headers.get("Upgrade", "").lower() == "websocket": self.stream()
            else: self.send(426, "upgrade", Upgrade="websocket")
        elif self.path == "/about":
            h = self.headers
            self.send(200, " ".join([h["Host"], h["X-Forwarded-Proto"], h["X-Forwarded-For"], h.get("Connection", "-")]), Content_Type="text/plain")
        elif self.path == "/login": self.send(302, "", Location="http://%s/home" % self.headers["Host"], Set_Cookie="session=1; path=/; HttpOnly")
        elif self.path == "/broken": self.send(500, "stack trace")
        else: self.send(404, "nothing here")
    do_HEAD = do_GET
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send(200, hashlib.sha1(body).hexdigest())
    def stream(self):
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.close_connection = True
        while True:
            head = self.rfile.read(2)
            if len(head) < 2: return
            size = head[1] & 127
            if size == 126: size = struct.unpack("!H", self.rfile.read(2))[0]
            elif size == 127: size = struct.unpack("!Q", self.rfile.read(8))[0]
            mask = self.rfile.read(4)
            data = bytes(b ^ mask[i & 3] for i, b in enumerate(self.rfile.read(size)))
            if head[0] & 15 == 8 or data == b"bye": return
            data = data.upper()
            if len(data) < 126: length = struct.pack("!B", len(data))
            else: length = struct.pack("!BH", 126, len(data))
            self.wfile.write(bytes([0x81]) + length + data)

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
`

// startPython runs the application until the test ends, and returns its address.
// The test is skipped when there is no Python.
func startPython(t *testing.T) string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: WebSockets are not tested against a real program")
	}
	cmd := exec.Command(python, "-I", "-c", pythonApplication)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return "127.0.0.1:" + strings.TrimSpace(port)
}

// socialSite is how sites of the kind of Mastodon are set up.
const socialSite = `http {
	map $http_upgrade $connection_upgrade { default upgrade; '' close; }
	upstream backend { server PYTHON fail_timeout=0; }
	upstream streaming { least_conn; server PYTHON fail_timeout=0; }
	proxy_temp_path {{dir}}/proxy_temp; client_body_temp_path {{dir}}/client_temp;
	server {
		listen {{web}};
		server_name social.test;
		keepalive_timeout 70; sendfile on; client_max_body_size 99m;
		root {{dir}}/public;
		gzip on; gzip_disable "msie6"; gzip_vary on; gzip_proxied any; gzip_comp_level 6; gzip_buffers 16 8k;
		gzip_types text/plain text/css application/json application/javascript image/svg+xml;
		location / { try_files $uri @proxy; }
		location = /sw.js { add_header Cache-Control "public, max-age=604800, must-revalidate"; try_files $uri =404; }
		location ~ ^/(assets|packs)/ { add_header Cache-Control "public, max-age=31536000, immutable"; try_files $uri =404; }
		location ^~ /api/v1/streaming {
			proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr;
			proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header Proxy "";
			proxy_pass http://streaming; proxy_buffering off; proxy_redirect off; proxy_http_version 1.1;
			proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
			tcp_nodelay on;
		}
		location @proxy {
			proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr;
			proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto https; proxy_set_header Proxy "";
			proxy_pass_header Server;
			proxy_pass http://backend; proxy_buffering on; proxy_redirect off; proxy_http_version 1.1;
			proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
			tcp_nodelay on;
		}
		error_page 404 500 501 502 503 504 /500.html;
		location = /500.html { internal; }
	}
}`

func startSocial(t *testing.T) *e2e.Server {
	t.Helper()
	python := startPython(t)
	b := e2e.New(t, strings.ReplaceAll(socialSite, "PYTHON", python))
	mkdir(t, b, "public", "public/packs")
	b.Write("public/sw.js", "worker();\n")
	b.Write("public/packs/app.css", "p { color: red }\n"+strings.Repeat("/* more */\n", 100))
	b.Write("public/500.html", "sorry\n")
	b.Launch()
	b.WaitReady()
	return b
}

// A site in the way of Mastodon, with an application in Python behind it.
func TestSocialSite(t *testing.T) {
	t.Parallel()
	b := startSocial(t)
	for _, c := range []struct{ send, want string }{
		{get("/sw.js"), "Cache-Control: public, max-age=604800, must-revalidate\r\n"},
		{get("/packs/app.css"), "Cache-Control: public, max-age=31536000, immutable\r\n"},
		{get("/packs/app.css", "Accept-Encoding: gzip"), "Content-Encoding: gzip\r\n"},
		{get("/packs/none.css"), "HTTP/1.1 404 Not Found\r\n"},
		{get("/packs/none.css"), "sorry\n"},
		{get("/about"), "example.test https 127.0.0.1 close"},
		{get("/about", "X-Forwarded-For: 9.9.9.9"), "https 9.9.9.9, 127.0.0.1 close"},
		{get("/about"), "Server: BaseHTTP/"},
		{get("/login"), "Location: http://example.test/home\r\n"},
		{get("/login"), "Set-Cookie: session=1; path=/; HttpOnly\r\n"},
		{get("/broken"), "stack trace"},
		{get("/nowhere"), "nothing here"},
		{post("/upload", "application/json", bigText), sum(bigText)},
		{strings.Replace(get("/about"), "GET", "HEAD", 1), "HTTP/1.1 200 OK\r\n"},
		{get("/api/v1/streaming"), "426 Upgrade Required"},
		{get("/500.html"), "404 Not Found"},
	} {
		if whole, _ := phpAnswer(t, b, c.send); !strings.Contains(whole, c.want) {
			t.Errorf("%q: no %q in\n%.2000s", c.send[:min(len(c.send), 60)], c.want, whole)
		}
	}
}

// WebSockets through the same site: many at a time, small frames and large ones.
func TestWebSocketApplication(t *testing.T) {
	t.Parallel()
	b := startSocial(t)
	worker := b.WaitWorkers(1)[0]
	// Some empty pipes are kept for what is large.
	before := append(e2e.Settled(worker), slices.Repeat([]string{"pipe:"}, 32)...)
	var all sync.WaitGroup
	network, address := b.Address("web")
	for client := range 20 {
		all.Go(func() {
			s, err := dialSocket(network, address, "/api/v1/streaming?stream=user")
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = s.conn.Close() }()
			for n := range 30 {
				text := fmt.Sprintf("message %d of client %d", n, client) + strings.Repeat(".", n*n*40)
				if got, err := s.talk(text); err != nil || got != strings.ToUpper(text) {
					t.Errorf("client %d, message %d: %.60q, %v", client, n, got, err)
					return
				}
			}
			s.send("bye")
			if _, err := s.in.ReadByte(); err != io.EOF {
				t.Errorf("after the end: %v", err)
			}
		})
	}
	all.Wait()
	b.WantDescriptors(worker, before)
}

// A socket is the client of a WebSocket.
type socket struct {
	conn net.Conn
	in   *bufio.Reader
}

func dialSocket(network, address, target string) (*socket, error) {
	conn, err := net.Dial(network, address)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(2 * time.Minute))
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: social.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", target, key); err != nil {
		return nil, err
	}
	s := &socket{conn, bufio.NewReader(conn)}
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		line, err := s.in.ReadString('\n')
		if head.WriteString(line); err != nil {
			return nil, fmt.Errorf("after %q: %w", head.String(), err)
		}
	}
	proof := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	if h := head.String(); !strings.HasPrefix(h, "HTTP/1.1 101 ") || !strings.Contains(h, base64.StdEncoding.EncodeToString(proof[:])) {
		return nil, fmt.Errorf("%q", h)
	}
	return s, nil
}

func (s *socket) send(text string) {
	frame := []byte{0x81}
	if len(text) < 126 {
		frame = append(frame, 0x80|byte(len(text)))
	} else {
		frame = binary.BigEndian.AppendUint16(append(frame, 0x80|126), uint16(len(text)))
	}
	mask := [4]byte{1, 2, 3, byte(len(text))}
	frame = append(frame, mask[:]...)
	for i := range len(text) {
		frame = append(frame, text[i]^mask[i&3])
	}
	_, _ = s.conn.Write(frame) // the answer tells
}

// talk sends a text and reads one.
func (s *socket) talk(text string) (string, error) {
	s.send(text)
	var head [2]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		return "", err
	}
	size := int(head[1])
	if size == 126 {
		if _, err := io.ReadFull(s.in, head[:]); err != nil {
			return "", err
		}
		size = int(binary.BigEndian.Uint16(head[:]))
	}
	data := make([]byte, size)
	_, err := io.ReadFull(s.in, data)
	return string(data), err
}

// An API with limits over three servers, of which one dies and returns. No client
// sees it, and both workers know it.
func TestAPIWithADyingServer(t *testing.T) {
	t.Parallel()
	var served [3]atomic.Int64
	serve := func(n int) func(c net.Conn, in *bufio.Reader) {
		return func(c net.Conn, in *bufio.Reader) {
			for {
				h, ok := hear(in)
				if !ok || h.body(in, io.Discard) != nil {
					return
				}
				served[n].Add(1)
				if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
					return
				}
			}
		}
	}
	var peers [3]*peer
	conf := `worker_processes 2;
http {
	limit_req_zone $http_x_client zone=api:1m rate=1r/m;
	upstream api { zone api_servers 128k; least_conn; SERVERS keepalive 16; }
	server {
		listen {{web}};
		limit_req_status 429; limit_req_log_level notice;
		location /v1/ { proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_next_upstream error timeout http_503; }
		location /v1/limited { limit_req zone=api burst=2 nodelay; proxy_pass http://api; }
	}
}`
	servers := ""
	for n := range peers {
		peers[n] = startPeer(t, "", serve(n))
		servers += fmt.Sprintf("server %s max_fails=1 fail_timeout=1s; ", peers[n].addr())
	}
	b := e2e.Start(t, strings.Replace(conf, "SERVERS", servers, 1))
	load := b.StartLoad("web", &e2e.Load{KeepAlive: 8, PerConn: 4, Rate: 300, Path: "/v1/things", Body: func(s string) bool { return s == "{}" }})
	more := func(n int) bool {
		now := served[n].Load()
		return e2e.Eventually(time.Minute, func() bool { return served[n].Load() > now+20 })
	}
	for n := range peers {
		if !more(n) {
			t.Errorf("server %d gets nothing", n)
		}
	}
	address := peers[1].addr()
	peers[1].close()
	b.WaitLog(`\[warn\].* upstream server temporarily disabled while`)
	if !more(0) || !more(2) {
		t.Error("the others do not get more")
	}
	peers[1] = startPeer(t, address, serve(1))
	if !more(1) {
		t.Error("the server is back, but gets nothing")
	}
	if r := load.Stop(); r.Failed > 0 || r.Requests < 100 {
		t.Errorf("%d requests, %d failed: %q", r.Requests, r.Failed, r.Errors)
	}
	limited := 0
	for range 10 {
		if strings.HasPrefix(rawSend(t, b, get("/v1/limited", "X-Client: a")), "HTTP/1.1 429 ") {
			limited++
		}
	}
	if limited != 7 {
		t.Errorf("%d of 10 requests are refused, want 7", limited)
	}
}
