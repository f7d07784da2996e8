package index_test

import (
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func TestAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `
			types { text/plain txt; text/html html; }
			access_log {{dir}}/access.log;
			server {
				listen {{addr}};
				root {{dir}}/html;
				location /several/ { index no.html first.html second.html; }
				location /several/nested/ { }
				location /absolute/ { index no.html /a.txt; }
				location /variable/ { index $arg_name.html fallback.html; }
				location /absvar/ { index $arg_name; }
				location /alias/ { alias {{dir}}/other/; }
				location /noslash { alias {{dir}}/other; }
				location /missing/ { root {{dir}}/nowhere; }
				location /quiet/ { log_not_found off; }
				location /loop/ { index /loop/; }
				location = /echo/ { index echo; }
				location = /echo/echo { return 200 "$uri $args $request_uri\n"; }
				location /isdir/ { index sub; }
			}`,
		Files: map[string]string{
			"html/index.html": "index\n", "html/a.txt": "a\n", "html/several/first.html": "first\n", "html/several/second.html": "second\n",
			"html/several/nested/second.html": "nested\n", "html/absolute/": "", "html/variable/x.html": "x\n", "html/variable/fallback.html": "fallback\n",
			"html/absvar/": "", "other/index.html": "other\n", "html/empty/": "", "html/file": "file", "html/echo/echo": "", "html/isdir/sub/": "",
		},
	}
	cases := httptest.Gets("/", "/?a=b", "/several/", "/several/nested/", "/absolute/", "/variable/?name=x", "/variable/?name=y", "/variable/",
		"/absvar/?name=/a.txt", "/absvar/?name=none", "/alias/", "/noslash/", "/missing/", "/missing/x/", "/quiet/", "/loop/", "/echo/?q=1", "/empty/", "/file/", "/isdir/")
	for _, method := range []string{"HEAD", "POST", "PUT"} {
		cases = append(cases, httptest.Case{Request: httptest.Request(method, "/several/")}, httptest.Case{Request: httptest.Request(method, "/empty/")})
	}
	httptest.Compare(t, modules.HTTP(), site, cases)
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{`index;`, `index "";`, `index $nowhere;`, `index "${a";`} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: text + ` server { listen {{addr}}; }`})
	}
}
