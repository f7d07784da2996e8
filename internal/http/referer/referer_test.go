package referer_test

import (
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func TestAsNginx(t *testing.T) {
	const say = `return 200 "<$invalid_referer>\n";`
	site := httptest.Site{HTTP: `
		server {
			listen {{addr}};
			server_name .Example.com www.site.* ~^Re[0-9]+\.test$ ~sub;
			location / { ` + say + ` }
			location /none { valid_referers none a.test; ` + say + ` }
			location /blocked { valid_referers blocked a.test; ` + say + ` }
			location /both { valid_referers none blocked a.test; ` + say + ` }
			location /names { valid_referers server_names; ` + say + ` }
			location /wild { valid_referers *.a.test b.* .c.test; ` + say + ` }
			location /path { valid_referers A.test/In *.b.test/x; ` + say + ` }
			location /regex { valid_referers ~a\.test/p ~^(?-i)B; ` + say + ` }
			location /empty { valid_referers server_names ~x; location /empty/inner { valid_referers a.test; ` + say + ` } }
			location /if { valid_referers a.test; if ($invalid_referer) { return 403; } return 200 ok; }
			location /two { valid_referers a.test; valid_referers none b.test; ` + say + ` }
		}`}
	long := strings.Repeat("a", 300)
	var cases []httptest.Case
	for _, target := range []string{"/", "/none", "/blocked", "/both", "/names", "/wild", "/path", "/regex", "/empty/inner", "/if", "/two"} {
		cases = append(cases, httptest.Gets(target)...)
		for _, referer := range []string{
			"", "a.test", "http://a.test", "http://a.test/", "https://A.TEST/In", "HTTP://a.test:8080/Inner", "http://a.test/in", "http://a.test:80", "http://su",
			"ftp://a.test/long", "http://www.a.test/", "http://x.y.a.test", "http://b.test/x", "http://c.b.test/xy", "http://c.b.test/y", "http://c.test:1/", "http://d.c.test/",
			"http://example.com/", "http://WWW.example.com", "http://www.site.org/", "http://re1.test/", "http://RE1.test", "http://xsubx.test/", "http://b.long.name/x", "http://Bx.test/", "http://a.test/P", "http:///empty/host",
			"http://" + long + "/", "http://b." + long, "http://" + long[:256], "http://x.test/x",
		} {
			cases = append(cases, httptest.Case{Name: target + " " + referer, Request: httptest.Request("GET", target, "Referer: "+referer)})
		}
	}
	httptest.Compare(t, modules.HTTP(), site, cases)
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{
		`valid_referers;`, `valid_referers "";`, `valid_referers ~;`, `valid_referers none;`, `valid_referers blocked ~x;`,
		`valid_referers a.test a.test;`, `valid_referers a.*.test;`, `valid_referers a..test;`, `valid_referers a.test/x a.test/y;`,
		`server_name a.test; valid_referers server_names a.test;`, `if ($invalid_referer) { valid_referers none a.test; }`,
		`server_name ~x; valid_referers none server_names;`,
	} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}}; ` + text + ` }`})
	}
	httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: `valid_referers none a.test;`})
}
