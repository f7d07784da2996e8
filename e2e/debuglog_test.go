package e2e_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// The debug log follows a request in nginx's words.
func TestDebugLog(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, `
		error_log debug.log debug;
		http { server { listen {{web}}; root {{dir}}; location /sub/ { } location /no { deny all; } } }`)
	b.Write("sub/index.html", "hello")
	c := b.Dial("web")
	c.Get("/sub/?a=b").Want(200, "hello")
	c.Get("/no")
	c.Close()
	lines := []string{
		`\*1 accept: 127\.0\.0\.1:\d+ fd:\d+`,
		`http wait request handler`,
		`recv: fd:\d+ \d+ of \d+`,
		`http process request line`,
		`http request line: "GET /sub/\?a=b HTTP/1\.1"`,
		`http process request header line`,
		`http header: "Host: [^"]+"`,
		`http header done`,
		`http uri: "/sub/"`,
		`http args: "a=b"`,
		`using configuration "/sub/"`,
		`http cl:-1 max:1048576`,
		`internal redirect: "/sub/index\.html\?a=b"`,
		`http filename: "[^"]+/sub/index\.html"`,
		`http static fd: \d+`,
		`http finalize request: 200, "/sub/index\.html\?a=b"`,
		`http log handler`,
		`set http keepalive handler`,
		`event timer add: \d+: 75000`,
		`http keepalive handler`,
		`using configuration "/no"`,
		`access phase: 0, status 403`,
		`http special response: 403, "/no\?"`,
		`close http connection: \d+`,
	}
	has := func() string {
		text := b.Read("debug.log")
		for _, line := range lines {
			at := regexp.MustCompile(`(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[debug\] \d+#\d+: \*1 ` + strings.TrimPrefix(line, `\*1 `) + `$`).FindStringIndex(text)
			if at == nil {
				return line
			}
			text = text[at[1]:]
		}
		return ""
	}
	if !e2e.Eventually(30*time.Second, func() bool { return has() == "" }) {
		t.Errorf("%s\nlacks %s there", b.Read("debug.log"), has())
	}
}

// debug_connection makes every log talk, of these clients only.
func TestDebugConnection(t *testing.T) {
	t.Parallel()
	for clients, want := range map[string]struct{ tcp, unix bool }{
		"debug_connection unix:;":                              {unix: true},
		"debug_connection 127.0.0.0/8;":                        {tcp: true},
		"debug_connection ::1; debug_connection 192.0.2.0/24;": {},
		"debug_connection localhost; debug_connection unix:;":  {tcp: true, unix: true},
	} {
		t.Run(clients, func(t *testing.T) {
			b := e2e.Start(t, `
				error_log main.log alert;
				events { `+clients+` }
				http {
					error_log 1.log alert;
					error_log 2.log alert;
					server { listen {{web}}; listen unix:{{dir}}/x.sock; location / { return 200; } location /local { error_log 3.log crit; return 200; } }
				}`)
			for name, is := range map[string]struct {
				client *e2e.Client
				want   bool
			}{
				"unix": {e2e.DialAddress(t, "unix", b.Path("x.sock")), want.unix},
				"tcp":  {b.Dial("web"), want.tcp},
			} {
				before := b.Read("1.log")
				is.client.Get("/" + name)
				is.client.Get("/local/" + name)
				is.client.Close()
				end := "close http connection"
				if is.want && !e2e.Eventually(30*time.Second, func() bool { return strings.Contains(b.Read("1.log")[len(before):], end) }) {
					t.Errorf("%s: 1.log has %q", name, b.Read("1.log"))
				}
				for _, log := range []string{"1.log", "3.log"} {
					if got := strings.Contains(b.Read(log), `/`+name); got != is.want {
						t.Errorf("%s: %s has debug lines: %v", name, log, got)
					}
				}
			}
			if b.Read("1.log") != b.Read("2.log") {
				t.Errorf("1.log %q\n2.log %q", b.Read("1.log"), b.Read("2.log"))
			}
			if got := b.Read("main.log"); got != "" {
				t.Errorf("main.log: %q", got)
			}
		})
	}
}
