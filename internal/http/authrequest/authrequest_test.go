package authrequest_test

import (
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

var site = httptest.Site{
	HTTP: `
		access_log {{dir}}/access.log;
		log_format who "$request_method $uri $args $status [$user] $request_uri";
		server {
			listen {{addr}};
			root {{dir}}/html;
			set $seen "";
			location / { auth_request /auth$arg_no; }
			location /open { auth_request /open-auth; }
			location = /open-auth { return 204; }
			location /text { auth_request /text-auth; }
			location = /text-auth { return 200 "never seen"; }
			location /file { auth_request /html; }
			location /none { auth_request /nonesuch; }
			location /forbidden { auth_request /f403; }
			location = /f403 { return 403; }
			location /unauthorized { auth_request /f401; }
			location = /f401 { add_header X-No yes always; return 401; }
			location /error { auth_request /f500; }
			location = /f500 { return 500; }
			location /moved { auth_request /f302; }
			location = /f302 { return 302 /elsewhere; }
			location /page { auth_request /f404; }
			location = /f404 { error_page 404 =204 /open-auth; return 404; }
			location /named { auth_request /f405; }
			location = /f405 { error_page 405 = @fallback; return 405; }
			location @fallback { return 204; }
			location /denied { auth_request /denied-auth; }
			location = /denied-auth { deny all; return 204; }
			location = /basic-auth { auth_basic closed; auth_basic_user_file {{dir}}/htpasswd; return 204; }
			location /basic { auth_request /basic-auth; }
			location /set { auth_request /set-auth; auth_request_set $user "$seen-$uri-$args-$request_uri-$request_method-$status"; error_page 404 /user; }
			location = /set-auth { set $seen one; return 204; }
			location = /user { return 200 "<$user><$seen>\n"; }
			location /any { satisfy any; deny all; auth_request /open-auth; }
			location /anyno { satisfy any; deny all; auth_request /f401; }
			location /anyallow { satisfy any; allow all; auth_request /f401; }
			location /off/ { auth_request /f403; location /off/on { auth_request off; return 200 on; } }
			location /loop { auth_request /loop2; log_subrequest on; access_log {{dir}}/access.log who; }
			location = /loop2 { log_subrequest on; access_log {{dir}}/access.log who; auth_request /loop2; return 204; }
			location /rewritten { auth_request /to-open; }
			location = /to-open { rewrite ^ /open-auth last; }
			location /post { auth_request /post-auth; error_page 405 =200 /user; auth_request_set $user $request_body; }
			location = /post-auth { return 204; }
			location /close { auth_request /f444; }
			location = /f444 { return 444; }
			location /large { client_max_body_size 10m; auth_request /small; error_page 405 =200 /user; }
			location = /small { client_max_body_size 4; return 204; }
		}`,
	Files: map[string]string{
		"html/index.html": "index", "html/open": "open", "html/text": "text", "html/file": "file", "html/html": "h", "html/none": "none",
		"html/forbidden": "f", "html/unauthorized": "u", "html/error": "e", "html/moved": "m", "html/page": "p", "html/named": "n",
		"html/denied": "d", "html/basic": "b", "html/any": "any", "html/anyno": "an", "html/anyallow": "aa", "html/loop": "loop",
		"html/rewritten": "r", "html/set": "set", "html/close": "c", "html/post": "post", "html/large": "large",
		"htpasswd": "user:{PLAIN}password\n",
	},
}

func TestAsNginx(t *testing.T) {
	var cases []httptest.Case
	for _, path := range []string{"/", "/open", "/text", "/file", "/none", "/forbidden", "/unauthorized", "/error", "/moved", "/page", "/named", "/denied", "/basic",
		"/set", "/set/none?a=b", "/user", "/any", "/anyno", "/anyallow", "/off/on", "/loop?x=y", "/rewritten", "/close"} {
		cases = append(cases, httptest.Case{Request: httptest.Request("GET", path)}, httptest.Case{Request: httptest.Request("HEAD", path)})
	}
	body := "Content-Length: 9\r\nConnection: close\r\n\r\nnine byte"
	for _, path := range []string{"/post", "/large", "/open", "/forbidden"} {
		cases = append(cases, httptest.Case{Request: "POST " + path + " HTTP/1.1\r\nHost: localhost\r\n" + body})
	}
	httptest.Compare(t, modules.HTTP(), site, cases)
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{`auth_request;`, `auth_request a b;`, `auth_request a; auth_request b;`, `auth_request off; auth_request /b;`,
		`auth_request_set $a;`, `auth_request_set a b;`, `auth_request_set $uri b;`, `auth_request_set $a $nowhere; auth_request /x;`} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}}; ` + text + ` }`})
	}
}

func TestKeepAliveGoesOn(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), site)
	request := "GET /open HTTP/1.1\r\nHost: localhost\r\n\r\n"
	answer := s.Raw(strings.Repeat(request, 3) + httptest.Request("GET", "/forbidden"))
	if n := strings.Count(answer, "HTTP/1.1 200 OK"); n != 3 || !strings.Contains(answer, "403 Forbidden") {
		t.Error(answer)
	}
}
