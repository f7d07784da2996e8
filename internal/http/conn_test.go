package http_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http/httptest"
)

// dial opens a connection that gives up when a test hangs.
func dial(t testing.TB, s *httptest.Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func send(t testing.TB, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, strings.ReplaceAll(text, "\n", "\r\n")); err != nil {
		t.Fatal(err)
	}
}

// rest reads what the server still sends, until it closes.
func rest(t testing.TB, conn net.Conn) string {
	t.Helper()
	b, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("after %q: %v", b, err)
	}
	return string(b)
}

// await reads until text has come, and fails when the server closes before.
func await(t testing.TB, conn net.Conn, text string) string {
	t.Helper()
	var got []byte
	one := make([]byte, 4096)
	for !strings.Contains(string(got), text) {
		n, err := conn.Read(one)
		got = append(got, one[:n]...)
		if err != nil {
			t.Fatalf("waiting for %q: %v after %q", text, err, got)
		}
	}
	return string(got)
}

const probeSite = `
	client_max_body_size 100;
	server {
		listen {{addr}};
		location /panic { probe panic; }
		location /silent { probe silent; }
		location /echo { probe echo; }
		location /chunks { probe chunks; }
		location /trailer { probe trailer; }
		location /short { probe short; }
		location /big { probe big; }
		location /late { probe late; }
		location /gate { probe gate; }
		location /ok { return 200 "ok\n"; }
	}`

func TestAnswersOfFeatures(t *testing.T) {
	s := httptest.Start(t, withProbe(nil), httptest.Site{HTTP: probeSite})
	long := fmt.Sprintf("%x", 20000)
	for _, c := range []struct{ name, request, want string }{
		{"chunks", "GET /chunks HTTP/1.1\nHost: a\nConnection: close\n\n",
			"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\none\r\n" + long + "\r\n" + strings.Repeat("x", 20000) + "\r\n5\r\nthree\r\n0\r\n\r\n"},
		{"chunks, 1.0", "GET /chunks HTTP/1.0\nConnection: keep-alive\n\n",
			"Connection: close\r\n\r\none" + strings.Repeat("x", 20000) + "three"},
		{"chunks, HEAD", "HEAD /chunks HTTP/1.1\nHost: a\nConnection: close\n\n", "GMT\r\nConnection: close\r\n\r\n"},
		{"trailer", "GET /trailer HTTP/1.1\nHost: a\nConnection: close\n\n", "5\r\nthree\r\n0\r\nX-Sum: 42\r\n\r\n"},
		{"too short a body closes", "GET /short HTTP/1.1\nHost: a\n\n", "Content-Length: 10\r\nConnection: keep-alive\r\n\r\n12345"},
		{"nothing", "GET /silent HTTP/1.1\nHost: a\n\n", ""},
		{"status behind a head", "GET /late HTTP/1.1\nHost: a\n\n", ""},
		{"panic", "GET /panic HTTP/1.1\nHost: a\n\n", ""},
		{"echo", "POST /echo HTTP/1.1\nHost: a\nContent-Length: 5\nConnection: close\n\nhello", "\r\n\r\nhello"},
		{"echo chunks", "POST /echo HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nConnection: close\n\n3\nhel\n2;x=y\nlo\n0\nT: r\n\n", "\r\n\r\nhello"},
		{"echo, no body", "GET /echo HTTP/1.1\nHost: a\nConnection: close\n\n", "Content-Length: 0\r\nConnection: close\r\n\r\n"},
		{"expect", "POST /echo HTTP/1.1\nHost: a\nExpect: 100-Continue\nContent-Length: 5\nConnection: close\n\nhello",
			"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"},
		{"bad chunks", "POST /echo HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\nx\n", "HTTP/1.1 400 Bad Request\r\n"},
		{"large chunks", "POST /echo HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\nc8\n" + strings.Repeat("x", 200) + "\n0\n\n",
			"HTTP/1.1 413 Request Entity Too Large\r\n"},
		{"body ends early", "POST /echo HTTP/1.1\nHost: a\nContent-Length: 5\n\nhel", "HTTP/1.1 400 Bad Request\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := dial(t, s)
			send(t, conn, c.request)
			if c.name == "body ends early" {
				_ = conn.(*net.TCPConn).CloseWrite()
			}
			got := rest(t, conn)
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %.300q\nwant %.300q in it", got, c.want)
			}
		})
	}
	if !strings.Contains(s.Get("/ok"), "ok\n") {
		t.Error("the server does not serve any more")
	}
	if log := s.ReadFile("error.log"); !strings.Contains(log, "[alert]") || !strings.Contains(log, "panic: as the test wanted") {
		t.Errorf("the panic is not in the log: %s", log)
	}
}

