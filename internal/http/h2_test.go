package http_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/wire/h2"
	"golang.org/x/net/http2/hpack"
)

// An h2Client speaks HTTP/2 frame by frame.
type h2Client struct {
	t     testing.TB
	conn  net.Conn
	block bytes.Buffer
	enc   *hpack.Encoder
	dec   *hpack.Decoder
	next  uint32
}

// An h2Answer is what came on one stream.
type h2Answer struct {
	fields   map[string]string
	trailers map[string]string
	body     string
	reset    h2.Code // of RST_STREAM
	wasReset bool
}

func dialH2(t testing.TB, s *httptest.Server) *h2Client {
	t.Helper()
	c := &h2Client{t: t, conn: dial(t, s), next: 1, dec: hpack.NewDecoder(4096, nil)}
	c.enc = hpack.NewEncoder(&c.block)
	if _, err := io.WriteString(c.conn, h2.Preface); err != nil {
		t.Fatal(err)
	}
	c.write(h2.Settings, 0, 0, "")
	return c
}

func (c *h2Client) check(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// write sends a frame. Whether it arrives is seen by the answer.
func (c *h2Client) write(kind h2.FrameType, flags uint8, id uint32, body string) {
	_, _ = c.conn.Write(append(h2.Head{Length: len(body), Type: kind, Flags: flags, Stream: id}.Append(nil), body...))
}

func (c *h2Client) widen(id, by uint32) { _, _ = c.conn.Write(h2.AppendWindowUpdate(nil, id, by)) }

// read reads a frame.
func (c *h2Client) read() (head h2.Head, body []byte, err error) {
	b := make([]byte, h2.HeadSize)
	if _, err = io.ReadFull(c.conn, b); err == nil {
		head = h2.ParseHead(b)
		body = make([]byte, head.Length)
		_, err = io.ReadFull(c.conn, body)
	}
	return head, body, err
}

// encode makes a header block of "name: value" lines.
func (c *h2Client) encode(lines ...string) string {
	c.block.Reset()
	for _, line := range lines {
		i := strings.Index(line[1:], ": ") + 1
		c.check(c.enc.WriteField(hpack.HeaderField{Name: line[:i], Value: line[i+2:]}))
	}
	return c.block.String()
}

// request begins a stream; more replaces or follows the usual fields.
func (c *h2Client) request(ended bool, path string, more ...string) (id uint32) {
	lines := []string{":method: GET", ":scheme: http", ":path: " + path, ":authority: a.test"}
	if len(more) > 0 && strings.HasPrefix(more[0], ":method: ") {
		lines[0], more = more[0], more[1:]
	}
	return c.fields(ended, append(lines, more...)...)
}

func (c *h2Client) fields(ended bool, lines ...string) (id uint32) {
	id = c.next
	c.next += 2
	flags := uint8(h2.FlagEndHeaders)
	if ended {
		flags |= h2.FlagEndStream
	}
	c.write(h2.Headers, flags, id, c.encode(lines...))
	return id
}

// answers reads until these streams have ended, whatever comes first.
func (c *h2Client) answers(ids ...uint32) map[uint32]*h2Answer {
	c.t.Helper()
	got := make(map[uint32]*h2Answer)
	for _, id := range ids {
		got[id] = &h2Answer{}
	}
	for left := len(ids); left > 0; {
		head, body, err := c.read()
		c.check(err)
		a := got[head.Stream]
		ended := head.Flags&h2.FlagEndStream != 0
		switch {
		case head.Type == h2.Settings && head.Flags&h2.FlagAck == 0:
			c.write(h2.Settings, h2.FlagAck, 0, "")
		case head.Type == h2.GoAway && h2.Uint31(body[4:]) != 0:
			c.t.Fatalf("GOAWAY %x", body)
		case a == nil:
			continue
		case head.Type == h2.Headers:
			list, err := c.dec.DecodeFull(body)
			c.check(err)
			fields := make(map[string]string)
			for _, field := range list {
				fields[field.Name] = field.Value
			}
			if a.fields == nil {
				a.fields = fields
			} else {
				a.trailers = fields
			}
		case head.Type == h2.Data:
			a.body += string(body)
			if n := uint32(len(body)); n > 0 {
				c.widen(0, n)
				if !ended {
					c.widen(head.Stream, n)
				}
			}
		case head.Type == h2.RSTStream:
			a.reset, a.wasReset = h2.Code(h2.Uint31(body)), true
			ended = true
		default:
			ended = false
		}
		if a != nil && ended {
			delete(got, head.Stream)
			got[head.Stream|1<<31] = a
			left--
		}
	}
	done := make(map[uint32]*h2Answer)
	for id, a := range got {
		done[id&^(1<<31)] = a
	}
	return done
}

func (c *h2Client) answer(id uint32) *h2Answer {
	c.t.Helper()
	return c.answers(id)[id]
}

// goAway reads until the connection is told to end, and to its end.
func (c *h2Client) goAway() (why h2.Code) {
	c.t.Helper()
	told := false
	for {
		head, body, err := c.read()
		if err != nil && told {
			return why
		}
		c.check(err)
		if head.Type == h2.GoAway {
			told, why = true, h2.Code(h2.Uint31(body[4:]))
			_ = c.conn.(*net.TCPConn).CloseWrite()
		}
	}
}

const h2Site = `
	http2 on;
	client_body_buffer_size 1k;
	client_max_body_size 1m;
	log_format h2 "$http2 $request $status $body_bytes_sent $connection_requests";
	access_log {{dir}}/access.log h2;
	error_log {{dir}}/error.log info;
	server {
		listen {{addr}};
		location /ok { return 200 "$http2 $server_protocol $host $http_host $http_cookie $request_length"; }
		location /echo { probe echo; }
		location /trailer { probe trailer; }
		location /gate { probe gate; }
		location /panic { probe panic; }
		location /file { root {{dir}}; }
		location /empty { return 204; }
	}
	server {
		listen {{addr}};
		server_name off.test;
		http2 off;
	}`

func startH2(t testing.TB, g *gate) *httptest.Server {
	return httptest.Start(t, withProbe(g), httptest.Site{HTTP: h2Site})
}

func TestHTTP2Answers(t *testing.T) {
	s := startH2(t, nil)
	c := dialH2(t, s)
	first := c.request(true, "/ok/?x", "cookie: a=b", "x-other: y", "cookie: c=d")
	second := c.request(true, "/empty")
	third := c.request(true, "/ok", ":method: HEAD")
	got := c.answers(first, second, third)
	if a := got[first]; a.fields[":status"] != "200" || !strings.HasPrefix(a.body, "h2c HTTP/2.0 a.test a.test a=b; c=d ") || a.fields["content-type"] != "text/plain" {
		t.Errorf("%+v", a)
	}
	if a := got[second]; a.fields[":status"] != "204" || a.body != "" {
		t.Errorf("%+v", a)
	}
	if a := got[third]; a.fields[":status"] != "200" || a.body != "" || a.fields["content-length"] == "" || a.fields["connection"] != "" {
		t.Errorf("%+v", a)
	}
	if a := c.answer(c.request(true, "/trailer")); len(a.trailers) == 0 {
		t.Errorf("no trailers: %+v", a)
	}
	_ = c.conn.Close()
	if answer := s.Get("/ok"); !strings.Contains(httptest.Body(answer), "HTTP/1.1") {
		t.Errorf("HTTP/1 on the same port: %s", answer)
	}
	// The streams end in any order, and are logged when their clients have the answer.
	for end := time.Now().Add(30 * time.Second); !strings.Contains(s.ReadFile("access.log"), "h2c GET /ok/?x HTTP/2.0 200 "); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s", s.ReadFile("access.log"))
		}
	}
}

