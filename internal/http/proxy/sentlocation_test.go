package proxy_test

import (
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

// A Location that no proxy_redirect changes is a line like others, and still
// $sent_http_location.
func TestSentLocation(t *testing.T) {
	httptest.CompareProxied(t, modules.HTTP(), httptest.Site{HTTP: `
		log_format seen "$request $sent_http_location"; access_log {{dir}}/access.log seen;
		proxy_http_version 1.1;
		server {
			listen {{addr}};
			location /from/ { access_log off; location /from/a { add_header Location elsewhere; return 200 a; } location /from/b { return 302 /from/c; } }
			location / { proxy_pass http://{{addr}}/from/; }
			location /off/ { proxy_redirect off; proxy_pass http://{{addr}}/from/; }
		}`}, httptest.Gets("/a", "/b", "/off/a", "/off/b"))
}
