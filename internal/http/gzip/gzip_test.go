package gzip_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func site() httptest.Site {
	return httptest.Site{
		HTTP: `
			types { text/plain txt; text/html html; application/json json; TEXT/CSS css; }
			default_type "";
			gzip on; gzip_types application/json text/css;
			gzip_http_version 1.0;
			log_format ratio "$uri $status $gzip_ratio";
			access_log {{dir}}/ratio.log ratio;
			error_page 404 /404.html;
			server {
				listen {{addr}};
				root {{dir}}/html;
				location /vary/ { alias {{dir}}/html/; gzip_vary on; }
				location /all/ { alias {{dir}}/html/; gzip_types *; gzip_comp_level 6; }
				location /long/ { alias {{dir}}/html/; gzip_min_length 10k; }
				location /none/ { alias {{dir}}/html/; gzip off; gzip_vary on; }
				location /http11/ { alias {{dir}}/html/; gzip_http_version 1.1; }
				location /disabled/ { alias {{dir}}/html/; gzip_disable msie6 "^bot" "Mozilla/4\\.0"; }
				location /encoded/ { alias {{dir}}/html/; add_header Content-Encoding br; }
				location /tag/ { alias {{dir}}/html/; add_header ETag weird; }
				location /weak/ { alias {{dir}}/html/; add_header ETag W/\"weak\"; }
				location /if/ { alias {{dir}}/html/; gzip off; if ($arg_gzip) { gzip on; } }
				location /any/ { alias {{dir}}/html/; gzip_proxied any; }
				location /expired/ { alias {{dir}}/html/; gzip_proxied expired; expires $arg_e; }
				location /nocache/ { alias {{dir}}/html/; gzip_proxied no-cache no-store private; add_header Cache-Control $arg_c; }
				location /nolm/ { alias {{dir}}/html/; gzip_proxied no_last_modified auth; }
				location /noetag/ { alias {{dir}}/html/; gzip_proxied no_etag auth; etag off; }
				location /page { return 200 "<html>long enough to be worth it, it is, it is</html>"; default_type text/html; }
				location /500 { default_type text/html; return 500 "<html>long enough to be worth it</html>"; }
				location /forbidden { return 403; }
				location /moved { return 301 /x; }
			}`,
		Files: map[string]string{
			"html/a.html":     strings.Repeat("hello world\n", 1000),
			"html/a.txt":      strings.Repeat("hello world\n", 1000),
			"html/a.json":     strings.Repeat("{}", 100),
			"html/a.css":      strings.Repeat("p{}", 100),
			"html/short.html": "nineteen characters",
			"html/empty.html": "",
			"html/404.html":   "<html>nothing of that name is to be found here</html>",
			"html/big.html":   bigText(),
		},
	}
}

// bigText compresses to more than one buffer.
func bigText() string {
	var b strings.Builder
	for i := range 40000 {
		for n := i * i; n > 0; n /= 13 {
			b.WriteByte(byte('a' + n%13))
		}
		b.WriteByte(' ')
	}
	return b.String()
}

