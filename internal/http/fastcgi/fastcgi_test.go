package fastcgi_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/accesslog"
	"github.com/baton-project/baton/internal/http/fastcgi"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/http/headers"
	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/http/ranges"
	"github.com/baton-project/baton/internal/http/rewrite"
	"github.com/baton-project/baton/internal/http/static"
)

func features() []http.Module {
	return []http.Module{rewrite.Feature, gateway.Feature, gateway.EarlyHints, fastcgi.Feature, static.Feature, headers.Feature, ranges.Feature, accesslog.Feature}
}

// answers are what an application says, by the name that it is asked for. Not all
// of it makes sense.
var answers = map[string]string{
	"simple":         whole("Content-Type: text/plain\r\n\r\nhello"),
	"line-feeds":     whole("Content-Type: text/plain\nX-A: b\n\nhello"),
	"status":         whole("Status: 404 Nothing Here\r\nContent-Type: text/plain\r\n\r\nnot here"),
	"bare-status":    whole("Status: 403\r\nContent-Type: text/plain\r\n\r\nno"),
	"bad-status":     whole("Status: abc\r\n\r\nno"),
	"short-status":   whole("Status: 20\r\n\r\nno"),
	"two-statuses":   whole("Status: 201 Made\r\nStatus: 500 No\r\n\r\nyes"),
	"location":       whole("Location: /there\r\n\r\n"),
	"http-line":      whole("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello"),
	"split-head":     record(6, "Content-Ty") + record(6, "pe: text/plain\r\nX-A: b\r") + record(6, "\n\r\nhel") + record(6, "lo") + closed + ended,
	"padded":         "\x01\x06\x00\x01\x00\x05\xff\x00X: y\n" + strings.Repeat("\x00", 255) + record(6, "\nhello") + closed + ended,
	"stderr":         record(7, "it hurts.\n") + record(6, "X-A: b\r\n\r\n") + record(7, "again") + record(6, "hello") + record(7, "") + closed + ended,
	"length":         whole("Content-Length: 5\r\n\r\nhello"),
	"too-long":       whole("Content-Length: 5\r\n\r\nhello and more"),
	"two-lengths":    whole("Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
	"bad-length":     whole("Content-Length: x\r\n\r\nhello"),
	"not-ended":      record(6, "X-A: b\r\n\r\nhello"),
	"end-at-once":    ended,
	"closed-at-once": closed + ended,
	"nothing":        "",
	"half-a-header":  "\x01\x06\x00",
	"cut-in-head":    record(6, "X-A: b\r\nX-B")[:15],
	"no-head-end":    record(6, "X-A: b\r\n"),
	"version":        "HTTP/1.1 200 OK\r\n\r\n",
	"type":           "\x01\x09\x00\x01\x00\x00\x00\x00",
	"id-high":        "\x01\x06\x01\x01\x00\x00\x00\x00",
	"id-low":         "\x01\x06\x00\x02\x00\x00\x00\x00",
	"no-colon":       whole("X-A\r\nX-B: b\r\n\r\nhello"),
	"zero":           whole("X-A: b\x00c\r\n\r\nhello"),
	"space":          whole("X A: b\r\n\r\nhello"),
	"huge-head":      record(6, "X-A: "+strings.Repeat("a", 60000)) + record(6, "\r\n\r\nhello") + closed + ended,
	"many-lines":     record(6, strings.Repeat("X-A: b\r\n", 3000)) + record(6, "\r\nhello") + closed + ended,
	"huge-stderr":    strings.Repeat(record(7, strings.Repeat("e", 3000)), 4) + whole("X-A: b\r\n\r\nhello"),
	"hidden":         whole("X-Accel-Expires: 1\r\nX-Powered-By: us\r\nDate: today\r\nServer: app\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\nhello"),
	"unauthorized":   whole("Status: 401 Who\r\nWWW-Authenticate: Basic realm=x\r\n\r\nwho"),
	"bad-redirect":   whole("X-Accel-Redirect: /../etc/passwd\r\n\r\n"),
	"accel-redirect": whole("X-Accel-Redirect: /file.txt\r\nContent-Type: text/x-mine\r\nX-A: b\r\n\r\n"),
}

// answersFor makes an application of answers.
func answersFor(t *testing.T) *app {
	return startApp(t, func(r request) (string, bool) {
		return answers[strings.TrimPrefix(r.params["QUERY_STRING"], "c=")], false
	})
}

const site = `
	upstream one { server %[1]s max_fails=0; }
	server {
		listen {{addr}}; server_name localhost; root {{dir}};
		keepalive_timeout 75 75; chunked_transfer_encoding off;
		fastcgi_param QUERY_STRING $query_string;
		fastcgi_hide_header X-Powered-By;
		location /app { fastcgi_pass one; }
		location /kept { fastcgi_pass one; fastcgi_keep_conn on; fastcgi_buffering off; }
		location /caught { fastcgi_pass one; fastcgi_catch_stderr "it hurts"; fastcgi_intercept_errors on; error_page 502 404 /sorry.txt; }
		location /file.txt { internal; }
	}`

// TestAnswersAsNginx compares what the client gets of answers good and bad, and
// what is logged of them.
func TestAnswersAsNginx(t *testing.T) {
	a := answersFor(t)
	var cases []httptest.Case
	for name := range answers {
		switch name {
		case "huge-stderr": // logged in other pieces
			continue
		case "two-lengths", "bad-length", "two-statuses", "bare-status": // otherwise since 1.23
			continue
		}
		cases = append(cases, httptest.Case{Name: name, Request: httptest.Request("GET", "/app?c="+name)})
	}
	for _, name := range []string{"simple", "status", "length"} {
		cases = append(cases, httptest.Case{Name: "HEAD " + name, Request: httptest.Request("HEAD", "/app?c="+name)},
			httptest.Case{Name: "kept " + name, Request: httptest.Request("GET", "/kept?c="+name)})
	}
	for _, name := range []string{"stderr", "status", "simple", "version"} {
		cases = append(cases, httptest.Case{Name: "caught " + name, Request: httptest.Request("GET", "/caught?c="+name)})
	}
	httptest.Compare(t, features(), httptest.Site{
		HTTP:  fmt.Sprintf(site, a.addr),
		Files: map[string]string{"file.txt": "a file\n", "sorry.txt": "sorry\n"},
	}, cases)
}

// TestAnswersThatNginxReadsOtherwiseNow: duplicate lines count since 1.23, and a
// status without text gets one.
func TestAnswersThatNginxReadsOtherwiseNow(t *testing.T) {
	a := answersFor(t)
	s := httptest.Start(t, features(), httptest.Site{HTTP: fmt.Sprintf(site, a.addr)})
	for name, want := range map[string]string{
		"two-lengths": "502 Bad Gateway", "bad-length": "502 Bad Gateway", "two-statuses": "201 Made", "bare-status": "403 Forbidden", "huge-stderr": "200 OK",
	} {
		if line, _, _ := strings.Cut(s.Get("/app?c="+name), "\r\n"); line != "HTTP/1.1 "+want {
			t.Errorf("%s: %s", name, line)
		}
	}
	log := s.ReadFile("error.log")
	for _, want := range []string{
		`upstream sent duplicate header line: "Content-Length: 5", previous value: "Content-Length: 5" while reading response header from upstream`,
		`upstream sent invalid "Content-Length" header: "Content-Length: x" while`,
		`upstream sent duplicate header line: "Status: 500 No", previous value: "Status: 201 Made", ignored while`,
		`FastCGI sent in stderr: "eeeee`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %q:\n%s", want, log)
		}
	}
}