// Bodies larger than the windows, both ways, of several streams at once.
func TestHTTP2Bodies(t *testing.T) {
	s := startH2(t, nil)
	content := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	if err := os.MkdirAll(filepath.Join(s.Dir, "file"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "file", "large"), content, 0o644); err != nil {
		t.Fatal(err)
	}
	c := dialH2(t, s)
	ids := []uint32{c.request(true, "/file/large"), c.request(true, "/file/large"), c.request(true, "/file/large")}
	for _, a := range c.answers(ids...) {
		if a.body != string(content) {
			t.Errorf("%d bytes, want %d", len(a.body), len(content))
		}
	}
	c = dialH2(t, s)
	id := c.request(false, "/echo", ":method: POST")
	for i := range 3 {
		c.write(h2.Data, uint8(i/2), id, string(content[:16000]))
	}
	if a := c.answer(id); len(a.body) != 48000 {
		t.Errorf("%d bytes came back: %v", len(a.body), a.fields)
	}
	id = c.request(false, "/echo", ":method: POST", "content-length: 5")
	c.write(h2.Data, 0, id, "he")
	c.write(h2.Data, h2.FlagPadded, id, "\x02llo\x00\x00")
	c.write(h2.Headers, h2.FlagEndStream|h2.FlagEndHeaders, id, c.encode("x-trailer: t"))
	if a := c.answer(id); a.body != "hello" {
		t.Errorf("%+v", a)
	}
	for _, body := range []string{"hell", "hello!"} {
		id = c.request(false, "/echo", ":method: POST", "content-length: 5")
		c.write(h2.Data, h2.FlagEndStream, id, body)
		if a := c.answer(id); a.fields[":status"] != "400" {
			t.Errorf("%q: %+v", body, a)
		}
	}
}

