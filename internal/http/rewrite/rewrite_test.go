package rewrite_test

import (
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func TestReturnAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `
			types { text/plain txt; text/html html; }
			default_type application/x;
			access_log {{dir}}/access.log;
			server {
				listen {{addr}};
				root {{dir}}/html;
				error_page 402 = /paid;
				if ($arg_server) { return 200 "server $arg_server\n"; }
				location = /text { return 200 "hi $uri\n"; }
				location = /text.txt { return 200 "typed"; }
				location = /empty { return 200; }
				location = /201 { return 201 made; }
				location = /204 { return 204; }
				location = /301 { return 301 /x?$args; }
				location = /301abs { return 301 http://example.com$request_uri; }
				location = /302 { return http://example.com/$uri; }
				location = /302s { return https://example.com/; }
				location = /scheme { return $scheme://example.com/; }
				location = /303 { return 303 relative; }
				location = /307 { return 307 "/a b"; }
				location = /308 { return 308 /x; }
				location = /400 { return 400; }
				location = /402 { return 402; }
				location = /402text { return 402 text; }
				location = /paid { return 200 paid; }
				location = /404 { return 404; }
				location = /404text { return 404 "not found\n"; }
				location = /418 { return 418; }
				location = /444 { return 444; }
				location = /500 { return 500; }
				location = /600 { return 600 six; }
				location = /999 { return 999; }
				location /nested/ { return 200 outer; location /nested/inner/ { } }
				location /server/ { }
			}`,
		Files: map[string]string{"html/nested/inner/index.html": "inner\n"},
	}
	cases := httptest.Gets("/text", "/text.txt", "/empty", "/201", "/204", "/301?a=b", "/301abs?q", "/302", "/302s", "/scheme", "/303", "/307", "/308",
		"/400", "/402", "/402text", "/404", "/404text", "/418", "/444", "/500", "/600", "/999", "/nested/x", "/nested/inner/", "/x?server=1", "/server/x?server=2", "/text?server=0")
	for _, target := range []string{"/text", "/301", "/404", "/404text", "/204"} {
		cases = append(cases,
			httptest.Case{Request: httptest.Request("HEAD", target)},
			httptest.Case{Name: "POST " + target, Request: httptest.Request("POST", target, "Content-Length: 3") + "abc"})
	}
	httptest.Compare(t, modules.HTTP(), site, cases)
}

func TestRewriteAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `
			access_log {{dir}}/access.log;
			server {
				listen {{addr}};
				root {{dir}}/html;
				rewrite ^/old/(.*)$ /new/$1 last;
				rewrite ^/moved/(.*)$ /new/$1 permanent;
				set $srv one;
				location /new/ { return 200 "new $uri $args $srv\n"; }
				location /args/ { rewrite ^/args/(.*)$ /new/?x=$1 last; }
				location /drop/ { rewrite ^/drop/(.*)$ /new/$1? last; }
				location /argsdrop/ { rewrite ^/argsdrop/(.*)$ /new/?x=$1? last; }
				location /break/ { rewrite ^/break/(.*)$ /new/$1 break; return 200 "not reached"; }
				location /brk/ { set $v before; break; set $v after; }
				location /redirect/ { rewrite ^/redirect/(.*)$ /new/$1 redirect; }
				location /url/ { rewrite ^/url/(.*)$ http://example.com/$1?x=1; return 200 "not reached"; }
				location /urldrop/ { rewrite ^/urldrop/(.*)$ http://example.com/$1?; }
				location /scheme/ { rewrite ^ $scheme://example.com$uri; }
				location /chain/ { rewrite ^/chain/(.*)$ /step/$1; rewrite ^/step/(.*)$ /new/$1; return 200 "end $uri\n"; }
				location /chainlast/ { rewrite ^/chainlast/(.*)$ /step/$1; rewrite ^/step/(.*)$ /new/$1 last; }
				location /cycle/ { rewrite ^/cycle/(.*)$ /cycle/x$1 last; }
				location /zero/ { rewrite ^ $arg_nothing last; }
				location /named/ { rewrite ^/named/(?<rest>.*)$ /new/ last; }
				location /set/ { set $a "x${uri}y"; set $b $a$arg_q; return 200 "$a $b\n"; }
				location /unset/ { return 200 "[$never]"; }
				location /never/ { set $never 1; }
				location /if/ {
					set $out none;
					if ($arg_a) { set $out true; }
					if ($arg_a = 1) { set $out one; }
					if ($arg_b != "") { set $out "${out}+b"; }
					if ($uri ~ ^/if/([0-9]+)$) { set $out "number $1"; }
					if ($uri ~* ^/IF/x) { set $out "x"; }
					if ($uri !~ ^/if/) { set $out "impossible"; }
					if ($uri !~* ^/IF/q) { set $out "$out not q"; }
					return 200 "$out\n";
				}
				location /iffile/ {
					set $out "";
					if (-f $document_root/a.txt) { set $out "${out}f"; }
					if (!-f $document_root/b.txt) { set $out "${out}F"; }
					if (-d $document_root/dir) { set $out "${out}d"; }
					if (!-d $document_root/a.txt) { set $out "${out}D"; }
					if (-e $document_root/dir) { set $out "${out}e"; }
					if (!-e $document_root/nope) { set $out "${out}E"; }
					if (-x $document_root/a.txt) { set $out "${out}x"; }
					if (!-x $document_root/a.txt) { set $out "${out}X"; }
					return 200 "$out\n";
				}
				location /ifroot/ { if ($arg_a) { root {{dir}}/other; } }
				location /ifreturn/ { if ($arg_a = gone) { return 410; } if ($arg_a = to) { return 302 /x; } return 200 "stay\n"; }
				location /ifrewrite/ { if ($arg_a) { rewrite ^ /new/if last; } return 200 "no\n"; }
				location /quote/ {
					if ($uri ~ ^/quote/([^/]*)) { set $first $1; }
					rewrite ^/quote/[^/]*/(.*)$ /$1 break;
					set $second $1;
					return 200 "$first $second $1 $uri\n";
				}
				location /quoted/ {
					if ($uri ~ ^/quoted/(.*)) { set $first "<$1>"; }
					if ($uri = /quoted/$1) { set $same yes; }
					set $second $1;
					return 200 "$first $second $same\n";
				}
				location /deep/ { if ($arg_a) { rewrite ^/deep/(.*)$ /deep2/$1 break; } if ($uri ~ deep2) { return 200 "deep2 $uri\n"; } }
				location /ifalias/ { alias {{dir}}/other/; if ($arg_a) { add_header X-If 1; } }
				location /ifempty/ { if ($arg_a) { } return 200 "end\n"; }
				location /logged/ { rewrite_log on; error_log {{dir}}/error.log notice; rewrite ^/logged/x /new/ last; rewrite ^/logged/(.*) http://example.com/$1 permanent; }
				location /nowarn/ { uninitialized_variable_warn off; return 200 "[$never]"; }
				location /twice/ { return 200 "[$never$never]"; }
				location /q2/ { rewrite ^/q2/(.*)$ /new/?a=$1&b=2 last; }
				location /order/ { return 200 "early\n"; set $never 1; }
				location ~ ^/regex/(\w+)/(?<tail>.*)$ { return 200 "$1 $tail\n"; }
			}`,
		Files: map[string]string{"html/a.txt": "a", "html/new/x": "file x\n", "html/dir/": "", "html/ifroot/f": "html\n", "other/ifroot/f": "other\n", "html/brk/f": "brk\n"},
	}
	httptest.Compare(t, modules.HTTP(), site, httptest.Gets(
		"/old/x", "/old/x?a=b", "/moved/x", "/moved/x?a=b", "/moved/a%20b", "/moved/a%3Fb", "/moved/%C3%A9+", "/args/y", "/args/y?z=1", "/args/a%20b%26c?z", "/drop/x?a=b",
		"/argsdrop/x?a=b", "/break/x", "/break/nope", "/brk/f", "/redirect/x?y", "/redirect/a%20b", "/url/p?q=r", "/url/p", "/urldrop/p?q", "/scheme/x",
		"/chain/x", "/chainlast/x", "/cycle/", "/zero/", "/named/x", "/set/?q=1", "/unset/",
		"/if/", "/if/?a=0", "/if/?a=1", "/if/?a=2&b=3", "/if/123", "/if/xy", "/if/q", "/iffile/", "/ifroot/f", "/ifroot/f?a=1",
		"/ifreturn/", "/ifreturn/?a=gone", "/ifreturn/?a=to", "/ifrewrite/?a=1", "/ifrewrite/", "/regex/one/two/three",
		"/quote/a%20b/c", "/quote/a%20b/c%20d", "/quote/a+b/c+d", "/quote/a/b", "/quoted/a%20b", "/quoted/ab", "/quoted/a%26b", "/deep/x", "/deep/x?a=1",
		"/ifalias/ifroot/f", "/ifalias/ifroot/f?a=1", "/ifempty/?a=1", "/ifempty/", "/logged/x", "/logged/y", "/nowarn/", "/twice/", "/q2/x?y", "/q2/a%26b?y", "/order/",
	))
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{
		`return;`, `return a b c;`, `return x;`, `return 1000;`, `return ftp://x;`, `return -1;`, `return x y;`, `return http://x y;`, `return 200 $nowhere;`,
		`set a b;`, `set $a;`, `set $a $nowhere;`, `set $uri x;`, `set $host x;`, `set $ x;`, `set $arg_x y;`,
		`break x;`, `rewrite a;`, `rewrite a "";`, `rewrite a b c;`, `rewrite a b last d;`,
		`if { }`, `if x { }`, `if () { }`, `if ( ) { }`, `if ($a { }`, `if $a) { }`, `if (a) { }`, `if ($uri x y) { }`, `if ($uri = a b) { }`, `if ($uri ~) { }`, `if ($uri = ) { }`,
		`if (-f) { }`, `if (-z x) { }`, `if (!-z x) { }`, `if (-f x y) { }`, `if ($nowhere) { }`, `if ($uri) { unknown; }`, `if ($uri) { if ($uri) { } }`,
		`if ($uri) { location /x { } }`, `rewrite_log x;`,
	} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}}; location / { ` + text + ` } }`})
	}
	httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: `return 200; server { listen {{addr}}; }`})
}
