package headers_test

import (
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func TestTrailersAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `
			types { text/plain txt; text/html html; }
			add_trailer X-Http $uri;
			server {
				listen {{addr}};
				root {{dir}}/html;
				location /own/ { alias {{dir}}/html/; add_trailer X-Own own; add_trailer X-Always $status always; add_trailer X-Empty "$arg_nothing"; }
				location /empty/ { alias {{dir}}/html/; add_trailer X-Empty "$arg_nothing"; }
				location /length/ { alias {{dir}}/html/; add_trailer X-Sent $body_bytes_sent; }
				location /plain/ { alias {{dir}}/html/; chunked_transfer_encoding off; }
				location /error { add_trailer X-E e; return 404; }
				location /always { add_trailer X-A a always; add_trailer X-B b; return 404; }
				location /none { return 204; }
			}`,
		Files: map[string]string{"html/a.txt": "0123456789", "html/empty.txt": "", "html/index.html": "index"},
	}
	var cases []httptest.Case
	for _, target := range []string{"/a.txt", "/", "/own/a.txt", "/empty/a.txt", "/plain/a.txt", "/error", "/always", "/none", "/nope"} {
		cases = append(cases,
			httptest.Case{Request: httptest.Request("GET", target)},
			httptest.Case{Request: httptest.Request("HEAD", target)},
			httptest.Case{Name: target + " range", Request: httptest.Request("GET", target, "Range: bytes=0-2")},
			httptest.Case{Name: target + " 304", Request: httptest.Request("GET", target, `If-None-Match: "695735a5-a"`)},
			httptest.Case{Request: "GET " + target + " HTTP/1.0\r\n\r\n"},
		)
	}
	httptest.Compare(t, modules.HTTP(), site, cases)
	httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: "add_trailer X a sometimes;"})
}

// add_trailer_inherit is younger than the nginx that distributions have.
func TestTrailersMerge(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{HTTP: `
		add_trailer X-Http outer;
		server {
			listen {{addr}};
			location /merge { add_trailer_inherit merge; add_trailer X-Own own; return 200 x; }
			location /off { add_trailer_inherit off; return 200 x; }
		}`})
	if got, want := httptest.Body(s.Get("/merge")), "1\r\nx\r\n0\r\nX-Own: own\r\nX-Http: outer\r\n\r\n"; got != want {
		t.Errorf("merge: %q", got)
	}
	if got := httptest.Body(s.Get("/off")); got != "x" {
		t.Errorf("off: %q", got)
	}
}