// Requests that are none get 400, and the connection goes on.
func TestHTTP2MalformedRequests(t *testing.T) {
	s := startH2(t, nil)
	c := dialH2(t, s)
	const usual = ":method: GET|:scheme: http|:path: /ok|:authority: a.test"
	for _, tt := range []struct{ fields, status, text string }{
		{":scheme: http|:path: /|:authority: a", "400", "client sent no :method header"},
		{":method: GET|:path: /|:authority: a", "400", "client sent no :scheme header"},
		{":method: GET|:scheme: http|:authority: a", "400", "client sent no :path header"},
		{":method: GET|:scheme: http|:path: /", "400", `client sent neither ":authority" nor "Host" header`},
		{usual + "|:path: /", "400", "client sent duplicate :path header"},
		{usual + "|:status: 200", "400", `client sent unknown pseudo-header ":status"`},
		{":method: GET|:scheme: http|x: y|:path: /|:authority: a", "400", "client sent no :path header"},
		{usual + "|x: y|:method: GET", "400", "client sent out of order pseudo-headers"},
		{usual + "|X-Upper: y", "400", `client sent invalid header name: "X-Upper"`},
		{usual + "|x: a\rb", "400", `client sent header "x" with invalid value`},
		{usual + "|connection: close", "400", `client sent "Connection" header`},
		{usual + "|te: gzip", "400", `client sent invalid "TE" header`},
		{usual + "|host: b.test", "400", `client sent ":authority" and "Host" headers with different values`},
		{usual + "|content-length: x", "400", `client sent invalid "Content-Length" header`},
		{usual + "|content-length: 5", "400", "client prematurely closed stream"},
		{":method: GET|:scheme: http|:path: *|:authority: a", "400", `client sent invalid :path header: "*"`},
		{":method: get|:scheme: http|:path: /|:authority: a", "400", `client sent invalid method: "get"`},
		{":method: CONNECT|:scheme: http|:path: /|:authority: a", "405", "client sent CONNECT method"},
		{":method: GET|:scheme: http|:path: /|:authority: off.test", "421", "the negotiated protocol is disabled"},
		{usual + "|te: trailers", "200", ""},
		{":method: GET|:scheme: http|:path: /ok|host: a.test", "200", ""},
	} {
		a := c.answer(c.fields(true, strings.Split(tt.fields, "|")...))
		if a.fields[":status"] != tt.status {
			t.Errorf("%s: %v, want %s", tt.fields, a.fields, tt.status)
		}
		if !strings.Contains(s.ReadFile("error.log"), tt.text) {
			t.Errorf("%s: not logged: %s", tt.fields, tt.text)
		}
	}
}

