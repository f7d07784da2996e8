package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// patient takes requests and answers by the path, and not before the other side has
// gone: /wait nothing, /begin the beginning of a body that is never complete.
func patient(c net.Conn, in *bufio.Reader) {
	h, ok := hear(in)
	if !ok || h.body(in, io.Discard) != nil {
		return
	}
	switch path, _, _ := strings.Cut(h.target, "?"); path {
	case "/begin":
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"+strings.Repeat("x", 64<<10))
	case "/flood":
		_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 64*len(bigText))
		for range 64 {
			if _, err := io.WriteString(c, bigText); err != nil {
				return
			}
		}
	}
	_, _ = in.ReadByte()
}

// A goneCase is a client that sends these bytes, waits until the upstream has the
// request or the answer begins, and goes.
type goneCase struct {
	name    string
	send    string
	until   string // of the answer
	reaches bool   // the upstream gets something
	want    string // a pattern of the line of the access log
	log     string
}

var goneCases = []goneCase{
	{"sending the head", "GET /wait HTTP/1.1\r\nHost:", "", false, "/wait 400 -", "client prematurely closed connection while reading client request headers"},
	{"sending the body", "POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf", "", false, "/wait 400 -", "client prematurely closed connection"},
	{"sending the body, not buffered", "POST /direct HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf", "", true, "/direct 400 -", "client prematurely closed connection"},
	{"waiting", "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n", "", true, "/wait 499 -", "client prematurely closed connection, so upstream connection is closed too while sending request to upstream"},
	{"waiting after a body", "POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody", "", true, "/wait 499 -", "client prematurely closed connection, so upstream connection is closed too while sending request to upstream"},
	{"reading, not buffered", "GET /begin/direct HTTP/1.1\r\nHost: a\r\n\r\n", "xxxx", true, "/begin/direct 200 200", "client prematurely closed connection"},
	{"reading, buffered", "GET /begin HTTP/1.1\r\nHost: a\r\n\r\n", "xxxx", true, "/begin 200 200", "client prematurely closed connection"},
	{"not reading", "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200", true, "/flood 200 200", ""},
}

const goneSite = `error_log error.log info;
http {
	log_format f '$request_uri $status $upstream_status';
	access_log access.log f;
	proxy_temp_path {{dir}}/proxy_temp; client_body_temp_path {{dir}}/client_temp;
	proxy_http_version 1.1; proxy_set_header Connection "";
	upstream u { server PEER max_fails=0; keepalive 8; }
	server {
		listen {{web}};
		location / { proxy_pass http://u; }
		location /begin { proxy_pass http://u; }
		location /begin/direct { proxy_buffering off; rewrite ^ /begin break; proxy_pass http://u; }
		location /direct { proxy_request_buffering off; proxy_pass http://u; }
	}
}`

// A client that goes takes everything with it that was there for it.
func TestClientGone(t *testing.T) {
	t.Parallel()
	p := startPeer(t, "", patient)
	b := e2e.Start(t, strings.ReplaceAll(goneSite, "PEER", p.addr()))
	worker := b.WaitWorkers(1)[0]
	before := e2e.Settled(worker)
	for _, c := range goneCases {
		b.Mark()
		for range 3 {
			logged := strings.Count(b.Read("access.log"), "\n")
			_, accepted := p.connections()
			client := b.Dial("web")
			client.Send(c.send)
			if c.until != "" {
				readUntil(t, client, c.until)
			} else if c.reaches && !e2e.Eventually(30*time.Second, func() bool { _, now := p.connections(); return now > accepted }) {
				t.Fatalf("%s: nothing comes to the upstream", c.name)
			}
			client.Close()
			line := ""
			if !e2e.Eventually(30*time.Second, func() bool {
				lines := strings.Split(b.Read("access.log"), "\n")
				line = lines[min(logged, len(lines)-1)]
				return len(lines) > logged+1
			}) {
				t.Fatalf("%s: nothing is logged", c.name)
			}
			if !regexp.MustCompile("^" + c.want + "$").MatchString(line) {
				t.Errorf("%s: log %q, want %q", c.name, line, c.want)
			}
		}
		if c.log != "" {
			b.WaitLog(c.log)
		}
		if !e2e.Eventually(30*time.Second, func() bool { open, _ := p.connections(); return open == 0 }) {
			t.Errorf("%s: connections to the upstream are left", c.name)
		}
	}
	b.WantDescriptors(worker, before)
	wantNoFiles(t, b)
}

// readUntil reads an answer until it has this text.
func readUntil(t *testing.T, c *e2e.Client, text string) {
	t.Helper()
	_ = c.Conn().SetReadDeadline(time.Now().Add(time.Minute))
	var got strings.Builder
	for one := make([]byte, 1); !strings.HasSuffix(got.String(), text); got.Write(one) {
		if _, err := io.ReadFull(c.Conn(), one); err != nil {
			t.Fatalf("after %q: %v", got.String(), err)
		}
	}
}
