package ranges_test

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
			types { text/plain txt; }
			server {
				listen {{addr}};
				root {{dir}}/html;
				location /none/ { alias {{dir}}/html/; max_ranges 0; }
				location /two/ { alias {{dir}}/html/; max_ranges 2; }
				location /text { return 200 "0123456789"; }
			}`,
		Files: map[string]string{
			"html/a.txt":     "0123456789",
			"html/empty.txt": "",
			"html/big.txt":   strings.Repeat("0123456789abcdef", 64<<10/16),
		},
	}
	tag, date := `"695735a5-a"`, "Fri, 02 Jan 2026 03:04:05 GMT"
	var cases []httptest.Case
	add := func(target string, header ...string) {
		cases = append(cases, httptest.Case{
			Name:    target + " " + strings.Join(header, " "),
			Request: httptest.Request("GET", target, header...),
		})
	}
	for _, value := range []string{
		"bytes=0-0", "bytes=1-3", "bytes=5-", "bytes=-3", "bytes=0-", "bytes=-100", "bytes=9-100", "bytes=-0",
		"bytes=10-", "bytes=10-20", "bytes=3-1", "bytes=", "bytes=-", "bytes=a-b", "bytes=1", "bytes=1-2x",
		"Bytes=1-2", "lines=1-2", "bytes= 1 - 2 ", "bytes=0-1,3-4", "bytes=0-1, 3-4 ,-1", "bytes=0-9,0-9",
		"bytes=0-1,20-30", "bytes=20-30,40-50", "bytes=0-1,", "bytes=,0-1", "bytes=0-18446744073709551615",
		"bytes=99999999999999999999-", "bytes=0-0,1-1,2-2,3-3",
	} {
		add("/a.txt", "Range: "+value)
	}
	for _, target := range []string{"/none/a.txt", "/two/a.txt", "/empty.txt", "/text", "/big.txt"} {
		add(target, "Range: bytes=1-2")
		add(target, "Range: bytes=0-0,1-1,2-2")
		add(target, "Range: bytes=4-4,2-2")
	}
	add("/big.txt", "Range: bytes=1000-50000")
	add("/big.txt", "Range: bytes=0-9999,20000-39999,-10")
	for _, condition := range []string{tag, "W/" + tag, `"x"`, date, "Fri, 02 Jan 2026 03:04:06 GMT", "Thu, 01 Jan 2026 03:04:05 GMT", "nonsense", ""} {
		add("/a.txt", "Range: bytes=1-2", "If-Range: "+condition)
	}
	add("/a.txt", "Range: bytes=1-2", "If-None-Match: "+tag)
	add("/a.txt", "Range: bytes=1-2", "If-Modified-Since: "+date)
	cases = append(cases,
		httptest.Case{Request: httptest.Request("HEAD", "/a.txt", "Range: bytes=1-2")},
		httptest.Case{Name: "HEAD multipart", Request: httptest.Request("HEAD", "/a.txt", "Range: bytes=1-2,4-5")},
		httptest.Case{Name: "HTTP/1.0", Request: "GET /a.txt HTTP/1.0\r\nRange: bytes=1-2\r\n\r\n"},
		httptest.Case{Name: "HTTP/0.9", Request: "GET /a.txt\r\n"},
	)
	httptest.Compare(t, modules.HTTP(), site, cases)
}