// TestParameters shows what an application is told: by directives, by header lines,
// and by directives in the place of header lines.
func TestParameters(t *testing.T) {
	a := startApp(t, func(r request) (string, bool) {
		return whole("Content-Type: text/plain\r\n\r\n" + r.dump() + "body=" + r.body), false
	})
	s := httptest.Start(t, features(), httptest.Site{HTTP: fmt.Sprintf(`server {
		listen {{addr}}; server_name localhost; chunked_transfer_encoding off;
		set $app %s;
		fastcgi_param A "a $uri";
		fastcgi_param EMPTY "";
		fastcgi_param LEFT_OUT "" if_not_empty;
		location / { fastcgi_pass $app; }
		location /own { fastcgi_pass $app; fastcgi_param HTTP_X_ONE "$http_x_one!"; fastcgi_param HTTP_X_TWO ""; fastcgi_param HTTP_HOST "us"; fastcgi_pass_request_headers on; }
		location /bare { fastcgi_pass $app; fastcgi_pass_request_headers off; fastcgi_pass_request_body off; }
		location /dir/ { fastcgi_pass $app; fastcgi_index index.php; fastcgi_split_path_info ^(.+\.php)(.*)$;
			fastcgi_param SCRIPT $fastcgi_script_name; fastcgi_param INFO $fastcgi_path_info; }
		location /if { fastcgi_param IN if; if ($arg_x) { set $y 1; } fastcgi_pass $app; }
	}`, a.addr)})
	lines := []string{"X-One: 1", "x-two: 2", "X-Three: 3", "X-three: 4", "Cookie: a=1", "Cookie: b=2", "Content-Length: 4"}
	for _, c := range []struct{ target, want string }{
		{"/x?y", "A=a /x\nEMPTY=\nHTTP_CONNECTION=close\nHTTP_CONTENT_LENGTH=4\nHTTP_COOKIE=a=1; b=2\nHTTP_HOST=localhost\nHTTP_X_ONE=1\nHTTP_X_THREE=3, 4\nHTTP_X_TWO=2\nbody=text"},
		{"/own", "HTTP_CONNECTION=close\nHTTP_CONTENT_LENGTH=4\nHTTP_COOKIE=a=1; b=2\nHTTP_HOST=us\nHTTP_X_ONE=1!\nHTTP_X_THREE=3, 4\nbody=text"},
		{"/bare", "A=a /bare\nEMPTY=\nHTTP_HOST=localhost\nbody="},
		{"/dir/a.php/b", "HTTP_CONNECTION=close\nHTTP_CONTENT_LENGTH=4\nHTTP_COOKIE=a=1; b=2\nHTTP_HOST=localhost\nHTTP_X_ONE=1\nHTTP_X_THREE=3, 4\nHTTP_X_TWO=2\nINFO=/b\nSCRIPT=/dir/a.php\nbody=text"},
		{"/dir/", "HTTP_CONNECTION=close\nHTTP_CONTENT_LENGTH=4\nHTTP_COOKIE=a=1; b=2\nHTTP_HOST=localhost\nHTTP_X_ONE=1\nHTTP_X_THREE=3, 4\nHTTP_X_TWO=2\nINFO=\nSCRIPT=/dir/index.php\nbody=text"},
		{"/if?x=1", "HTTP_CONNECTION=close\nHTTP_CONTENT_LENGTH=4\nHTTP_COOKIE=a=1; b=2\nHTTP_HOST=localhost\nHTTP_X_ONE=1\nHTTP_X_THREE=3, 4\nHTTP_X_TWO=2\nIN=if\nbody=text"},
	} {
		if got := httptest.Body(s.Raw(httptest.Request("POST", c.target, lines...) + "text")); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.target, got, c.want)
		}
	}
	if got := s.Get("/long", "X-Long: "+strings.Repeat("x", 7000), "X-Longer: "+strings.Repeat("y", 7000)); httptest.Status(got) != 200 || !strings.Contains(got, "\nHTTP_X_LONGER=yyy") {
		t.Errorf("%.300s", got)
	}
	if got := s.Get("/dir"); httptest.Status(got) != 301 {
		t.Errorf("%.300s", got)
	}
}

