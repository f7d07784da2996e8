package access_test

import (
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func TestAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `
			access_log {{dir}}/access.log;
			server {
				listen {{addr}};
				root {{dir}}/html;
				location / { }
				location /all { deny all; }
				location /self { allow 127.0.0.1; deny all; }
				location /net { deny 127.0.0.1/8; allow all; }
				location /other { allow 192.0.2.0/24; }
				location /others { allow 192.0.2.0/24; deny all; }
				location /six { deny ::/0; }
				location /unix { deny unix:; }
				location /first { allow 127.0.0.0/8; deny 127.0.0.1; }
				location /inherit/ { deny all; location /inherit/own { allow ::1; } location /inherit/none { } }
				location /any { satisfy any; deny all; }
				location /anyyes { satisfy any; deny 192.0.2.1; allow all; }
				location /page { deny all; error_page 403 /a.txt; }
				location /return { deny all; return 200 "before access\n"; }
				location /methods { limit_except GET { deny all; } }
				location /methods/inner { }
				location /nested/ { limit_except PUT DELETE { allow 192.0.2.1; deny all; } location /nested/inner { } }
				location /post { limit_except post { } deny all; }
				location /alias/ { alias {{dir}}/html/; limit_except GET { allow all; } }
				location /rewritten { limit_except GET { allow all; } return 200 "not for POST\n"; }
				location /if { limit_except GET { deny all; } if ($arg_a) { return 200 "if\n"; } }
				location /named { error_page 404 = @named; }
				location @named { limit_except GET { deny all; } return 200 "named\n"; }
				location /internal { internal; }
				location /to { rewrite ^ /internal last; }
				location = /index.html { deny all; }
			}`,
		Files: map[string]string{
			"html/a.txt": "a", "html/self": "self", "html/first": "first", "html/methods": "m", "html/nested/inner": "n",
			"html/nested/x": "x", "html/internal": "i", "html/index.html": "index", "html/if": "if file",
		},
	}
	cases := httptest.Gets("/a.txt", "/all", "/all/deeper", "/self", "/net", "/other", "/others", "/six", "/unix", "/first",
		"/inherit/own", "/inherit/none", "/any", "/anyyes", "/page", "/return", "/methods", "/internal", "/to", "/", "/if", "/if?a=1")
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACED"} {
		for _, target := range []string{"/methods", "/methods/inner", "/nested/x", "/nested/inner", "/post", "/alias/a.txt", "/rewritten", "/if?a=1", "/named"} {
			cases = append(cases, httptest.Case{Request: httptest.Request(method, target)})
		}
	}
	httptest.Compare(t, modules.HTTP(), site, cases)
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{
		`deny;`, `deny a b;`, `allow localhost;`, `allow 1.2.3.4/33;`, `deny 1.2.3;`, `allow ::g;`, `allow unix:/path;`,
		`location / { limit_except { } }`, `location / { limit_except GIT { } }`, `location / { limit_except TRACE { } }`,
		`location / { limit_except GET { } limit_except POST { } }`, `limit_except GET { }`,
		`location / { limit_except GET { root /; } }`, `location / { if ($uri) { deny all; } }`,
		`satisfy both;`, `satisfy any; satisfy all;`, `auth_delay x;`,
	} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}}; ` + text + ` }`})
	}
}
