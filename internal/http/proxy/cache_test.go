package proxy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http/addition"
	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/http/notmodified"
	"github.com/baton-project/baton/internal/http/ranges"
)

// rules are lines of answers that say how long, and for whom, they are good.
var rules = []string{
	"", "Cache-Control: max-age=100", "Cache-Control: max-age=0", "Cache-Control: no-cache", "Cache-Control: NO-STORE", "Cache-Control: private, max-age=5",
	"Cache-Control: s-maxage=0, max-age=7", "Cache-Control: max-age=x", "Cache-Control: max-age=9999999999999999999999", "Cache-Control: public",
	"Cache-Control: max-age=10, stale-while-revalidate=x", "Cache-Control: max-age=10, stale-if-error=20; x",
	"Expires: Thu, 31 Dec 2037 23:55:55 GMT", "Expires: Thu, 01 Jan 1970 00:00:01 GMT", "Expires: 0",
	"X-Accel-Expires: 0", "X-Accel-Expires: 10", "X-Accel-Expires: @0", "X-Accel-Expires: @9999999999", "X-Accel-Expires: -1", "X-Accel-Expires: x",
	"Set-Cookie: a=b", "Vary: *", "Vary: X-Kind", "Vary: Accept-Encoding, X-Kind", "Vary: " + strings.Repeat("x", 128), "Vary: " + strings.Repeat("x", 129),
	"Cache-Control: max-age=100|Expires: 0", "X-Accel-Expires: 10|Cache-Control: no-cache",
	"X-Accel-Expires: 0|Cache-Control: max-age=10", "Expires: Thu, 31 Dec 2037 23:55:55 GMT|X-Accel-Expires: 0",
	`ETag: "tag"|Cache-Control: max-age=10`,
}

// cachedSite has a location of an upstream for each rule, and the same with the
// directives given by name.
func cachedSite() (site httptest.Site, targets []string) {
	const variants = `
			location /plain/ { proxy_pass http://127.0.0.1:{{port}}/up/; proxy_cache kept; proxy_cache_key $uri; }
			location /valid/ { proxy_pass http://127.0.0.1:{{port}}/up/; proxy_cache kept; proxy_cache_key $uri; proxy_cache_valid any 10m; }
			location /ignore/ { proxy_pass http://127.0.0.1:{{port}}/up/; proxy_cache $arg_zone; proxy_cache_key $uri; proxy_cache_valid any 10m;
				proxy_ignore_headers Cache-Control Expires X-Accel-Expires Set-Cookie Vary; }`
	var up strings.Builder
	for i, rule := range rules {
		fmt.Fprintf(&up, "location /up/%d { ", i)
		for _, line := range strings.Split(rule, "|") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				fmt.Fprintf(&up, "add_header %s '%s'; ", name, value)
			}
		}
		fmt.Fprintf(&up, "return 200 'body %d'; }\n", i)
		targets = append(targets, fmt.Sprintf("/plain/%d", i), fmt.Sprintf("/valid/%d", i), fmt.Sprintf("/ignore/%d?zone=kept", i))
	}
	site = httptest.Site{
		HTTP: `
			proxy_cache_path {{dir}}/kept levels=1:2 keys_zone=kept:1m use_temp_path=off;
			server {
			listen {{addr}};
			proxy_http_version 1.1;
			proxy_set_header Connection close;
			add_header X-Cache $upstream_cache_status;` + variants + up.String() + `
			location /status/ { proxy_pass http://127.0.0.1:{{port}}/code/; proxy_cache kept; proxy_cache_valid 404 1m; proxy_cache_valid 10m; }
			location /code/404 { return 404 none; }
			location /code/500 { return 500 broken; }
			location /code/301 { return 301 /x; }
			location /code/204 { return 204; }
			location /twice { proxy_pass http://127.0.0.1:{{port}}/up/0; proxy_cache kept; proxy_cache_valid 1m; proxy_cache_min_uses 2; }
			location /bypass { proxy_pass http://127.0.0.1:{{port}}/up/0; proxy_cache kept; proxy_cache_valid 1m;
				proxy_cache_bypass $arg_bypass; proxy_no_cache $arg_never; }
			location /head { proxy_pass http://127.0.0.1:{{port}}/up/0; proxy_cache kept; proxy_cache_valid 1m; proxy_cache_convert_head off;
				proxy_cache_key $request_method$uri; }
			location /post { proxy_pass http://127.0.0.1:{{port}}/up/0; proxy_cache kept; proxy_cache_valid 1m; proxy_cache_methods POST; proxy_cache_key $uri; }
			location /file/ { proxy_pass http://127.0.0.1:{{port}}/html/; proxy_cache kept; proxy_cache_valid 1m; }
			location /offset/ { proxy_pass http://127.0.0.1:{{port}}/html/; proxy_cache kept; proxy_cache_valid 1m; proxy_cache_key $uri; proxy_cache_max_range_offset 5; }
			location /page { proxy_pass http://127.0.0.1:{{port}}/code/500; proxy_cache kept; proxy_cache_valid 500 1m; proxy_intercept_errors on; error_page 500 /up/0; }
			location /nobody { proxy_pass http://127.0.0.1:1; proxy_cache kept; proxy_cache_valid 502 1m; }
			location /small { proxy_pass http://127.0.0.1:{{port}}/up/0; proxy_buffer_size 600; proxy_buffers 4 1k; proxy_cache kept; proxy_cache_valid 1m; }
			location /html/ { root {{dir}}; etag off; }
			}`,
		Files: map[string]string{"html/a": strings.Repeat("0123456789", 100), "html/empty": "", "html/large": strings.Repeat("0123456789", 30000),
			"kept/": "", "proxy_temp/": ""},
	}
	return site, targets
}