// TestConnectionIsKept: with fastcgi_keep_conn one connection carries all requests.
func TestConnectionIsKept(t *testing.T) {
	a := startApp(t, func(r request) (string, bool) {
		return whole(fmt.Sprintf("Content-Type: text/plain\r\n\r\n%v %d %d", r.keep, len(r.body), r.pieces)), r.keep
	})
	s := httptest.Start(t, features(), httptest.Site{HTTP: fmt.Sprintf(`
		upstream app { server %s; keepalive 4; }
		server {
			listen {{addr}}; server_name localhost; chunked_transfer_encoding off; client_body_buffer_size 200k;
			location / { fastcgi_pass app; fastcgi_keep_conn on; }
			location /once { fastcgi_pass app; }
		}`, a.addr)})
	body := strings.Repeat("b", 100_000)
	for range 3 {
		if got := httptest.Body(s.Raw(httptest.Request("POST", "/", "Content-Length: 100000") + body)); got != "true 100000 4" {
			t.Error(got)
		}
	}
	if n := a.connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
	if got := httptest.Body(s.Get("/once")); got != "false 0 0" {
		t.Error(got)
	}
}

// TestRefusedAsNginx compares the sentences about wrong configurations.
func TestRefusedAsNginx(t *testing.T) {
	for _, text := range []string{
		"fastcgi_param A b c;",
		"fastcgi_split_path_info ^(.+)$;",
		"fastcgi_split_path_info ^(.+$;",
		"location / { fastcgi_pass 127.0.0.1:9000; fastcgi_pass 127.0.0.1:9000; }",
		"location / { fastcgi_pass 127.0.0.1:x; }",
		"location / { fastcgi_pass unix:; }",
		"location / { fastcgi_pass 127.0.0.1; }",
		"location / { fastcgi_pass 127.0.0.1:9000; fastcgi_param A $nobody_knows; }",
		"fastcgi_pass 127.0.0.1:9000;",
		"fastcgi_index a; fastcgi_index b;",
		"fastcgi_keep_conn maybe;",
		"fastcgi_buffers 1 4k;",
		"fastcgi_next_upstream http_500 nonsense;",
		"fastcgi_ignore_headers X-Nothing;",
	} {
		httptest.CompareRejected(t, features(), httptest.Site{HTTP: "server { listen {{addr}}; " + text + " }"})
	}
	if got := httptest.Rejected(t, features(), httptest.Site{HTTP: "fastcgi_cache_path {{dir}}/c keys_zone=z:1m purger=on;"}); !strings.Contains(got, "is not supported") {
		t.Error(got)
	}
	if got := httptest.Rejected(t, features(), httptest.Site{HTTP: "fastcgi_cache off; fastcgi_send_lowat 10;"}); got != "" {
		t.Error(got)
	}
}
