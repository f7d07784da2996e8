package charset_test

import (
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func TestAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `
			types { text/plain txt; text/html html; text/css css; "text/html; charset=x" odd; }
			charset_map koi8-r utf-8 { C0 D18E ; C1 D0B0 ; C2 D0B1 ; 80 E282AC ; }
			charset_map koi8-r windows-1251 { C0 FE ; C1 E0 ; C2 E1 ; }
			server {
				listen {{addr}};
				root {{dir}}/html;
				charset utf-8;
				error_page 404 /404.html;
				location /upper/ { alias {{dir}}/html/; charset ISO-8859-1; charset_types text/css; }
				location /all/ { alias {{dir}}/html/; charset_types *; }
				location /off/ { alias {{dir}}/html/; charset off; }
				location /variable/ { alias {{dir}}/html/; charset $arg_c; }
				location /koi/ { alias {{dir}}/html/; charset koi8-r; source_charset utf-8; }
				location /utf/ { alias {{dir}}/html/; charset utf-8; source_charset KOI8-R; }
				location /win/ { alias {{dir}}/html/; charset windows-1251; source_charset koi8-r; }
				location /niw/ { alias {{dir}}/html/; charset koi8-r; source_charset windows-1251; }
				location /same/ { alias {{dir}}/html/; charset utf-8; source_charset UTF-8; }
				location /vars/ { alias {{dir}}/html/; charset $arg_c; source_charset $arg_s; }
				location /text { charset koi8-r; source_charset utf-8; return 200 "юаб ж"; }
				location /moved { return 301 /x; }
				location /found { return 302 /x; }
				location /see { return 303 /x; }
				location /error { return 500; }
				location /none { return 204; }
			}`,
		Files: map[string]string{
			"html/a.txt": "plain", "html/a.html": "html", "html/a.css": "css", "html/a.odd": "odd", "html/404.html": "nothing",
			"html/utf.txt": "юаб €ж𝄞 \xd0 \xc0\x80 \xe2\x82x \xf4\x90\x80\x80 \xed\xa0\x80 end\xd0",
			"html/koi.txt": "\xc0\xc1\xc2 \x80\xff end", "html/win.txt": "\xfe\xe0\xe1\xff",
			"html/long.txt": strings.Repeat("юаб жю ascii", 20000),
		},
	}
	var cases []httptest.Case
	for _, target := range []string{
		"/a.txt", "/a.html", "/a.css", "/a.odd", "/nope", "/upper/a.css", "/upper/a.html", "/all/a.css", "/off/a.html", "/variable/a.html?c=koi8-r",
		"/koi/utf.txt", "/koi/long.txt", "/utf/koi.txt", "/win/koi.txt", "/niw/win.txt", "/same/utf.txt",
		"/vars/koi.txt?c=utf-8&s=koi8-r", "/vars/koi.txt?c=X&s=x",
		"/text", "/moved", "/found", "/see", "/error", "/none",
	} {
		cases = append(cases,
			httptest.Case{Request: httptest.Request("GET", target)},
			httptest.Case{Request: httptest.Request("HEAD", target)},
			httptest.Case{Name: target + " range", Request: httptest.Request("GET", target, "Range: bytes=1-2")},
		)
	}
	httptest.CompareUnpacked(t, modules.HTTP(), site, cases)
}

func TestRejected(t *testing.T) {
	for _, directives := range []string{
		"charset_map a a { }", "charset_map a b { } charset_map B A { }", "charset_map a b { 100 1; }",
		"charset_map a b { 1 g; }", "charset_map a b { 1; }", "charset_map a b { 1 2 3; }", "charset_map a utf-8 { 80 D1; }", "charset_map a utf-8 { 80 D0AE0; }",
		"charset_map a utf-8 { 80 F09D849E; }", "charset a; charset b;",
		"charset a; source_charset b; server { }", "charset $nothing; server { }",
	} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: directives})
	}
}
