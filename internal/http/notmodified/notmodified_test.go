package notmodified_test

import (
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func TestAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `
			add_header X-Plain plain;
			add_header X-Always always always;
			server {
				listen {{addr}};
				root {{dir}}/html;
				error_page 412 /412.html;
				location /exact/ { alias {{dir}}/html/; if_modified_since exact; error_page 412 = /a.txt; }
				location /before/ { alias {{dir}}/html/; if_modified_since before; }
				location /off/ { alias {{dir}}/html/; if_modified_since off; }
				location /notag/ { alias {{dir}}/html/; etag off; }
				location /text { return 200 "0123456789"; }
			}`,
		Files: map[string]string{"html/a.txt": "0123456789", "html/412.html": "sorry\n"},
	}
	tag := `"695735a5-a"`
	same, older, younger := "Fri, 02 Jan 2026 03:04:05 GMT", "Thu, 01 Jan 2026 03:04:05 GMT", "Sat, 03 Jan 2026 03:04:05 GMT"
	var cases []httptest.Case
	for _, target := range []string{"/a.txt", "/exact/a.txt", "/before/a.txt", "/off/a.txt", "/notag/a.txt", "/text", "/nope"} {
		for _, header := range [][]string{
			{"If-Modified-Since: " + same}, {"If-Modified-Since: " + older}, {"If-Modified-Since: " + younger}, {"If-Modified-Since: nonsense"},
			{"If-Unmodified-Since: " + same}, {"If-Unmodified-Since: " + older}, {"If-Unmodified-Since: " + younger},
			{"If-None-Match: " + tag}, {"If-None-Match: W/" + tag}, {`If-None-Match: "x", ` + tag}, {"If-None-Match: *"}, {`If-None-Match: "x"`},
			{"If-Match: " + tag}, {"If-Match: W/" + tag}, {`If-Match: "x"`}, {"If-Match: *"},
			{"If-Modified-Since: " + same, `If-None-Match: "x"`}, {"If-Modified-Since: " + older, "If-None-Match: " + tag},
			{"If-Modified-Since: " + same, "If-None-Match: " + tag}, {"If-Match: " + tag, "If-None-Match: " + tag},
		} {
			cases = append(cases, httptest.Case{
				Name:    target + " " + strings.Join(header, " "),
				Request: httptest.Request("GET", target, header...),
			})
		}
	}
	httptest.Compare(t, modules.HTTP(), site, cases)
}
