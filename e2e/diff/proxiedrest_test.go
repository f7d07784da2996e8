package diff_test

import "testing"

func TestSameRestOfProxying(t *testing.T) { compareProxied(t, proxiedRest) }

// keeps is a group that keeps connections, and a location that uses it.
func keeps(text string) string {
	return "upstream k{{n}} { server {{back}}; keepalive 2; } server { listen {{here}}; location / { " + text +
		" proxy_set_header Connection \"\"; proxy_pass http://k{{n}}; } }"
}

// twoTo are requests of which the second shows what became of the connection.
func twoTo(method, target string) string { return request(method, target) + closed("/second") }

// proxiedRest are cases beside those of the other tables: sockets by path, what
// becomes of connections, cookies, errors, what leads elsewhere.
var proxiedRest = []proxiedCase{
	// Where to.
	{"unix socket", "server { listen unix:{{dir}}/s{{n}}; location / { proxy_pass http://{{back}}; } } server { listen {{here}}; location / { proxy_pass http://unix:{{dir}}/s{{n}}; } }", closed("/a%20b?c"), fine, since131("of two heads the inner one says nothing of the connection", "|119|", "|124|")},
	{"unix socket and a URI", "server { listen unix:{{dir}}/s{{n}}; location / { proxy_pass http://{{back}}; } } server { listen {{here}}; location /x/ { proxy_pass http://unix:{{dir}}/s{{n}}:/y/; } }", closed("/x/z?c"), fine, since131("of two heads the inner one says nothing of the connection", "|119|", "|124|")},
	{"unix socket by a variable", "server { listen unix:{{dir}}/s{{n}}; location / { proxy_pass http://{{back}}; } } server { listen {{here}}; set $s unix:{{dir}}/s{{n}}; location / { proxy_pass http://$s:/y; } }", closed("/x/z?c"), fine, since131("of two heads the inner one says nothing of the connection", "|119|", "|124|")},
	{"unix socket in a group", "upstream w{{n}} { server unix:{{dir}}/s{{n}}; } server { listen unix:{{dir}}/s{{n}}; location / { proxy_pass http://{{back}}; } } server { listen {{here}}; location / { proxy_pass http://w{{n}}; } }", closed("/z"), fine, since131("of two heads the inner one says nothing of the connection", "|119|", "|124|")},
	{"unix socket that is not there", location("/", "proxy_pass http://unix:{{dir}}/none{{n}};"), closed("/z"), fine, nil},
	{"bound to an address", passWith("proxy_bind 127.0.0.1;"), closed("/"), fine, nil},
	{"bound to a variable", passWith("proxy_bind $arg_b;"), closed("/?b=127.0.0.1"), fine, nil},
	{"bound to nothing", passWith("proxy_bind $arg_b;"), closed("/"), fine, nil},
	{"bound to nonsense", passWith("proxy_bind $arg_b;"), closed("/?b=x"), fine, nil},
	{"bound to a foreign address", passWith("proxy_bind 192.0.2.1;"), closed("/"), fine, nil},
	{"bind off", "proxy_bind 192.0.2.1; " + passWith("proxy_bind off;"), closed("/"), fine, nil},
	{"port and path variables", location("~ ^/(?<p>.*)$", "set $h {{back}}; proxy_pass http://$h/a/$p$is_args$args;"), closed("/b%2fc%20d?e"), fine, nil},
	{"index and back", "root {{site}}; index none.html; location / { } location ~ html { proxy_pass http://{{back}}; }", closed("/none.html"), fine, nil},
	{"error page that is proxied", "root {{site}}; error_page 404 /nf; location /nf { proxy_pass http://{{back}}/e/; }", asks("POST", "/missing", "abc"), fine, nil},
	{"error page that is proxied, HEAD", "root {{site}}; error_page 404 /nf; location /nf { proxy_pass http://{{back}}; }", asks("HEAD", "/missing", ""), says("200 OK", "")[:38] + "\r\n", nil},
	{"fallback", location("/", "error_page 502 = @f; proxy_pass http://{{dead}};") + location("@f", "proxy_pass http://{{back}};"), closed("/x?y"), fine, nil},
	{"fallback for POST", location("/", "error_page 502 = @f; proxy_pass http://{{dead}};") + location("@f", "proxy_pass http://{{back}};"), asks("POST", "/x?y", "abc"), fine, nil},
	{"fallback with a status", location("/", "error_page 502 =201 /f; proxy_pass http://{{dead}};") + location("/f", "proxy_pass http://{{back}};"), closed("/x?y"), fine, nil},
	{"fallback twice", location("/", "error_page 502 = @f; proxy_pass http://{{dead}};") + location("@f", "error_page 502 = @g; recursive_error_pages on; proxy_pass http://{{dead}};") + location("@g", "proxy_pass http://{{back}};"), closed("/x?y"), fine, nil},
	{"fallback by intercepting", location("/", "proxy_intercept_errors on; error_page 503 = @f; proxy_pass http://{{back}};") + location("@f", "proxy_pass http://{{back}}/f/$uri;"), closed("/x?y"), says("503 No", "no") + "|next|" + fine, nil},
	{"intercepted, one location", "recursive_error_pages on; " + location("/", "proxy_intercept_errors on; error_page 404 = /a; proxy_pass http://{{back}};") + location("/a", "proxy_intercept_errors on; error_page 500 = /b; proxy_pass http://{{back}};") + location("/b", "return 200 b;"), closed("/x?y"), says("404 No", "no") + "|next|" + says("500 No", "no"), nil},

	// Connections.
	{"kept after HEAD", keeps(""), twoTo("HEAD", "/"), "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n|next|" + fine, nil},
	{"kept after 204", keeps(""), twoTo("GET", "/"), "HTTP/1.1 204 No\r\n\r\n|next|" + fine, nil},
	{"kept after 304", keeps(""), twoTo("GET", "/"), "HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n|next|" + fine, nil},
	{"kept after chunks", keeps(""), twoTo("GET", "/"), pieces("abc") + "|next|" + fine, nil},
	{"kept after trailers", keeps(""), twoTo("GET", "/"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n|next|" + fine, nil},
	{"kept after an error", keeps(""), twoTo("GET", "/"), says("500 Oh", "oh") + "|next|" + fine, nil},
	{"kept after what is intercepted", keeps("proxy_intercept_errors on; error_page 500 /50x.html;"), twoTo("GET", "/"), says("500 Oh", "oh") + "|next|" + fine, nil},
	{"not kept after Connection: close", keeps(""), twoTo("GET", "/"), says("200 OK", "x", "Connection: close") + "|wait||next|" + fine, nil},
	{"not kept after a list with close", keeps(""), twoTo("GET", "/"), says("200 OK", "x", "Connection: a, Close") + "|wait||next|" + fine, nil},
	{"not kept after HTTP/1.0", keeps(""), twoTo("GET", "/"), "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\nx|wait||next|" + fine, nil},
	{"not kept when more came", keeps(""), "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + closed("/2"), "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxyz|wait||next|" + fine, nil},
	{"not kept when 204 has a body", keeps(""), "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + closed("/2"), "HTTP/1.1 204 OK\r\n\r\nxyz|wait||next|" + fine, nil},
	{"kept connection, POST", keeps(""), request("POST", "/", "Content-Length: 3") + "abc" + asks("POST", "/2", "de"), fine, nil},
	{"kept for requests", "upstream k{{n}} { server {{back}}; keepalive 2; keepalive_requests 2; } server { listen {{here}}; location / { proxy_set_header Connection \"\"; proxy_pass http://k{{n}}; } }", request("GET", "/1") + request("GET", "/2") + closed("/3"), fine, nil},
	{"kept for no time", "upstream k{{n}} { server {{back}}; keepalive 2; keepalive_time 0; } server { listen {{here}}; location / { proxy_set_header Connection \"\"; proxy_pass http://k{{n}}; } }", request("GET", "/1") + closed("/3"), fine, nil},
	{"early answer, kept", keeps("proxy_request_buffering off;"), asks("POST", "/", "abc"), "|early|" + says("413 Large", "large"), nil},

	// Before the answer.
	{"100 twice", pass, asks("POST", "/", "x"), "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + fine + "|close|", nil},

	// Cookies.
	{"cookie domain of two", passWith("proxy_cookie_domain a.example b.example; proxy_cookie_domain c.example d.example;"), closed("/"), says("200 OK", "x", "Set-Cookie: a=1; Domain=c.example", "Set-Cookie: b=1; domain = a.example", "Set-Cookie: c=1; domain=xa.example"), nil},
	{"cookie domain by a regex", passWith(`proxy_cookie_domain ~^(.+)\.example$ $1.test;`), closed("/"), says("200 OK", "x", "Set-Cookie: a=1; Domain=C.Example; Path=/"), nil},
	{"cookie domain by a variable", passWith(`proxy_cookie_domain $arg_f $arg_t;`), closed("/?f=a.b&t=c.d"), says("200 OK", "x", "Set-Cookie: a=1; Domain=a.b; Path=/"), nil},
	{"cookie domain off", "proxy_cookie_domain a b; " + passWith(`proxy_cookie_domain off;`), closed("/"), says("200 OK", "x", "Set-Cookie: a=1; Domain=a; Path=/"), nil},
	{"cookie path off", "proxy_cookie_path / /b/; " + passWith(`proxy_cookie_path off;`), closed("/"), says("200 OK", "x", "Set-Cookie: a=1; Domain=a; Path=/"), nil},
	{"cookie path from above", "proxy_cookie_path / /b/; " + pass, closed("/"), says("200 OK", "x", "Set-Cookie: a=1; Domain=a; Path=/"), nil},
	{"cookie path without case", passWith(`proxy_cookie_path ~*^/AB /c;`), closed("/"), says("200 OK", "x", "Set-Cookie: a=1; Path=/ab/d"), nil},
	{"cookie with no attributes", passWith(`proxy_cookie_path / /b/; proxy_cookie_domain a b;`), closed("/"), says("200 OK", "x", "Set-Cookie: a=1", "Set-Cookie:", "Set-Cookie: ;", "Set-Cookie: a=path=/; b"), nil},
	{"cookie attributes in odd forms", passWith(`proxy_cookie_path / /b/; proxy_cookie_domain a b;`), closed("/"), says("200 OK", "x", "Set-Cookie: a=1;path=/;domain=a", "Set-Cookie: a=1; path", "Set-Cookie: a=1;  path=/  ; domain=a ;", "Set-Cookie: path=/; path=/"), nil},
	{"cookie flags of all kinds", passWith(`proxy_cookie_flags ~ secure; proxy_cookie_flags a nosecure httponly samesite=strict;`), closed("/"), says("200 OK", "x", "Set-Cookie: a=1; SameSite=None", "Set-Cookie: b=1; secure; samesite=lax", "Set-Cookie: c"), nil},
	{"cookie flags taken away", passWith(`proxy_cookie_flags a nosecure nohttponly nosamesite;`), closed("/"), says("200 OK", "x", "Set-Cookie: a=1; Secure;HttpOnly ;SameSite=None; Path=/"), nil},
	{"cookie flags by a variable", passWith(`proxy_cookie_flags $arg_c $arg_f;`), closed("/?c=a&f=secure"), says("200 OK", "x", "Set-Cookie: a=1", "Set-Cookie: b=1"), nil},
	{"cookie flags of no name", passWith(`proxy_cookie_flags a $arg_f;`), closed("/?f=zz"), says("200 OK", "x", "Set-Cookie: a=1", "Set-Cookie: b=1"), nil},

	// Redirects.
	{"redirect default by name", location("/", "proxy_pass http://{{back}}; proxy_redirect default; proxy_redirect http://x/ /y/;"), closed("/"), says("302 Go", "", "Location: http://x/a"), nil},
	{"redirect from above", "proxy_redirect http://x/ /y/; " + pass, closed("/"), says("302 Go", "", "Location: http://x/a"), nil},
	{"redirect off here", "proxy_redirect http://x/ /y/; " + passWith("proxy_redirect off;"), closed("/"), says("302 Go", "", "Location: http://x/a"), nil},
	{"redirect of two lines", passWith("proxy_redirect http://x/ /y/;"), closed("/"), says("201 Made", "", "Location: http://x/a", "Refresh: 1;url=http://x/a"), nil},
	{"redirect to the scheme", passWith("proxy_redirect http:// $scheme://h/;"), closed("/"), says("302 Go", "", "Location: http://x/a"), nil},
	{"redirect to nothing", passWith("proxy_redirect http://x/ \"\";"), closed("/"), says("302 Go", "", "Location: http://x/a"), nil},
	{"redirect relative, absolute by us", "absolute_redirect on; " + passWith("proxy_redirect http://x/ /y/;"), closed("/"), says("302 Go", "", "Location: http://x/a", "Refresh: 3; URL=http://x/b"), nil},
	{"refresh by a regex", passWith(`proxy_redirect ~^http://x/(.*) /r/$1;`), closed("/"), says("200 OK", "x", "Refresh: 3; url=http://x/b"), nil},
	{"refresh of no URL", passWith(`proxy_redirect http://x/ /r/;`), closed("/"), says("200 OK", "x", "Refresh: 3"), nil},

	// What fields ask for.
	{"hidden by hide_header, seen by variables", passWith("proxy_hide_header X-A; add_header X-Seen $upstream_http_x_a;"), closed("/"), says("200 OK", "x", "X-A: b"), nil},
	{"pass_header Status", passWith("proxy_pass_header Status;"), closed("/"), says("200 OK", "x", "Status: 201 b", "X-Accel-Redirect-Not: c"), nil},
	{"X-Accel-Redirect with fields", "location /p { proxy_pass http://{{back}}; } location /q { return 200 $sent_http_set_cookie; }", closed("/p"), says("200 OK", "no", "X-Accel-Redirect: /q", "Set-Cookie: a=1", "Content-Disposition: d", "Cache-Control: c", "Expires: e", "Accept-Ranges: f", "Content-Type: g/h", "X-Other: i"), nil},
	{"X-Accel-Redirect of HEAD", "location /p { proxy_pass http://{{back}}; } location /q { return 200 q; }", asks("HEAD", "/p", ""), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Accel-Redirect: /q\r\n\r\n", nil},
	{"X-Accel-Redirect with a status", "location /p { proxy_pass http://{{back}}; } location /q { return 200 q; }", closed("/p"), says("404 No", "no", "X-Accel-Redirect: /q"), nil},
	{"X-Accel-Redirect in a circle", pass, closed("/p"), says("200 OK", "no", "X-Accel-Redirect: /p"), nil},
	{"X-Accel-Redirect, empty", pass, closed("/p"), says("200 OK", "no", "X-Accel-Redirect:"), nil},
	{"X-Accel-Redirect, no slash", pass, closed("/p"), says("200 OK", "no", "X-Accel-Redirect: q") + "|next|" + fine, nil},
	{"X-Accel-Redirect to no name", pass, closed("/p"), says("200 OK", "no", "X-Accel-Redirect: @none"), nil},
	{"X-Accel-Redirect of 204", "location /p { proxy_pass http://{{back}}; } location /q { return 200 q; }", closed("/p"), "HTTP/1.1 204 No\r\nX-Accel-Redirect: /q\r\n\r\n", nil},
	{"X-Accel-Limit-Rate", pass, closed("/p"), says("200 OK", longBody, "X-Accel-Limit-Rate: 100000"), nil},
	{"X-Accel-Limit-Rate of nonsense", pass, closed("/p"), says("200 OK", longBody, "X-Accel-Limit-Rate: abc"), nil},
	{"X-Accel-Limit-Rate off", passWith("limit_rate 1000000;"), closed("/p"), says("200 OK", longBody, "X-Accel-Limit-Rate: off"), nil},
	{"X-Accel-Buffering no and yes", pass, closed("/p"), says("200 OK", longBody, "X-Accel-Buffering: No", "X-Accel-Buffering: yes"), nil},
	{"everything ignored", passWith("proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset Expires Cache-Control Set-Cookie Vary;"), closed("/p"), says("200 OK", "x", "X-Accel-Redirect: /q", "X-Accel-Charset: y", "Set-Cookie: a=1", "Vary: b", "Expires: c", "Cache-Control: d"), nil},
	{"gzip of what is proxied", "gzip on; gzip_min_length 1; gzip_proxied off; " + passWith("add_header X-Via x;"), closed("/", "Accept-Encoding: gzip", "Via: 1"), says("200 OK", longBody, "Content-Type: text/html"), nil},
	{"ranges of what is proxied", passWith("proxy_force_ranges on;"), closed("/", "Range: bytes=0-1,4-5"), says("200 OK", longBody, "Content-Type: text/html", "Last-Modified: Tue, 02 Jan 2024 03:04:05 GMT"), nil},
	{"ranges, unsatisfied", passWith("proxy_force_ranges on;"), closed("/", "Range: bytes=1000-"), says("200 OK", longBody, "Content-Type: text/html", "Accept-Ranges: bytes"), nil},
	{"ranges of chunks", passWith("proxy_force_ranges on;"), closed("/", "Range: bytes=0-1"), pieces(longBody), nil},
	{"Last-Modified and a condition", pass, closed("/", "If-Modified-Since: Tue, 02 Jan 2024 03:04:05 GMT"), says("200 OK", longBody, "Last-Modified: Tue, 02 Jan 2024 03:04:05 GMT"), nil},
	{"fields in their order", pass, closed("/"), says("200 OK", "x", "X-A: b", "X-B: c", "Last-Modified: Tue, 02 Jan 2024 03:04:05 GMT", "Location: /z", "X-C: d", "Content-Type: a/b", "Expires: 0", "Vary: Cookie", "Accept-Ranges: none"), nil},
	{"add_header and its like", "add_header Last-Modified x; " + pass, closed("/"), says("200 OK", longBody), nil},
	{"add_header for an error", "add_header X-N 1; add_header X-E 2 always; " + pass, closed("/"), says("500 OK", longBody), nil},
	{"expires max", "expires max; " + pass, closed("/"), says("200 OK", longBody, "Cache-Control: no-store", "Expires: 0"), nil},

	// Upgrades.
	{"upgrade", passWith("proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"), request("GET", "/", "Upgrade: x", "Connection: upgrade"), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello|close|", nil},
	{"upgrade refused", passWith("proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"), closed("/", "Upgrade: x"), says("400 No", "no") + "|close|", nil},
	{"upgrade in HTTP/1.0", passWith("proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"), "GET / HTTP/1.0\r\nUpgrade: x\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello|close|", nil},
	{"upgrade of POST", passWith("proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"), request("POST", "/", "Upgrade: x", "Content-Length: 3") + "abc", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello|close|", nil},
	{"101 without fields", passWith("proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"), request("GET", "/", "Upgrade: x"), "HTTP/1.1 101 Switching Protocols\r\n\r\nhello|close|", nil},
	{"101 with a length", passWith("proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"), request("GET", "/", "Upgrade: x"), "HTTP/1.1 101 Switching Protocols\r\nContent-Length: 2\r\n\r\nhello|close|", nil},

	// The next one.
	{"next, not buffered", group("proxy_request_buffering off;"), asks("PUT", "/", "abc"), "|close||next|" + fine, nil},
	{"next within no time", group("proxy_next_upstream_timeout 1ms; proxy_read_timeout 50ms; proxy_next_upstream timeout error;"), closed("/"), "|wait||next|" + fine, nil},
	{"next after a dead one, POST", "upstream d{{n}} { server {{dead}}; server {{back}}; } server { listen {{here}}; location / { proxy_pass http://d{{n}}; } }", asks("POST", "/1", "abc"), fine, nil},
	{"next after a dead one, not buffered", "upstream d{{n}} { server {{dead}}; server {{back}}; } server { listen {{here}}; location / { proxy_request_buffering off; proxy_pass http://d{{n}}; } }", asks("POST", "/1", "abc"), fine, nil},
	{"next for LOCK", group(""), asks("LOCK", "/", "abc"), "|close||next|" + fine, nil},
	{"next, updating", group("proxy_next_upstream updating error;"), closed("/"), "|close||next|" + fine, nil},
	{"next for the method by hand", group("proxy_method POST;"), closed("/"), "|close||next|" + fine, nil},
	{"next and intercepted", group("proxy_next_upstream http_404; proxy_intercept_errors on; error_page 404 /page;"), closed("/"), says("404 No", "no"), nil},
	{"no live server twice", "upstream d{{n}} { server {{dead}} down; server {{dead}} down backup; } server { listen {{here}}; location / { proxy_pass http://d{{n}}; } }", closed("/"), fine, nil},

	// Subrequests.
	{"ssi", "location / { ssi on; proxy_pass http://{{back}}; }", closed("/"), says("200 OK", `a<!--#include virtual="/one?x" -->b`, "Content-Type: text/html") + "|next|" + fine, nil},
	{"ssi of what fails", "location / { ssi on; proxy_pass http://{{back}}; } location /dead { proxy_pass http://{{dead}}; }", closed("/"), says("200 OK", `a<!--#include virtual="/dead" -->b`, "Content-Type: text/html"), nil},
	{"auth_request with a body", "location / { auth_request /a; proxy_pass http://{{back}}/b; } location = /a { proxy_pass_request_body off; proxy_set_header Content-Length \"\"; proxy_set_header X-Original $request_uri; proxy_pass http://{{back}}/auth; }", asks("POST", "/x?y", "abc"), fine, nil},
	{"auth_request that needs a login", "location / { auth_request /a; proxy_pass http://{{back}}; } location = /a { proxy_pass http://{{back}}/auth; }", closed("/x"), says("401 No", "no", "WWW-Authenticate: Basic realm=x"), nil},
	{"auth_request that breaks", "location / { auth_request /a; proxy_pass http://{{back}}; } location = /a { proxy_pass http://{{back}}/auth; }", closed("/x"), says("500 No", "no"), nil},
	{"auth_request that is dead", "location / { auth_request /a; proxy_pass http://{{back}}; } location = /a { proxy_pass http://{{dead}}/auth; }", closed("/x"), fine, nil},
	{"auth_request that redirects", "location / { auth_request /a; proxy_pass http://{{back}}; } location = /a { proxy_pass http://{{back}}/auth; }", closed("/x"), says("302 No", "", "Location: /login"), nil},
	{"auth_request_set", "location / { auth_request /a; auth_request_set $u $upstream_http_x_user; proxy_set_header X-User $u; add_header X-Out $u; proxy_pass http://{{back}}; } location = /a { proxy_pass http://{{back}}/auth; }", closed("/x"), says("200 OK", "", "X-User: me") + "|next|" + fine, nil},
	{"realip", "set_real_ip_from 127.0.0.0/8; real_ip_header X-Forwarded-For; " + passWith("proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Real $remote_addr-$realip_remote_addr;"), closed("/", "X-Forwarded-For: 192.0.2.1, 192.0.2.2"), fine, nil},
	{"realip, recursive", "set_real_ip_from 127.0.0.0/8; set_real_ip_from 192.0.2.2; real_ip_recursive on; real_ip_header X-Forwarded-For; " + passWith("proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Real $remote_addr-$realip_remote_addr;"), closed("/", "X-Forwarded-For: 192.0.2.1, 192.0.2.2"), fine, nil},
	{"mirror of a body", "location / { mirror /m; proxy_pass http://{{back}}/main; } location = /m { internal; proxy_pass http://{{back}}/copy; }", asks("POST", "/x", "abc"), fine, nil},
	{"mirror without the body", "location / { mirror /m; mirror_request_body off; proxy_pass http://{{back}}/main; } location = /m { internal; proxy_pass_request_body off; proxy_set_header Content-Length \"\"; proxy_pass http://{{back}}/copy$request_uri; }", asks("POST", "/x", "abc"), fine, nil},
	{"post_action", "location / { post_action /p; proxy_pass http://{{back}}/main; } location = /p { internal; proxy_pass http://{{back}}/post; }", closed("/x"), fine, since131("lines of one name are joined since 1.23", `"b" "-" "b"`, `"b" "-" "b, b"`)},
	{"proxied to itself", "server { listen {{here}}; location /a { proxy_pass http://{{here}}/b/; } location /b { proxy_pass http://{{back}}/c; } }", closed("/a/x"), fine, since131("of two heads the inner one says nothing of the connection", "|119|", "|124|")},
	{"variables of it all", passWith("add_header X-All \"$upstream_status|$upstream_http_x_a|$proxy_host|$proxy_port|$upstream_cache_status|$upstream_cookie_s\" always;"), closed("/"), says("200 OK", "x", "X-A: b", "Set-Cookie: s=t; Path=/"), nil},
}