func TestAsNginx(t *testing.T) {
	var cases []httptest.Case
	check := func(method, target string, header ...string) {
		cases = append(cases, httptest.Case{
			Name:    method + " " + target + " " + strings.Join(header, " "),
			Request: httptest.Request(method, target, header...),
		})
	}
	accepts := "Accept-Encoding: gzip"
	for _, target := range []string{
		"/a.html", "/a.txt", "/a.json", "/a.css", "/short.html", "/empty.html", "/big.html", "/nope", "/vary/a.html", "/vary/a.txt",
		"/all/a.txt", "/long/a.json", "/long/a.html", "/none/a.html", "/http11/a.html", "/tag/a.html", "/weak/a.html",
		"/if/a.html", "/if/a.html?gzip=1", "/page", "/500", "/forbidden", "/moved",
	} {
		check("GET", target)
		check("GET", target, accepts)
		check("HEAD", target, accepts)
		check("GET", target, accepts, "Range: bytes=1-5")
	}
	for _, value := range []string{
		"", "gzip,deflate", "deflate, gzip", "deflate,gzip;q=0.5", "gzip;q=0", "gzip;q=0.000", "gzip;q=0.001", "gzip;q=1", "gzip;q=1.1", "gzip;q=1.000",
		"gzip;q=0.0001", "gzip; q=0.1, x", "gzip ; q=0", "gzip;", "gzip; ", "gzip;x", "gzip;q", "gzip;q=", "gzip;q=.5", "x-gzip", "xgzipgzip", "GZIP", "*", "gzi", "gzip x",
		"gzipx, gzip", "gzip;q=0.5.1", "gzip;Q=0.5", "br;q=1, gzip;q=0.8, *;q=0.1",
	} {
		check("GET", "/vary/a.html", "Accept-Encoding: "+value)
	}
	for _, agent := range []string{
		"robot", "bot", "BOT x", "Mozilla/4.0 (compatible; MSIE 6.0; Windows)", "Mozilla/5 (compatible; MSIE 6.0; Windows SV1)",
		"x MSIE 4.0 yyyyy", "x MSIE 5.5 yyyy", "x MSIE 7.0 yyyy", "x MSIE 6.0 Opera",
	} {
		check("GET", "/disabled/a.html", accepts, "User-Agent: "+agent)
	}
	for _, target := range []string{
		"/a.html", "/any/a.html", "/expired/a.html", "/expired/a.html?e=-1", "/expired/a.html?e=1h", "/nocache/a.html",
		"/nocache/a.html?c=no-cache", "/nocache/a.html?c=public,no-store", "/nocache/a.html?c=private=x", "/nocache/a.html?c=max-age=1",
		"/nolm/a.html", "/noetag/a.html", "/nolm/page",
	} {
		check("GET", target, accepts, "Via: 1.1 cache")
		check("GET", target, accepts, "Via: 1.1 cache", "Authorization: Basic x")
	}
	check("GET", "/a.html", accepts, `If-None-Match: "695735a5-2ee0"`)
	check("GET", "/a.html", accepts, `If-None-Match: W/"695735a5-2ee0"`)
	for _, version := range []string{"/a.html HTTP/1.0", "/http11/a.html HTTP/1.0", "/vary/a.html HTTP/1.0"} {
		cases = append(cases, httptest.Case{Request: "GET " + version + "\r\nAccept-Encoding: gzip\r\n\r\n"})
	}
	httptest.CompareUnpacked(t, modules.HTTP(), site(), cases)
}

func TestRatioIsLogged(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), site())
	s.Raw(httptest.Request("GET", "/a.html", "Accept-Encoding: gzip"))
	s.Raw(httptest.Request("GET", "/a.html"))
	for end := time.Now().Add(30 * time.Second); strings.Count(s.ReadFile("ratio.log"), "\n") < 2 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	lines := strings.SplitN(s.ReadFile("ratio.log"), "\n", 2)
	var uri string
	var status int
	var ratio float64
	if _, err := fmt.Sscan(lines[0], &uri, &status, &ratio); err != nil || ratio < 50 {
		t.Errorf("%q: %v", lines[0], err)
	}
	if lines[1] != "/a.html 200 -\n" {
		t.Errorf("%q", lines[1])
	}
}

// What add_header calls encoded is not compressed once more, unlike in nginx.
func TestEncodedIsLeftAlone(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), site())
	response := s.Raw(httptest.Request("GET", "/encoded/a.html", "Accept-Encoding: gzip"))
	if got := httptest.Header(response, "Content-Encoding"); got != "br" {
		t.Errorf("Content-Encoding: %s", got)
	}
	if !strings.HasPrefix(httptest.Body(response), "hello world\n") {
		t.Error("the body was changed")
	}
}

func TestRejected(t *testing.T) {
	for _, directives := range []string{
		"gzip_comp_level 0;", "gzip_comp_level 10;", "gzip_window 3k;", "gzip_window 64k;", "gzip_hash 1;", "gzip_proxied nothing;",
		"gzip_http_version 1.2;", "gzip_buffers 0 4k;", "gzip_min_length x;", "gzip maybe;", "gzip on; gzip on;", "gzip_window 1k; gzip_hash 64k;",
	} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: directives})
	}
}