func TestCacheAsNginx(t *testing.T) {
	site, targets := cachedSite()
	var cases []httptest.Case
	add := func(method, target string, header ...string) {
		cases = append(cases, httptest.Case{Name: fmt.Sprintf("%d %s %s", len(cases), method, target), Request: httptest.Request(method, target, header...)})
	}
	for _, target := range targets {
		add("GET", target)
		add("GET", target)
		add("GET", target, "X-Kind: other")
	}
	for _, target := range []string{"/status/404", "/status/500", "/status/301", "/status/204", "/twice", "/page", "/nobody", "/small",
		"/file/a", "/file/empty", "/file/large", "/file/none", "/offset/a", "/ignore/1?zone=unknown", "/ignore/1?zone=off"} {
		add("HEAD", target)
		add("GET", target)
		add("GET", target)
		add("HEAD", target)
	}
	for _, target := range []string{"/bypass?never=1", "/bypass", "/bypass?bypass=1", "/bypass?bypass=1", "/bypass?never=0"} {
		add("GET", target)
	}
	for _, method := range []string{"HEAD", "GET", "HEAD", "GET"} {
		add(method, "/head")
	}
	for range 2 {
		add("POST", "/post")
		add("PUT", "/post")
	}
	for _, r := range []string{"bytes=0-4", "bytes=7-", "bytes=-3", "bytes=0-1,4-5", "bytes=5000-", "x=1"} {
		add("GET", "/file/a", "Range: "+r)
		add("GET", "/file/a?"+r, "Range: "+r) // not there yet
		add("GET", "/offset/b?"+r, "Range: "+r)
	}
	add("GET", "/file/a", "If-Modified-Since: Fri, 02 Jan 2026 03:04:05 GMT")
	add("GET", "/file/a?new", "If-Modified-Since: Fri, 02 Jan 2026 03:04:05 GMT")
	all := append(features(), addition.Feature, notmodified.Feature, ranges.Feature)
	httptest.Compare(t, all, site, cases)
}
