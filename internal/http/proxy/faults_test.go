package proxy_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http/httptest"
)

// What clients and logs see of upstreams that fail.
func TestFaults(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for name, c := range map[string]struct {
		answer string
		want   string // of the client's answer
		log    string
	}{
		"closes at once":      {"", "HTTP/1.1 502 Bad Gateway\r\n", "upstream prematurely closed connection while reading response header from upstream, client: "},
		"closes in the head":  {"HTTP/1.1 200 OK\r\nServer: x\r\nConte", "HTTP/1.1 502 Bad Gateway\r\n", "upstream prematurely closed connection while reading response header from upstream, client: "},
		"too big head":        {"HTTP/1.1 200 OK\r\nX: " + long + "\r\n\r\n", "HTTP/1.1 502 ", "upstream sent too big header while reading response header from upstream"},
		"bad header":          {"HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", "HTTP/1.1 502 ", `upstream sent invalid header: "A\x20..." while reading response header from upstream`},
		"two lengths":         {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 502 ", `upstream sent duplicate header line: "Content-Length: 1", previous value: "Content-Length: 1"`},
		"length and chunked":  {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx", "HTTP/1.1 502 ", `upstream sent "Content-Length" and "Transfer-Encoding" headers at the same time`},
		"bad length":          {"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\nx", "HTTP/1.1 502 ", `upstream sent invalid "Content-Length" header: "Content-Length: 1x"`},
		"unknown coding":      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx", "HTTP/1.1 502 ", `upstream sent unknown "Transfer-Encoding": "gzip"`},
		"early hints in 1.0":  {"HTTP/1.0 103 Early\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 502 ", "upstream sent HTTP/1.0 response with early hints"},
		"garbage":             {"garbage\n", "garbage\n", "upstream sent no valid HTTP/1.0 header while reading response header from upstream"},
		"short body":          {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", "HTTP/1.1 200 OK\r\n", "upstream prematurely closed connection while reading upstream, client"},
		"short chunked body":  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "HTTP/1.1 200 OK\r\n", "upstream prematurely closed connection while reading upstream, client"},
		"bad chunk":           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello", "", "upstream sent invalid chunked response while reading upstream"},
		"more than announced": {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more", "HTTP/1.1 200 OK\r\n", `upstream sent more data than specified in "Content-Length" header while reading upstream`},
		"duplicate content type": {"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\n",
			`upstream sent duplicate header line: "Content-Type: c/d", previous value: "Content-Type: a/b", ignored`},
	} {
		t.Run(name, func(t *testing.T) {
			b := serve(t, say(c.answer, false))
			s := start(t, `server { listen {{addr}}; location / { proxy_pass http://{{b0}}; } }`, b)
			got := s.Get("/")
			if !strings.HasPrefix(got, c.want) {
				t.Errorf("answer %q, want %q", got, c.want)
			}
			eventually(t, "the line "+c.log, func() bool { return strings.Contains(s.ReadFile("error.log"), c.log) })
			if !strings.Contains(s.ReadFile("error.log"), `upstream: "http://`+b.addr+`/", host: "localhost"`) {
				t.Errorf("log %s", s.ReadFile("error.log"))
			}
		})
	}
}

// An answer may come byte by byte, and in every form of a body.
func TestBodies(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 20000)
	for name, c := range map[string]struct{ answer, want string }{
		"length":      {hello, "hello"},
		"chunked":     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX: y\r\n\r\n", "hello"},
		"until close": {"HTTP/1.1 200 OK\r\n\r\nhello", "hello"},
		"1.0":         {"HTTP/1.0 200 OK\r\n\r\nhello", "hello"},
		"large":       {"HTTP/1.1 200 OK\r\nContent-Length: 320000\r\n\r\n" + large, large},
		"early hints": {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + hello, "hello"},
	} {
		for _, bytewise := range []bool{false, true} {
			if bytewise && len(c.answer) > 1000 {
				continue
			}
			for _, buffering := range []string{"on", "off"} {
				b := serve(t, func(w net.Conn, _ string) bool {
					step := len(c.answer)
					if bytewise {
						step = 1
					}
					for at := 0; at < len(c.answer); at += step {
						if _, err := io.WriteString(w, c.answer[at:min(at+step, len(c.answer))]); err != nil {
							return false
						}
					}
					return false
				})
				s := start(t, `server { listen {{addr}}; location / { proxy_buffering `+buffering+`; proxy_http_version 1.0; proxy_pass http://{{b0}}; } }`, b)
				got := s.Raw("GET / HTTP/1.0\r\n\r\n")
				if httptest.Body(got) != c.want || !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") {
					t.Errorf("%s, bytewise %v, buffering %s: %.300q", name, bytewise, buffering, got)
				}
			}
		}
	}
}

// The next upstream is tried as nginx does.
func TestNextUpstream(t *testing.T) {
	good := serve(t, say(hello, true))
	for name, c := range map[string]struct {
		bad    string
		lines  string
		method string
		status int
		tried  int
	}{
		"error":                   {"", "", "GET", 200, 2},
		"error of POST":           {"", "", "POST", 502, 1},
		"non_idempotent":          {"", "proxy_next_upstream error non_idempotent;", "POST", 200, 2},
		"off":                     {"", "proxy_next_upstream off;", "GET", 502, 1},
		"500 is passed on":        {"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n", "", "GET", 500, 1},
		"500":                     {"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n", "proxy_next_upstream http_500;", "GET", 200, 2},
		"404":                     {"HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n", "proxy_next_upstream http_404;", "GET", 200, 2},
		"invalid header":          {"HTTP/1.1 200 OK\r\n:\r\n\r\n", "proxy_next_upstream invalid_header;", "GET", 200, 2},
		"invalid header, default": {"HTTP/1.1 200 OK\r\n:\r\n\r\n", "", "GET", 502, 1},
		"tries":                   {"", "proxy_next_upstream_tries 1;", "GET", 502, 1},
		"body was begun":          {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx", "", "GET", 200, 1},
	} {
		t.Run(name, func(t *testing.T) {
			bad := serve(t, say(c.bad, false))
			s := start(t, `upstream u { server {{b0}} max_fails=0; server {{b1}} max_fails=0; keepalive 0; }
				log_format up '$upstream_addr $upstream_status';
				server { listen {{addr}}; access_log {{dir}}/access.log up; location / { `+c.lines+` proxy_pass http://u; } }`, bad, good)
			got := s.Raw(httptest.Request(c.method, "/", "Content-Length: 0"))
			if httptest.Status(got) != c.status {
				t.Errorf("%q, want %d", got, c.status)
			}
			eventually(t, "a line in the log", func() bool { return s.ReadFile("access.log") != "" })
			line := s.ReadFile("access.log")
			if tried := strings.Count(line, "127.0.0.1"); tried != c.tried {
				t.Errorf("%q, want %d attempts", line, c.tried)
			}
		})
	}
}

// A kept connection that the upstream has closed costs nobody an error.
func TestStaleConnection(t *testing.T) {
	requests := 0
	b := serve(t, func(w net.Conn, _ string) bool {
		requests++
		if requests == 2 {
			return false // it reads the request and closes: the next one is a new connection
		}
		_, err := io.WriteString(w, hello)
		return err == nil
	})
	s := start(t, `upstream u { server {{b0}}; keepalive 2; } server { listen {{addr}}; location / { proxy_pass http://u; } }`, b)
	for range 2 {
		if got := s.Get("/"); httptest.Body(got) != "hello" {
			t.Errorf("%q", got)
		}
	}
	if conns, requests := b.counts(); conns != 2 || requests != 3 {
		t.Errorf("%d connections, %d requests", conns, requests)
	}
}

func TestKeptConnection(t *testing.T) {
	b := serve(t, say(hello, true))
	s := start(t, `upstream u { server {{b0}}; } server { listen {{addr}}; location / { proxy_pass http://u; } }`, b)
	for range 5 {
		s.Get("/")
	}
	if conns, requests := b.counts(); conns != 1 || requests != 5 {
		t.Errorf("%d connections, %d requests", conns, requests)
	}
}

func TestTimeouts(t *testing.T) {
	stop := make(chan struct{})
	b := serve(t, func(w net.Conn, request string) bool {
		if strings.HasPrefix(request, "GET /body") {
			_, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
		}
		<-stop
		return false
	})
	t.Cleanup(func() { close(stop) })
	s := start(t, `server { listen {{addr}}; proxy_read_timeout 100ms; location / { proxy_pass http://{{b0}}; } }`, b)
	if got := s.Get("/"); httptest.Status(got) != 504 {
		t.Errorf("%q", got)
	}
	// As nginx: a buffer that was not filled in time is not sent.
	if got := s.Get("/body"); httptest.Status(got) != 200 || httptest.Body(got) != "" {
		t.Errorf("%q", got)
	}
	log := s.ReadFile("error.log")
	for _, want := range []string{"upstream timed out (110: Connection timed out) while reading response header from upstream, client: ",
		"upstream timed out (110: Connection timed out) while reading upstream, client: "} {
		if !strings.Contains(log, want) {
			t.Errorf("no %q in %s", want, log)
		}
	}
}

func TestRefused(t *testing.T) {
	dead := deadAddr(t)
	s := start(t, `server { listen {{addr}}; location / { proxy_pass http://`+dead+`; } }`)
	if got := s.Get("/x"); httptest.Status(got) != 502 {
		t.Errorf("%q", got)
	}
	want := `connect() failed (111: Connection refused) while connecting to upstream, client: 127.0.0.1, server: , request: "GET /x HTTP/1.1", upstream: "http://` + dead + `/x", host: "localhost"`
	if log := s.ReadFile("error.log"); !strings.Contains(log, want) {
		t.Errorf("%s, want %s", log, want)
	}
}

// A client that goes away takes its request with it.
func TestClientGone(t *testing.T) {
	closed := make(chan struct{})
	b := serve(t, func(w net.Conn, _ string) bool {
		_ = w.SetReadDeadline(time.Now().Add(10 * time.Second))
		var one [1]byte
		if _, err := w.Read(one[:]); err == io.EOF {
			close(closed)
		}
		return false
	})
	s := start(t, `server { listen {{addr}}; access_log {{dir}}/access.log; location / { proxy_pass http://{{b0}}; } }`, b)
	c, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, httptest.Request("GET", "/"))
	eventually(t, "the request", func() bool { return b.last() != "" })
	_ = c.Close()
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Fatal("the upstream's connection stays open")
	}
	eventually(t, "a 499 in the log", func() bool { return strings.Contains(s.ReadFile("access.log"), `" 499 0 `) })
	const want = "client prematurely closed connection, so upstream connection is closed too while sending request to upstream"
	if log := s.ReadFile("error.log"); !strings.Contains(log, want) {
		t.Errorf("%s", log)
	}
}

