package mirror_test

import (
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

var site = httptest.Site{
	HTTP: `
		log_format copy "$request_method $uri?$args $request_uri $status <$request_body> <$x>";
		log_subrequest on;
		access_log {{dir}}/access.log copy;
		server {
			listen {{addr}};
			root {{dir}}/html;
			set $x "";
			location / { mirror /m; }
			location /two { mirror /m; mirror /m/2; alias {{dir}}/html/two.html; }
			location /off/ { mirror /m; location /off/on { mirror off; } }
			location /nobody { mirror /m; mirror_request_body off; }
			location /dir/ { mirror /m; }
			location /body { mirror /m; error_page 405 =200 /body.html; }
			location /m { internal; limit_except GET { allow all; } set $x copied; return 200 "never seen"; }
			location /error { mirror /e; }
			location = /e { return 500; }
			location /denied { mirror /d; }
			location = /d { deny all; return 204; }
			location /inner { mirror /inner2; }
			location /inner2 { mirror /m; }
			location /try { mirror /m; try_files /nothing /two.html =404; }
			location /large { client_max_body_size 10m; mirror /small; error_page 405 =200 /body.html; }
			location = /small { client_max_body_size 4; return 204; }
		}`,
	Files: map[string]string{"html/index.html": "index\n", "html/two.html": "two", "html/nobody": "nobody", "html/dir/index.html": "dir",
		"html/error": "error", "html/denied": "denied", "html/inner": "inner", "html/body.html": "body"},
}

func TestAsNginx(t *testing.T) {
	cases := httptest.Gets("/index.html?a=b", "/two?x", "/off/on", "/off/", "/nobody?%41", "/error", "/denied", "/inner", "/try", "/m")
	body := "Content-Length: 9\r\nConnection: close\r\n\r\nnine byte"
	for _, path := range []string{"/two", "/nobody", "/body", "/large"} {
		cases = append(cases, httptest.Case{Request: "POST " + path + " HTTP/1.1\r\nHost: localhost\r\n" + body})
	}
	cases = append(cases, httptest.Case{Request: httptest.Request("HEAD", "/two")})
	httptest.Compare(t, modules.HTTP(), site, cases)
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{`mirror;`, `mirror a b;`, `mirror off; mirror /b;`, `mirror /a; mirror off;`, `mirror off; mirror off;`,
		`mirror_request_body a;`, `mirror_request_body on; mirror_request_body off;`} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}}; ` + text + ` }`})
	}
}

// A copy that takes long holds up neither the answer nor other connections, but
// the next request of its connection.
func TestAnswerDoesNotWait(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{
		HTTP: `
			limit_req_zone $uri zone=one:1m rate=5r/s;
			log_format copy "$uri"; log_subrequest on;
			server {
				listen {{addr}};
				access_log {{dir}}/access.log copy;
				location / { mirror /slow; empty_gif; }
				location /free { return 200 free; }
				location = /slow { limit_req zone=one burst=5; empty_gif; }
			}`,
	})
	before := time.Now()
	answer := s.Raw(strings.Repeat("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n", 3) + httptest.Request("GET", "/4"))
	if n := strings.Count(answer, "HTTP/1.1 200 OK"); n != 4 {
		t.Error(answer)
	}
	if took := time.Since(before); took < 400*time.Millisecond {
		t.Errorf("four requests took %v", took)
	}
	if got := strings.Count(s.ReadFile("access.log"), "/slow\n"); got < 3 {
		t.Errorf("%d copies ended before the next request", got)
	}
}

// A copy that goes to an upstream, with its body, runs beside an answer that comes
// from one.
func TestProxiedCopies(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{
		HTTP: `
			log_format copy "$request_method $uri <$request_body>";
			server {
				listen {{addr}};
				location = /x { mirror /copy; proxy_pass http://{{addr}}/page; }
				location = /page { return 200 page; }
				location = /copy { internal; proxy_pass http://{{addr}}/copied/; }
				location = /copied/ { access_log {{dir}}/copies.log copy; proxy_pass http://{{addr}}/page; }
			}`,
	})
	post := "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
	answer := s.Raw(strings.Repeat(post, 20) + httptest.Request("GET", "/x"))
	if n := strings.Count(answer, "page"); n != 21 {
		t.Error(answer)
	}
	copies := s.ReadFile("copies.log")
	if posts, gets := strings.Count(copies, "POST /copied/ <body>\n"), strings.Count(copies, "GET /copied/ <->\n"); posts != 20 || gets != 1 {
		t.Errorf("%d POST and %d GET in\n%s", posts, gets, copies)
	}
}
