package headers_test

import (
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func TestAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `
			types { text/plain txt; text/html html; }
			add_header X-Http http;
			expires 1h;
			server {
				listen {{addr}};
				root {{dir}}/html;
				location /inherited/ { alias {{dir}}/html/; }
				location /own/ { alias {{dir}}/html/; add_header X-Own own; add_header X-Always "$uri" always; add_header X-Empty "$arg_nothing"; }
				location /own/deeper/ { alias {{dir}}/html/; }
				location /if/ { alias {{dir}}/html/; if ($arg_a) { add_header X-If $arg_a; } }
				location /special/ {
					alias {{dir}}/html/;
					add_header Last-Modified "Thu, 01 Jan 2026 00:00:00 GMT"; add_header ETag "\"mine\""; add_header Cache-Control public; add_header Link a; add_header Link b;
				}
				location /removed/ { alias {{dir}}/html/; add_header Last-Modified ""; add_header ETag ""; }
				location /redirect { add_header X-R $scheme; return 301 /x; }
				location /error { add_header X-E e; add_header X-A a always; return 404; }
				location /text { add_header X-E e; return 200 text; }
				location /off/ { alias {{dir}}/html/; expires off; }
				location /epoch/ { alias {{dir}}/html/; expires epoch; }
				location /max/ { alias {{dir}}/html/; expires max; add_header Cache-Control private; }
				location /zero/ { alias {{dir}}/html/; expires 0; }
				location /negative/ { alias {{dir}}/html/; expires -1; }
				location /variable/ { alias {{dir}}/html/; expires $arg_e; }
				location /daily/ { return 200 x; expires @0s; }
			}`,
		Files: map[string]string{"html/a.txt": "0123456789", "html/index.html": "index"},
	}
	cases := httptest.Gets("/a.txt", "/nope", "/", "/inherited/a.txt", "/own/a.txt", "/own/nope", "/own/deeper/a.txt", "/if/a.txt", "/if/a.txt?a=1",
		"/special/a.txt", "/removed/a.txt", "/redirect", "/error", "/text", "/off/a.txt", "/epoch/a.txt", "/max/a.txt", "/zero/a.txt",
		"/negative/a.txt", "/variable/a.txt?e=1h", "/variable/a.txt?e=off", "/variable/a.txt?e=max", "/variable/a.txt?e=x", "/variable/a.txt")
	for _, header := range []string{"Range: bytes=0-1", "Range: bytes=100-", `If-None-Match: "695735a5-a"`, `If-Match: "x"`, `If-None-Match: "mine"`} {
		for _, target := range []string{"/own/a.txt", "/special/a.txt"} {
			cases = append(cases, httptest.Case{Name: target + " " + header, Request: httptest.Request("GET", target, header)})
		}
	}
	httptest.Compare(t, modules.HTTP(), site, cases)
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{
		`add_header a;`, `add_header a b c;`, `add_header a b always c;`, `add_header a $nowhere;`,
		`expires;`, `expires x;`, `expires modified;`, `expires a 1h;`, `expires modified @1h;`, `expires @25h;`, `expires 1h; expires 1h;`, `expires $nowhere;`,
	} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}}; ` + text + ` }`})
	}
}

func TestAddHeaderInherit(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{HTTP: `
		add_header X a;
		server {
			listen {{addr}};
			location /merge { add_header_inherit merge; add_header X b; return 200; }
			location /off { add_header_inherit off; return 200; }
			location /on { add_header X b; return 200; }
		}`})
	for target, want := range map[string]string{"/merge": "b, a", "/off": "", "/on": "b"} {
		if got := httptest.Header(s.Get(target), "X"); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}