// What ends a connection, and with which code.
func TestHTTP2ConnectionErrors(t *testing.T) {
	s := startH2(t, nil)
	for _, tt := range []struct {
		name string
		code h2.Code
		do   func(c *h2Client)
	}{
		{"DATA of no stream", h2.ProtocolError, func(c *h2Client) { c.write(h2.Data, 1, 1, "") }},
		{"even stream", h2.ProtocolError, func(c *h2Client) { c.next = 2; c.request(true, "/ok") }},
		{"window 0", h2.ProtocolError, func(c *h2Client) { c.widen(0, 0) }},
		{"window too large", h2.FlowControlError, func(c *h2Client) { c.widen(0, h2.MaxWindow) }},
		{"settings", h2.FrameSizeError, func(c *h2Client) { c.write(h2.Settings, 0, 0, "12345") }},
		{"block", h2.CompressionError, func(c *h2Client) { c.write(h2.Headers, 5, 1, "\x80") }},
		{"ping", h2.FrameSizeError, func(c *h2Client) { c.write(h2.Ping, 0, 0, "1234567") }},
		{"push", h2.ProtocolError, func(c *h2Client) { c.write(h2.PushPromise, 4, 1, "12345678") }},
		{"endless head", h2.EnhanceYourCalm, func(c *h2Client) {
			c.write(h2.Headers, 1, 1, "\x82")
			for range 1002 {
				c.write(h2.Continuation, 0, 1, "")
			}
		}},
		{"large head", h2.EnhanceYourCalm, func(c *h2Client) { c.request(true, "/ok", "x: "+strings.Repeat("~", 9000)) }},
		{"large frame", h2.FrameSizeError, func(c *h2Client) { c.write(h2.Settings, 0, 0, strings.Repeat("x", h2.MaxFrame+1)) }},
		{"other frame inside of a head", h2.ProtocolError, func(c *h2Client) {
			c.write(h2.Headers, 1, 1, "\x82")
			c.write(h2.Ping, 0, 0, "12345678")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := dialH2(t, s)
			tt.do(c)
			if code := c.goAway(); code != tt.code {
				t.Errorf("%d, want %d", code, tt.code)
			}
		})
	}
}

// A client that gives a stream up, and one that comes back with more than it may.
func TestHTTP2Limits(t *testing.T) {
	g := newGate()
	s := httptest.Start(t, withProbe(g), httptest.Site{HTTP: "http2_max_concurrent_streams 2;" + h2Site})
	c := dialH2(t, s)
	first, second := c.request(true, "/gate"), c.request(true, "/gate")
	<-g.entered
	<-g.entered
	if a := c.answer(c.request(true, "/ok")); a.reset != h2.RefusedStream {
		t.Errorf("a third stream: %+v", a)
	}
	c.write(h2.Ping, 0, 0, "12345678")
	for {
		head, body, err := c.read()
		c.check(err)
		if head.Type == h2.Ping {
			if head.Flags != h2.FlagAck || string(body) != "12345678" {
				t.Errorf("%+v %q", head, body)
			}
			break
		}
	}
	_, err := c.conn.Write(h2.AppendReset(nil, first, h2.Cancel))
	c.check(err)
	g.open <- struct{}{}
	g.open <- struct{}{}
	if a := c.answer(second); a.fields[":status"] != "200" {
		t.Errorf("%+v", a)
	}
	if a := c.answer(c.request(true, "/panic")); a.reset != h2.InternalError {
		t.Errorf("%+v", a)
	}
	if a := c.answer(c.request(true, "/ok")); a.fields[":status"] != "200" {
		t.Errorf("%+v", a)
	}
}

// A client that begins streams only to give them up is sent away.
func TestHTTP2RapidReset(t *testing.T) {
	s := startH2(t, nil)
	c := dialH2(t, s)
	for range 2000 {
		id := c.request(true, "/ok")
		if _, err := c.conn.Write(h2.AppendReset(nil, id, h2.Cancel)); err != nil {
			break // it was sent away already
		}
	}
	told := false
	for {
		head, _, err := c.read()
		if err != nil {
			break
		}
		told = told || head.Type == h2.GoAway
	}
	if !told && !strings.Contains(s.ReadFile("error.log"), "too many") {
		t.Error("2000 streams were given up, and nothing happened")
	}
}