// A body that the handler did not want does not get into the way of the next
// request, in whatever pieces it comes.
func TestNextRequestIsFoundBehindABody(t *testing.T) {
	s := httptest.Start(t, withProbe(nil), httptest.Site{HTTP: probeSite})
	conn := dial(t, s)
	send(t, conn, "POST /ok HTTP/1.1\nHost: a\nContent-Length: 90\n\n")
	await(t, conn, "ok\n")
	for range 9 {
		send(t, conn, "0123456789")
	}
	send(t, conn, "POST /ok HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n")
	await(t, conn, "ok\n")
	for _, piece := range []string{"a", "\n0123", "456789", "\n0", "\n\nGET /ok HT", "TP/1.1\nHost: a\nConnection: close\n\n"} {
		send(t, conn, piece)
	}
	if got := rest(t, conn); !strings.HasSuffix(got, "ok\n") {
		t.Errorf("got %q", got)
	}
}

func TestHeadInManyPieces(t *testing.T) {
	s := httptest.Start(t, withProbe(nil), httptest.Site{HTTP: probeSite})
	conn := dial(t, s)
	request := "GET /ok HTTP/1.1\r\nHost: a\r\nX-Long: " + strings.Repeat("y", 7000) + "\r\nConnection: close\r\n\r\n"
	for len(request) > 0 {
		n := min(len(request), 700)
		if _, err := io.WriteString(conn, request[:n]); err != nil {
			t.Fatal(err)
		}
		request = request[n:]
	}
	if got := rest(t, conn); !strings.HasSuffix(got, "ok\n") {
		t.Errorf("got %q", got)
	}
}

func TestTimeouts(t *testing.T) {
	s := httptest.Start(t, withProbe(nil), httptest.Site{HTTP: `
		client_header_timeout 150ms;
		client_body_timeout 150ms;
		keepalive_timeout 150ms;
		send_timeout 150ms;` + probeSite})
	for _, c := range []struct{ name, request, want, log string }{
		{"nothing sent", "", "", "client timed out (110: Connection timed out) while waiting for request, client: 127.0.0.1, server: "},
		{"half a line", "GET /o", "", `client timed out (110: Connection timed out) while reading client request line, client: 127.0.0.1, server: , request: "GET /o"`},
		{"half a head", "GET /ok HTTP/1.1\nHost: a\n", "", `client timed out (110: Connection timed out) while reading client request headers, client: 127.0.0.1, server: , request: "GET /ok HTTP/1.1", host: "a"`},
		{"half a body", "POST /echo HTTP/1.1\nHost: a\nContent-Length: 5\n\nx", "", ""},
		{"kept alive", "GET /ok HTTP/1.1\nHost: a\n\n", "ok\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := dial(t, s)
			send(t, conn, c.request)
			if got := rest(t, conn); !strings.HasSuffix(got, c.want) || c.want == "" && got != "" {
				t.Errorf("got %q", got)
			}
			if !strings.Contains(s.ReadFile("error.log"), c.log) {
				t.Errorf("%q is not in the log:\n%s", c.log, s.ReadFile("error.log"))
			}
		})
	}
	t.Run("answer not read", func(t *testing.T) {
		conn := dial(t, s)
		if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
			t.Fatal(err)
		}
		send(t, conn, "GET /big HTTP/1.1\nHost: a\n\n")
		waitFor(t, func() bool { return strings.Contains(s.ReadFile("error.log"), "while sending to client") })
	})
}

func waitFor(t testing.TB, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not happen")
		}
	}
}

func TestKeepAliveLimits(t *testing.T) {
	s := httptest.Start(t, withProbe(nil), httptest.Site{HTTP: "keepalive_requests 3;\n" + probeSite})
	conn := dial(t, s)
	send(t, conn, strings.Repeat("GET /ok HTTP/1.1\nHost: a\n\n", 5))
	got := rest(t, conn)
	if n := strings.Count(got, "keep-alive"); n != 2 {
		t.Errorf("%d answers with keep-alive, want 2: %q", n, got)
	}
	if n := strings.Count(got, "HTTP/1.1 200"); n != 3 {
		t.Errorf("%d answers, want 3", n)
	}
}

