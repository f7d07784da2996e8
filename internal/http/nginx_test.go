package http_test

import (
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/accesslog"
	"github.com/baton-project/baton/internal/http/headers"
	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/http/index"
	"github.com/baton-project/baton/internal/http/notmodified"
	"github.com/baton-project/baton/internal/http/ranges"
	"github.com/baton-project/baton/internal/http/rewrite"
	"github.com/baton-project/baton/internal/http/static"
	"github.com/baton-project/baton/internal/http/tryfiles"
)

// features is the list of internal/modules, which is above this package.
func features() []http.Module {
	return []http.Module{
		rewrite.Feature, tryfiles.Feature, index.Feature, static.Feature,
		notmodified.Feature, headers.Feature, ranges.Feature, accesslog.Feature,
	}
}

// raw is a case whose request is written out with "\n" for CRLF.
func raw(name, request string) httptest.Case {
	return httptest.Case{Name: name, Request: strings.ReplaceAll(request, "\n", "\r\n")}
}

const closing = "Host: localhost\nConnection: close\n\n"

func TestRequestsAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `
			client_max_body_size 10;
			server {
				listen {{addr}};
				server_name localhost;
				root {{dir}};
				location / { }
				location /large { sendfile on; }
				location /large2 { sendfile off; }
				location /return { return 200 "body\n"; }
				location /none { return 204; }
				location /empty { return 200; }
				location = /internal { internal; return 200 "in"; }
				location /redirect { return 301 /to; }
				location /away { return 302 http://example.com/x?y; }
				location /close { return 444; }
				location /vars {
					return 200 "$request|$request_uri|$uri|$args|$is_args|$host|$server_name|$scheme|$https|$request_method|$server_protocol|$content_length|$content_type|$arg_a|$arg_b|$http_x_a|$cookie_c|$remote_addr|$request_filename|$document_root|$connection_requests|$pipe|$remote_user|$query_string|$document_uri|$proxy_protocol_addr|$limit_rate|$request_completion\n";
				}
			}`,
		Files: map[string]string{"a.txt": "0123456789", "dir/index.html": "index", "a b.txt": "blank", "empty.txt": "",
			"large": strings.Repeat("0123456789abcdef", 100000), "large2": strings.Repeat("fedcba9876543210", 100000),
			"middle": strings.Repeat("m", 9000)},
	}
	httptest.Compare(t, features(), site, []httptest.Case{
		raw("file", "GET /a.txt HTTP/1.1\n"+closing),
		raw("sendfile on", "GET /large HTTP/1.1\n"+closing),
		raw("sendfile off", "GET /large2 HTTP/1.1\n"+closing),
		raw("two files", "GET /middle HTTP/1.1\nHost: localhost\n\nGET /middle HTTP/1.1\n"+closing),
		raw("head", "HEAD /a.txt HTTP/1.1\n"+closing),
		raw("1.0", "GET /a.txt HTTP/1.0\n\n"),
		raw("1.0 keep-alive", "GET /a.txt HTTP/1.0\nConnection: keep-alive\n\nGET /return HTTP/1.0\n\n"),
		raw("0.9", "GET /a.txt\n"),
		raw("0.9 not found", "GET /nope\n"),
		raw("post to a file", "POST /a.txt HTTP/1.1\nContent-Length: 3\n"+closing+"abc"),
		raw("put", "PUT /a.txt HTTP/1.1\nContent-Length: 3\n"+closing+"abc"),
		raw("options", "OPTIONS /a.txt HTTP/1.1\n"+closing),
		raw("options *", "OPTIONS * HTTP/1.1\n"+closing),
		raw("trace", "TRACE /a.txt HTTP/1.1\n"+closing),
		raw("unknown method", "FOO /a.txt HTTP/1.1\n"+closing),
		raw("pipelined", "GET /return HTTP/1.1\nHost: localhost\n\nGET /a.txt HTTP/1.1\nHost: localhost\n\nHEAD /nope HTTP/1.1\nHost: localhost\n\nGET /vars HTTP/1.1\n"+closing),
		raw("pipelined behind a body", "POST /return HTTP/1.1\nHost: localhost\nContent-Length: 4\n\nabcdGET /vars HTTP/1.1\n"+closing),
		raw("pipelined behind chunks", "POST /return HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\n\n2\nab\n0\n\nGET /vars HTTP/1.1\n"+closing),
		raw("bad chunks", "POST /return HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\n\nzz\n"),
		raw("body too large", "POST /return HTTP/1.1\nHost: localhost\nContent-Length: 11\n\n12345678901"),
		raw("expect", "POST /return HTTP/1.1\nContent-Length: 3\nExpect: 100-continue\n"+closing+"abc"),
		raw("expect, file", "POST /a.txt HTTP/1.1\nContent-Length: 3\nExpect: 100-continue\n"+closing+"abc"),
		raw("204", "GET /none HTTP/1.1\n"+closing),
		raw("empty answer", "GET /empty HTTP/1.1\n"+closing),
		raw("internal", "GET /internal HTTP/1.1\n"+closing),
		raw("redirect", "GET /redirect HTTP/1.1\n"+closing),
		raw("redirect without host", "GET /redirect HTTP/1.0\n\n"),
		raw("redirect to another port", "GET /redirect HTTP/1.1\nHost: LocalHost:123\nConnection: close\n\n"),
		raw("away", "GET /away HTTP/1.1\n"+closing),
		raw("444", "GET /close HTTP/1.1\n"+closing),
		raw("folder", "GET /dir HTTP/1.1\n"+closing),
		raw("folder with args", "GET /dir?a=b HTTP/1.1\n"+closing),
		raw("index", "GET /dir/ HTTP/1.1\n"+closing),
		raw("forbidden index", "GET / HTTP/1.1\n"+closing),
		raw("escaped", "GET /a%20b.txt HTTP/1.1\n"+closing),
		raw("dots", "GET /dir/../a.txt HTTP/1.1\n"+closing),
		raw("outside", "GET /../a.txt HTTP/1.1\n"+closing),
		raw("slashes", "GET //dir//index.html HTTP/1.1\n"+closing),
		raw("empty file", "GET /empty.txt HTTP/1.1\n"+closing),
		raw("no host", "GET / HTTP/1.1\n\n"),
		raw("two hosts", "GET / HTTP/1.1\nHost: a\nHost: b\n\n"),
		raw("bad host", "GET / HTTP/1.1\nHost: a/b\n\n"),
		raw("absolute", "GET http://other/vars?a=1 HTTP/1.1\n"+closing),
		raw("vars", "GET /vars/x%20y?a=1&B=2 HTTP/1.1\nX-A: one\nCookie: b=1; c=two\nContent-Type: t/x\nAuthorization: Basic dXNlcjpwYXNz\n"+closing),
		raw("version 2.0", "GET / HTTP/2.0\n"+closing),
		raw("version 1.2", "GET /return HTTP/1.2\n"+closing),
		raw("garbage", "\x00\x01\n\n"),
		raw("space in target", "GET /a b HTTP/1.1\n"+closing),
		raw("bad escape", "GET /%zz HTTP/1.1\n"+closing),
		raw("nul", "GET /%00 HTTP/1.1\n"+closing),
		raw("empty lines first", "\n\nGET /return HTTP/1.1\n"+closing),
		raw("invalid header", "GET /return HTTP/1.1\nbad header: x\n"+closing),
		raw("msie", "GET /nope HTTP/1.1\nUser-Agent: Mozilla/4.0 (compatible; MSIE 8.0; Windows)\n"+closing),
		raw("chrome", "GET /nope HTTP/1.1\nUser-Agent: Chrome/100\n"+closing),
		raw("long line", "GET /"+strings.Repeat("a", 9000)+" HTTP/1.1\n"+closing),
		raw("long header", "GET / HTTP/1.1\nX: "+strings.Repeat("a", 9000)+"\n"+closing),
		raw("many headers", "GET /return HTTP/1.1\n"+strings.Repeat("X: "+strings.Repeat("a", 2000)+"\n", 12)+closing),
		raw("too many headers", "GET /return HTTP/1.1\n"+strings.Repeat("X: "+strings.Repeat("a", 4000)+"\n", 12)+closing),
		raw("both lengths", "POST / HTTP/1.1\nHost: a\nContent-Length: 3\nTransfer-Encoding: chunked\n\n0\n\n"),
		raw("unknown coding", "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: gzip\n\n"),
	})
}

func TestErrorPagesAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `
			server {
				listen {{addr}};
				root {{dir}};
				error_page 404 /404.html;
				error_page 403 = /vars;
				error_page 405 =200 /404.html;
				error_page 410 @gone;
				error_page 411 =301 http://example.com/;
				error_page 412 http://example.com/$uri;
				error_page 413 = @gone;
				error_page 500 502 /code$arg_code;
				location / { }
				location = /403 { return 403; }
				location = /410 { return 410; }
				location = /411 { return 411; }
				location = /412 { return 412; }
				location = /413 { return 413; }
				location = /500 { return 500; }
				location = /503 { return 503; }
				location /code { return 200 "code $uri $status\n"; }
				location = /vars { return 200 "$uri $request_uri $status\n"; }
				location @gone { return 200 "gone $uri\n"; }
				location /named/ { try_files /nope @nothing; }
				location /loop { rewrite ^ /loop2; }
				location /loop2 { rewrite ^ /loop; }
				location /recursive/ {
					recursive_error_pages on;
					error_page 404 /recursive/again;
				}
				location /plain/ { error_page 404 /plain/again; }
				location /off/ { server_tokens off; }
				location /bare/ { absolute_redirect off; return 302 /x; }
				location /noport/ { port_in_redirect off; return 302 /x; }
				location /name/ { server_name_in_redirect on; return 302 /x; }
				location /refresh/ { msie_refresh on; return 302 /x; }
				location /nopad/ { msie_padding off; }
				server_name first.example second.example;
			}`,
		Files: map[string]string{"404.html": "my page\n", "dir/x": ""},
	}
	cases := httptest.Gets("/nope", "/403", "/410", "/411", "/412", "/413", "/500", "/500?code=1", "/503", "/named/x",
		"/loop", "/recursive/x", "/plain/x", "/off/x", "/bare/", "/noport/", "/name/", "/refresh/", "/nopad/x", "/dir/", "/dir")
	cases = append(cases,
		raw("post", "POST /nope HTTP/1.1\nContent-Length: 3\n"+closing+"abc"),
		raw("405", "POST /404.html HTTP/1.1\nContent-Length: 3\n"+closing+"abc"),
		raw("head", "HEAD /nope HTTP/1.1\n"+closing),
		raw("refresh", "GET /refresh/ HTTP/1.1\nUser-Agent: MSIE 6.0;\n"+closing),
		raw("nopad", "GET /nopad/x HTTP/1.1\nUser-Agent: MSIE 6.0;\n"+closing),
		raw("bad request", "GET / HTTP/1.1\n\n"),
	)
	httptest.Compare(t, features(), site, cases)
}

func TestRoutingAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `
			server { listen {{addr}}; return 200 "first\n"; }
			server {
				listen {{addr}};
				server_name one.example *.wild.example .dot.example tail.* ~^re(?<number>\d+)\.example$;
				location / { return 200 "root $server_name $number\n"; }
				location = /exact { return 200 "exact\n"; }
				location /exact { return 200 "not exact\n"; }
				location ^~ /images/ { return 200 "images\n"; }
				location /images/deep/ { return 200 "deep\n"; }
				location ~ \.(gif|png)$ { return 200 "picture $1\n"; }
				location ~* \.JPG$ { return 200 "jpg\n"; }
				location /outer/ {
					location /outer/inner/ { return 200 "inner\n"; }
					location ~ \.x$ { return 200 "nested x\n"; }
					return 200 "outer\n";
				}
				location /a { return 200 "a\n"; }
				location /ab { return 200 "ab\n"; }
				location /abc/ { return 200 "abc/\n"; }
			}
			server { listen {{addr}}; server_name a.deep.wild.example www.tail.*; return 200 "third\n"; }`,
	}
	var cases []httptest.Case
	for _, host := range []string{"", "one.example", "ONE.example.", "other", "x.wild.example", "wild.example", "y.x.wild.example",
		"a.deep.wild.example", "b.deep.wild.example", "dot.example", "z.dot.example", "tail.com", "tail", "www.tail.org", "re12.example", "rex.example", "one.example:99"} {
		cases = append(cases, raw("host "+host, "GET / HTTP/1.1\nHost: "+host+"\nConnection: close\n\n"))
	}
	for _, target := range []string{"/", "/exact", "/exact/", "/exactly", "/images/x.gif", "/images/deep/x.gif", "/x.gif", "/a.png", "/x.jpg", "/X.JPG",
		"/outer/", "/outer/inner/", "/outer/inner/a.gif", "/outer/b.x", "/outer", "/a", "/ab", "/abc", "/abc/", "/abcd", "/aa", "/b"} {
		cases = append(cases, raw(target, "GET "+target+" HTTP/1.1\nHost: one.example\nConnection: close\n\n"))
	}
	httptest.Compare(t, features(), site, cases)
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{
		`server { listen {{addr}}; location /a { location /b { } } }`,
		`server { listen {{addr}}; location = /a { location /a/b { } } }`,
		`server { listen {{addr}}; location @a { location /a { } } }`,
		`server { listen {{addr}}; location /a { location @b { } } }`,
		`server { listen {{addr}}; location / { } location / { } }`,
		`server { listen {{addr}}; location = / { } location = / { } }`,
		`server { listen {{addr}}; location % / { } }`,
		`server { listen {{addr}}; root a; root b; }`,
		`server { listen {{addr}}; location / { root a; alias b; } }`,
		`server { listen {{addr}}; location / { alias b; root a; } }`,
		`server { listen {{addr}}; location @x { alias b; } }`,
		`server { listen {{addr}}; root $document_root/x; }`,
		`server { listen {{addr}}; error_page 404; }`,
		`server { listen {{addr}}; error_page =200 /x; }`,
		`server { listen {{addr}}; error_page 200 /x; }`,
		`server { listen {{addr}}; error_page x /x; }`,
		`server { listen {{addr}}; error_page 499 /x; }`,
		`server { listen {{addr}}; error_page 404 =x /x; }`,
		`server { listen {{addr}}; error_page 404 /$nothing; }`,
		`server { listen {{addr}}; error_page 404 /${uri; }`,
		`server { listen {{addr}}; error_page 404 /$; }`,
		`server { listen {{addr}}; keepalive_timeout x; }`,
		`server { listen {{addr}}; keepalive_timeout 1 x; }`,
		`server { listen {{addr}}; keepalive_timeout 1; keepalive_timeout 2; }`,
		`server { listen {{addr}}; keepalive_disable opera; }`,
		`server { listen {{addr}}; sendfile maybe; }`,
		`server { listen {{addr}}; server_name *x; }`,
		`server { listen {{addr}}; server_name .; }`,
		`server { listen {{addr}}; server_name ~; }`,
		`server { listen {{addr}}; } server { listen {{addr}}; server_name a*b; }`,
		`server { listen {{addr}}; server_tokens x; }`,
		`server { listen {{addr}}; satisfy some; }`,
		`server { listen {{addr}} nonsense; }`,
		`server { listen {{addr}}; listen {{addr}}; }`,
		`server { listen {{addr}} default_server; } server { listen {{addr}} default_server; }`,
		`server { listen {{addr}}; large_client_header_buffers 0 1k; }`,
		`server { listen {{addr}}; client_body_temp_path /x 1 2 3 4; }`,
		`server { listen {{addr}}; types { text/html html; text/plain html; } default_type; }`,
		`server { listen {{addr}}; if_modified_since never; }`,
	} {
		t.Run("", func(t *testing.T) { httptest.CompareRejected(t, features(), httptest.Site{HTTP: text}) })
	}
}