// With its last request a connection is told to end, and ends.
func TestHTTP2KeepaliveRequests(t *testing.T) {
	s := httptest.Start(t, withProbe(nil), httptest.Site{HTTP: "keepalive_requests 2;" + h2Site})
	c := dialH2(t, s)
	c.answer(c.request(true, "/ok"))
	id := c.request(true, "/ok")
	if a := c.answer(id); a.fields[":status"] != "200" {
		t.Errorf("%+v", a)
	}
	if _, err := io.Copy(io.Discard, c.conn); err != nil {
		t.Error(err)
	}
}

// A stream whose window stays shut is given up after send_timeout, and nothing else.
// A stream that the client begins before it has seen our GOAWAY is ignored with all
// that comes on it, and those before it go on.
func TestHTTP2BehindGoAway(t *testing.T) {
	s := httptest.Start(t, withProbe(nil), httptest.Site{HTTP: "keepalive_requests 1;" + h2Site})
	c := dialH2(t, s)
	served := c.request(false, "/echo")
	late := c.request(false, "/echo")
	c.write(h2.Data, 0, late, "nobody's")
	c.widen(late, 1)
	c.write(h2.RSTStream, 0, late, "\x00\x00\x00\x08")
	c.write(h2.Data, h2.FlagEndStream, served, "whole")
	if a := c.answer(served); a.fields[":status"] != "200" || a.body != "whole" {
		t.Errorf("%+v", a)
	}
}

func TestHTTP2SlowWindow(t *testing.T) {
	s := httptest.Start(t, withProbe(nil), httptest.Site{HTTP: "send_timeout 200ms;" + h2Site})
	c := dialH2(t, s)
	c.write(h2.Settings, 0, 0, string(h2.AppendSetting(nil, h2.InitialWindowSize, 0)))
	id := c.request(true, "/ok")
	if a := c.answer(id); a.fields[":status"] != "200" || a.reset != h2.ProtocolError {
		t.Errorf("%+v", a)
	}
	c.write(h2.Settings, 0, 0, string(h2.AppendSetting(nil, h2.InitialWindowSize, 100)))
	if a := c.answer(c.request(true, "/ok")); a.body == "" {
		t.Errorf("%+v", a)
	}
}

// Directives as nginx checks them.
func TestHTTP2Directives(t *testing.T) {
	for text, want := range map[string]string{
		"http2_chunk_size 0;":         "the http2 chunk size cannot be zero",
		"http2_recv_buffer_size 16;":  "value is too small",
		"http2_streams_index_size 3;": "must be a power of two",
		"http2_pool_size 100;":        "the pool size must be no less than 256",
		"http2 on; http2 on;":         `"http2" directive is duplicate`,
	} {
		got := httptest.Rejected(t, withProbe(nil), httptest.Site{HTTP: text + " server { listen {{addr}}; }"})
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// FuzzHTTP2 feeds a connection whatever comes; the server must survive it.
func FuzzHTTP2(f *testing.F) {
	frame := func(kind, flags byte, stream uint32, body string) string {
		return fmt.Sprintf("%c%c%c%c%c%c%c%c%c%s", 0, len(body)>>8, len(body)&255, kind, flags, 0, 0, 0, stream, body)
	}
	f.Add([]byte(frame(4, 0, 0, "") + frame(1, 5, 1, "\x82\x84\x86\x41\x01a")))
	f.Add([]byte(frame(1, 4, 1, "\x83\x84\x86\x41\x01a") + frame(0, 0, 1, "hello") + frame(0, 1, 1, "") + frame(3, 0, 1, "\x00\x00\x00\x08")))
	f.Add([]byte(frame(1, 0, 1, "\x82") + frame(9, 4, 1, "\x84\x86\x41\x01a") + frame(8, 0, 1, "\x00\x00\x00\x01") + frame(6, 0, 0, "12345678")))
	s := startH2(f, nil)
	f.Fuzz(func(t *testing.T, frames []byte) {
		conn, err := net.Dial("tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = conn.Write(append([]byte(h2.Preface), frames...)) // it may close before it has all
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, conn)
		if log := s.For(t).ReadFile("error.log"); strings.Contains(log, "panic") {
			t.Fatal(log)
		}
	})
}
