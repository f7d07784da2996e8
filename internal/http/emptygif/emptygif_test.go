package emptygif_test

import (
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func TestAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `server { listen {{addr}}; root {{dir}}/html;
			location /gif { empty_gif; location /gif/inner { } } }`,
		Files: map[string]string{"html/gif/inner": "file"},
	}
	cases := httptest.Gets("/gif", "/gif/", "/gif/inner")
	for _, method := range []string{"HEAD", "POST", "PUT"} {
		cases = append(cases, httptest.Case{Request: httptest.Request(method, "/gif")})
	}
	cases = append(cases, httptest.Case{Name: "if modified", Request: httptest.Request("GET", "/gif", "If-Modified-Since: Mon, 28 Sep 1970 06:00:00 GMT")})
	httptest.Compare(t, modules.HTTP(), site, cases)
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{`server { listen {{addr}}; empty_gif; }`, `server { listen {{addr}}; location / { empty_gif on; } }`} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: text})
	}
}
