package sub_test

import (
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func TestAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `
			types { text/plain txt; text/html html; }
			sub_filter foo bar;
			server {
				listen {{addr}};
				root {{dir}}/html;
				location /off/ { alias {{dir}}/html/; sub_filter_once off; }
				location /lm/ { alias {{dir}}/html/; sub_filter_last_modified on; sub_filter_once off; }
				location /types/ { alias {{dir}}/html/; sub_filter_types text/plain; }
				location /all/ { alias {{dir}}/html/; sub_filter_types *; }
				location /many/ { alias {{dir}}/html/; sub_filter_once off; sub_filter foob 1; sub_filter foo 2; sub_filter FOOBAR 3; sub_filter ab "<$uri>"; sub_filter aab ""; }
				location /manyonce/ { alias {{dir}}/html/; sub_filter foo 1; sub_filter Bar 2; sub_filter foobar 3; }
				location /dynamic/ { alias {{dir}}/html/; sub_filter_once off; sub_filter "$arg_a" "[$arg_b]"; sub_filter aab x; }
				location /empty/ { alias {{dir}}/html/; sub_filter "$arg_nothing" x; }
				location /gzip/ { alias {{dir}}/html/; gzip on; gzip_types *; sub_filter_once off; }
				location /charset/ { alias {{dir}}/html/; charset utf-8; }
				location /text { default_type text/html; return 200 "a foo and a FOO"; }
				location /moved { return 301 /foo; }
			}`,
		Files: map[string]string{
			"html/a.html": "foo Foo fOO fofoo fo", "html/a.txt": "a foo", "html/b.html": "foobar FOOB foofoobar aab aaab ab f", "html/empty.html": "",
			"html/big.html":   strings.Repeat("x", 32<<10-2) + "foo" + strings.Repeat("y", 32<<10-4) + "FOOfo" + strings.Repeat("fofoaab", 5000),
			"html/plain.html": strings.Repeat("nothing", 10),
		},
	}
	var cases []httptest.Case
	for _, folder := range []string{"/", "/off/", "/lm/", "/types/", "/all/", "/many/", "/manyonce/", "/dynamic/", "/empty/", "/gzip/", "/charset/"} {
		for _, name := range []string{"a.html", "a.txt", "b.html?a=FOO&b=c", "empty.html", "big.html", "plain.html", "nope"} {
			cases = append(cases,
				httptest.Case{Request: httptest.Request("GET", folder+name)},
				httptest.Case{Request: httptest.Request("HEAD", folder+name)},
				httptest.Case{Name: folder + name + " range", Request: httptest.Request("GET", folder+name, "Range: bytes=1-2")},
				httptest.Case{Name: folder + name + " gzip", Request: httptest.Request("GET", folder+name, "Accept-Encoding: gzip")},
				httptest.Case{Name: folder + name + " 304", Request: httptest.Request("GET", folder+name, "If-Modified-Since: Fri, 02 Jan 2026 03:04:05 GMT")},
			)
		}
	}
	cases = append(cases, httptest.Gets("/text", "/moved")...)
	httptest.CompareUnpacked(t, modules.HTTP(), site, cases)
	httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: `sub_filter "" x;`})
	httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: strings.Repeat("sub_filter a b;\n", 256)})
}