// A worker that drains closes idle connections at once and finishes busy ones,
// which learn that theirs is closing.
func TestDrain(t *testing.T) {
	g := newGate()
	s := httptest.Start(t, withProbe(g), httptest.Site{HTTP: probeSite})
	idle, busy := dial(t, s), dial(t, s)
	send(t, idle, "GET /ok HTTP/1.1\nHost: a\n\n")
	await(t, idle, "ok\n")
	send(t, busy, "GET /gate HTTP/1.1\nHost: a\n\n")
	<-g.entered
	drained := make(chan error, 1)
	go func() { drained <- s.Worker.Drain(context.Background()) }()
	if got := rest(t, idle); got != "" {
		t.Errorf("idle connection got %q", got)
	}
	select {
	case err := <-drained:
		t.Fatalf("Drain returned %v before the request ended", err)
	default:
	}
	close(g.open)
	if got := rest(t, busy); !strings.Contains(got, "Connection: close\r\n\r\nthrough\n") {
		t.Errorf("busy connection got %q", got)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

// keepalive_min_timeout gives clients that just got an answer the time for
// another request.
func TestDrainKeepsMinTimeout(t *testing.T) {
	s := httptest.Start(t, withProbe(nil), httptest.Site{HTTP: "keepalive_min_timeout 10s;\n" + probeSite})
	idle := dial(t, s)
	send(t, idle, "GET /ok HTTP/1.1\nHost: a\n\n")
	await(t, idle, "ok\n")
	drained := make(chan error, 1)
	go func() { drained <- s.Worker.Drain(context.Background()) }()
	for { // until the worker knows that it drains
		send(t, idle, "GET /ok HTTP/1.1\nHost: a\n\n")
		if got := await(t, idle, "ok\n"); strings.Contains(got, "Connection: close") {
			break
		}
	}
	rest(t, idle)
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

func TestDrainDeadline(t *testing.T) {
	s := httptest.Start(t, withProbe(nil), httptest.Site{HTTP: probeSite})
	slow := dial(t, s)
	send(t, slow, "GET /ok HT")
	waitFor(t, func() bool { return s.Worker.Stats().Reading == 1 })
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := s.Worker.Drain(ctx); err != context.DeadlineExceeded {
		t.Errorf("Drain: %v", err)
	}
	if n := s.Worker.Stats().Active; n != 0 {
		t.Errorf("%d connections are left", n)
	}
}

func TestStats(t *testing.T) {
	g := newGate()
	s := httptest.Start(t, withProbe(g), httptest.Site{HTTP: probeSite})
	idle, busy := dial(t, s), dial(t, s)
	send(t, idle, "GET /ok HTTP/1.1\nHost: a\n\n")
	await(t, idle, "ok\n")
	send(t, busy, "GET /gate HTTP/1.1\nHost: a\nConnection: close\n\n")
	<-g.entered
	waitFor(t, func() bool { return s.Worker.Stats().Waiting == 1 })
	got := s.Worker.Stats()
	if got.Accepted != 2 || got.Handled != 2 || got.Requests != 2 || got.Active != 2 || got.Writing != 1 || got.Reading != 0 {
		t.Errorf("%+v", got)
	}
	close(g.open)
	rest(t, busy)
}

func TestWorkerConnections(t *testing.T) {
	s := httptest.Start(t, withProbe(nil), httptest.Site{HTTP: probeSite, WorkerConnections: 2})
	first, second := dial(t, s), dial(t, s)
	for _, conn := range []net.Conn{first, second} {
		send(t, conn, "GET /ok HTTP/1.1\nHost: a\n\n")
		await(t, conn, "ok\n")
	}
	third := dial(t, s)
	if got := rest(t, third); got != "" {
		t.Errorf("the third connection got %q", got)
	}
	if log := s.ReadFile("error.log"); !strings.Contains(log, "[alert]") || !strings.Contains(log, "2 worker_connections are not enough") {
		t.Errorf("log: %s", log)
	}
	_ = first.Close()
	waitFor(t, func() bool { return s.Worker.Stats().Active == 1 })
	fourth := dial(t, s)
	send(t, fourth, "GET /ok HTTP/1.1\nHost: a\nConnection: close\n\n")
	if got := rest(t, fourth); !strings.HasSuffix(got, "ok\n") {
		t.Errorf("the fourth connection got %q", got)
	}
	if got := s.Worker.Stats(); got.Accepted != 4 || got.Handled != 3 {
		t.Errorf("%+v", got)
	}
}

// Many clients at once, for the race detector.
func TestManyClients(t *testing.T) {
	s := httptest.Start(t, withProbe(nil), httptest.Site{HTTP: probeSite})
	const clients, rounds = 16, 50
	failed := make(chan error, clients)
	for range clients {
		go func() { failed <- client(s.Addr, rounds) }()
	}
	for range clients {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

func client(addr string, rounds int) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for range rounds {
		if _, err := io.WriteString(conn, "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			return err
		}
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return err
			}
			if line == "ok\n" {
				break
			}
		}
	}
	return nil
}
