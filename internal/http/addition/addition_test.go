package addition_test

import (
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

var site = httptest.Site{
	HTTP: `
		log_format plain "$request $status"; access_log {{dir}}/access.log plain; # chunks may be others
		types { text/plain txt; text/html html; }
		server {
			listen {{addr}};
			root {{dir}}/html;
			location / { add_before_body /before.html; add_after_body /after.html; }
			location /proper/ { alias {{dir}}/html/; add_before_body /nested/inner.html; }
			location /nested/ { alias {{dir}}/html/; add_after_body /after.html; }
			location /missing/ { alias {{dir}}/html/; add_before_body /nothing; add_after_body /forbidden; }
			location /forbidden { return 403 "no"; }
			location /text/ { alias {{dir}}/html/; addition_types text/plain; add_after_body "/after.html?x=y"; }
			location /sub/ { alias {{dir}}/html/; sub_filter_once off; sub_filter e E; add_before_body /upper; add_after_body /after.html; }
			location /held/ { alias {{dir}}/html/; sub_filter "x\nyz" Y; sub_filter_types text/html; add_after_body /after.html; }
			location /upper { alias {{dir}}/html/before.html; default_type text/html; sub_filter b B; }
			location /gzip/ { alias {{dir}}/html/; gzip on; gzip_min_length 0; add_after_body /after.html; }
			location /return { default_type text/html; add_before_body /args; return 200 "<$uri $args>"; }
			location /args { return 200 "[$uri $args $request_uri $request_method]"; }
			location /moved { add_before_body /args; return 302 /x; }
			location /empty { alias {{dir}}/html/empty.html; default_type text/html; add_before_body /args; add_after_body /args; }
			location /close { default_type text/html; add_before_body /f444; return 200 "text"; }
			location /f444 { return 444; }
		}`,
	Files: map[string]string{"html/index.html": "index\n", "html/before.html": "before\n", "html/after.html": "after\n", "html/a.txt": "text\n",
		"html/inner.html": "inner\n", "html/empty.html": "", "html/held.html": "text x\n", "html/large.html": strings.Repeat("0123456789abcde\n", 8<<10)},
}

func TestAsNginx(t *testing.T) {
	var cases []httptest.Case
	for _, path := range []string{"/", "/index.html", "/a.txt", "/large.html", "/proper/index.html", "/missing/index.html", "/text/a.txt",
		"/sub/index.html", "/held/held.html", "/gzip/index.html", "/return?a=b", "/moved", "/empty", "/none"} {
		cases = append(cases, httptest.Case{Request: httptest.Request("GET", path)}, httptest.Case{Request: httptest.Request("HEAD", path)},
			httptest.Case{Request: httptest.Request("GET", path, "Accept-Encoding: gzip", "Range: bytes=1-3")})
	}
	httptest.CompareUnpacked(t, modules.HTTP(), site, cases)
}

// A subrequest that gives the connection up takes the answer with it.
func TestClose(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), site)
	if answer := s.Get("/close"); strings.Contains(answer, "text\r\n") {
		t.Error(answer)
	}
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{`add_before_body;`, `add_before_body a b;`, `add_before_body a; add_before_body b;`, `add_after_body a; add_after_body b;`, `addition_types;`} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}}; ` + text + ` }`})
	}
}