// After 101 bytes go to and fro, and one line is logged.
func TestUpgrade(t *testing.T) {
	b := serve(t, func(w net.Conn, _ string) bool {
		_, _ = io.WriteString(w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\nhi!")
		buf := make([]byte, 100)
		for {
			n, err := w.Read(buf)
			if err != nil {
				return false
			}
			if _, err := w.Write([]byte(strings.ToUpper(string(buf[:n])))); err != nil {
				return false
			}
		}
	})
	s := start(t, `log_format up '$status $bytes_sent $upstream_bytes_sent $upstream_bytes_received $upstream_status $uri $upstream_http_upgrade';
		server { listen {{addr}}; access_log {{dir}}/access.log up; location / { proxy_pass http://{{b0}};
			proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; } }`, b)
	c, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(c, "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\nfirst")
	head := readUntil(t, c, "FIRST")
	if !strings.HasPrefix(head, "HTTP/1.1 101 Switching Protocols\r\n") || !strings.Contains(head, "Upgrade: echo\r\n") ||
		!strings.Contains(head, "Connection: upgrade\r\n") || !strings.Contains(head, "\r\n\r\nhi!") {
		t.Errorf("%q", head)
	}
	_, _ = io.WriteString(c, "second")
	readUntil(t, c, "SECOND")
	_ = c.Close()
	eventually(t, "a line in the log", func() bool { return s.ReadFile("access.log") != "" })
	line := strings.Fields(s.ReadFile("access.log"))
	if len(line) != 7 || line[0] != "101" || line[4] != "101" || line[5] != "/ws" || line[6] != "echo" {
		t.Errorf("%q", line)
	}
}

// readUntil reads up to what ends in end.
func readUntil(t *testing.T, c net.Conn, end string) string {
	t.Helper()
	text := ""
	buf := make([]byte, 1000)
	for !strings.HasSuffix(text, end) {
		n, err := c.Read(buf)
		text += string(buf[:n])
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
	}
	return text
}

// An upstream that answers before it has read the request is heard.
func TestEarlyAnswer(t *testing.T) {
	for _, buffering := range []string{"on", "off"} {
		for _, closes := range []bool{true, false} {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			stop, done := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				c, err := l.Accept()
				if err != nil {
					return
				}
				defer func() { _ = c.Close() }()
				_, _ = c.Read(make([]byte, 100))
				_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!")
				if !closes {
					<-stop
				}
			}()
			s := start(t, `server { listen {{addr}}; client_max_body_size 0; location / { proxy_request_buffering `+buffering+`; proxy_pass http://`+l.Addr().String()+`; } }`)
			body := strings.Repeat("x", 20<<20)
			got := s.Raw("POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 20971520\r\n\r\n" + body)
			if !closes && (httptest.Status(got) != 413 || httptest.Body(got) != "no!") {
				t.Errorf("buffering %s, closes %v: %.200q", buffering, closes, got)
			}
			if closes && httptest.Status(got) != 413 && httptest.Status(got) != 502 { // a reset may overtake the answer
				t.Errorf("buffering %s, closes %v: %.200q", buffering, closes, got)
			}
			close(stop)
			_ = l.Close()
			<-done
		}
	}
}
