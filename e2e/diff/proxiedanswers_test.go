package diff_test

import (
	"fmt"
	"strings"
)

// says is an answer with these fields and a body of a known length.
func says(status, body string, fields ...string) string {
	fields = append(fields, fmt.Sprintf("Content-Length: %d", len(body)))
	return "HTTP/1.1 " + status + "\r\n" + strings.Join(fields, "\r\n") + "\r\n\r\n" + body
}

// pieces is an answer in these chunks.
func pieces(chunks ...string) string {
	var text strings.Builder
	text.WriteString("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
	for _, c := range append(chunks, "") {
		fmt.Fprintf(&text, "%x\r\n%s\r\n", len(c), c)
	}
	return text.String()
}

// group is a server that passes to two peers, which are both the backend.
func group(text string) string {
	return "upstream r{{n}} { server {{back}} max_fails=0; server {{back}} max_fails=0; } server { listen {{here}}; location / { " +
		text + " proxy_pass http://r{{n}}; } location /page { return 200 page; } }"
}

// answered are answers that make sense: how they reach the client.
var answered = []proxiedCase{
	// Bodies.
	{"length", pass, closed("/"), says("200 OK", longBody), nil},
	{"length 0", pass, closed("/"), says("200 OK", ""), nil},
	{"64 kB", pass, closed("/"), says("200 OK", big), nil},
	{"64 kB, small buffers", passWith("proxy_buffers 3 4k; proxy_busy_buffers_size 4k;"), closed("/"), says("200 OK", big), nil},
	{"64 kB, not buffered", passWith("proxy_buffering off;"), closed("/"), says("200 OK", big), nil},
	{"chunks", pass, closed("/"), pieces(longBody), nil},
	{"no chunks", pass, closed("/"), pieces(), nil},
	{"chunks, not buffered", passWith("proxy_buffering off;"), "GET / HTTP/1.0\r\n\r\n", pieces("abc", longBody), nil},
	{"chunks for HTTP/1.0", pass, "GET / HTTP/1.0\r\n\r\n", pieces("abc", longBody), nil},
	{"until the end", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nbody|close|", nil},
	{"until the end, HTTP/1.1", pass, closed("/"), "HTTP/1.1 200 OK\r\n\r\n|pause|body|close|", nil},
	{"HTTP/1.0 answer", pass, closed("/"), "HTTP/1.0 200 Fine\r\nX-A: b\r\n\r\n|pause|body|close|", nil},
	{"HTTP/1.0 answer with a length", pass, closed("/"), "HTTP/1.0 200 Fine\r\nContent-Length: 4\r\n\r\nbody|close|", nil},
	{"byte by byte", pass, "GET / HTTP/1.0\r\n\r\n", "|bytes|" + says("200 OK", longBody, "X-A: b"), nil},
	{"byte by byte in chunks", pass, "GET / HTTP/1.0\r\n\r\n", "|bytes|" + pieces("abc", longBody), nil},
	{"byte by byte, not buffered", passWith("proxy_buffering off;"), "GET / HTTP/1.0\r\n\r\n", "|bytes|" + says("200 OK", longBody), nil},
	{"chunks with extensions", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0;c\r\n\r\n", nil},
	{"chunks with zeros", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0003\r\nabc\r\n00\r\n\r\n", nil},
	{"chunks with upper case", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n", nil},
	{"trailers", pass, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: u\r\n\r\n", nil},
	{"limited rate", passWith("proxy_limit_rate 1m;"), closed("/"), says("200 OK", longBody),
		nil},

	// Statuses.
	{"201", pass, asks("POST", "/", "x"), says("201 Created", "", "Location: /new"), nil},
	{"204", pass, closed("/"), "HTTP/1.1 204 No Content\r\n\r\n", nil},
	{"204 with a length", pass, closed("/"), "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", nil},
	{"204 and the next", pass, request("GET", "/") + closed("/"), "HTTP/1.1 204 No Content\r\n\r\n|next|" + fine, nil},
	{"304", pass, closed("/", `If-None-Match: "x"`), "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n", nil},
	{"304 with a length", pass, closed("/", `If-None-Match: "x"`), "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\nETag: \"x\"\r\n\r\n", nil},
	{"304 and the next", pass, request("GET", "/") + closed("/"), "HTTP/1.1 304 Not Modified\r\n\r\n|next|" + fine, nil},
	{"200 for a condition", pass, closed("/", `If-None-Match: "x"`), says("200 OK", "body", `ETag: "x"`, "Last-Modified: Tue, 02 Jan 2024 03:04:05 GMT"), nil},
	{"a range that the backend ignores", pass, closed("/", "Range: bytes=1-2"), says("200 OK", "body"), nil},
	{"a range that we make", passWith("proxy_force_ranges on;"), closed("/", "Range: bytes=1-2"), says("200 OK", "body", "Last-Modified: Tue, 02 Jan 2024 03:04:05 GMT"), nil},
	{"206", pass, closed("/", "Range: bytes=1-2"), says("206 Partial Content", "od", "Content-Range: bytes 1-2/4"), nil},
	{"100", pass, asks("POST", "/", "x"), "HTTP/1.1 100 Continue\r\n\r\n" + fine + "|close|", nil},
	{"404", pass, closed("/"), says("404 Nope", "not here"), nil},
	{"no reason", pass, closed("/"), "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", nil},
	{"empty reason", pass, closed("/"), "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", nil},
	{"long reason", pass, closed("/"), says("200 "+strings.Repeat("r", 200), "x"), nil},
	{"599", pass, closed("/"), says("599 What", "x"), nil},
	{"999", pass, closed("/"), says("999 What", "x"), nil},
	{"500", pass, closed("/"), says("500 Oh", "broken"), nil},
	{"HTTP/1.9", pass, closed("/"), "HTTP/1.9 200 OK\r\nContent-Length: 1\r\n\r\nx", nil},
	{"line feeds only", pass, closed("/"), "HTTP/1.1 200 OK\nContent-Length: 1\nX-A: b\n\nx", nil},
	{"HEAD that gets a body", pass, asks("HEAD", "/", ""), says("200 OK", "body"), nil},

	// Fields.
	{"fields pass", pass, closed("/"), says("200 OK", "x", "X-A: b", "x-lower:c", "X-Empty:", "X-Blank:   d  ", "Vary: e", "Cache-Control: no-store", "Pragma: f", "Link: g", "Content-Language: h"), nil},
	{"fields twice", pass, closed("/"), says("200 OK", "x", "X-A: b", "X-A: c", "Set-Cookie: a=1", "Set-Cookie: b=2", "Vary: x", "Vary: y", "WWW-Authenticate: z", "WWW-Authenticate: w", "Cache-Control: a", "Cache-Control: b"),
		since131("lines of one name are joined since 1.23", `"b" "1" "b"`, `"b, c" "1" "b, c"`)},
	{"fields that are hidden", pass, closed("/"), says("200 OK", "x", "Server: s", "Date: d", "X-Pad: p", "X-Accel-Foo: q", "X-Accel-Expires: 0", "X-Accel-Limit-Rate: 0", "X-Accel-Buffering: no", "X-Accel-Charset: utf-8"), nil},
	{"fields shown", passWith("proxy_pass_header Server; proxy_pass_header Date; proxy_pass_header X-Accel-Expires; proxy_pass_header X-Pad;"), closed("/"),
		says("200 OK", "x", "Server: s", "Date: Tue, 02 Jan 2024 03:04:05 GMT", "X-Pad: p", "X-Accel-Expires: 0", "X-Accel-Buffering: no"), nil},
	{"fields shown that are not there", passWith("proxy_pass_header Server; proxy_pass_header Date;"), closed("/"), says("200 OK", "x"), nil},
	{"fields hidden", passWith("proxy_hide_header X-A; proxy_hide_header content-language;"), closed("/"), says("200 OK", "x", "X-A: b", "x-a: c", "Content-Language: d", "X-B: e"),
		since131("lines of one name are joined since 1.23", `"b" "-" "-"`, `"b, c" "-" "-"`)},
	{"fields hidden above and shown", "proxy_hide_header X-A; " + passWith("proxy_pass_header X-A;"), closed("/"), says("200 OK", "x", "X-A: b"), nil},
	{"hop-by-hop fields", pass, closed("/"), says("200 OK", "x", "Connection: close, X-A", "X-A: b", "Keep-Alive: timeout=5", "Upgrade: h2c", "Proxy-Authenticate: x", "Trailer: y"), nil},
	{"Content-Type", pass, closed("/"), says("200 OK", "x", "Content-Type: text/html; charset=x"), nil},
	{"Content-Type with a charset of ours", "charset utf-8; " + pass, closed("/"), says("200 OK", "x", "Content-Type: text/html"), nil},
	{"no Content-Type", "default_type a/b; " + pass, closed("/"), says("200 OK", "x"), nil},
	{"charset by X-Accel-Charset", "charset_map windows-125{{n}} utf-8 { 80 E282AC; } server { listen {{here}}; charset utf-8; " + pass + " }", closed("/"), says("200 OK", "x", "Content-Type: text/html", "X-Accel-Charset: utf-8"), nil},
	{"charset by X-Accel-Charset, unknown", "charset utf-8; " + pass, closed("/"), says("200 OK", "x", "Content-Type: text/html", "X-Accel-Charset: koi8-r"), nil},
	{"gzip passes", "gzip on; gzip_min_length 1; " + pass, closed("/", "Accept-Encoding: gzip"), says("200 OK", "not really gzip", "Content-Type: text/html", "Content-Encoding: gzip"), nil},
	{"sub_filter", passWith("sub_filter body BODY;"), "GET / HTTP/1.0\r\n\r\n", says("200 OK", "a body", "Content-Type: text/html", "Last-Modified: Tue, 02 Jan 2024 03:04:05 GMT", `ETag: "x"`), nil},
	{"Expires and ETag pass", pass, closed("/"), says("200 OK", "x", `ETag: W/"x"`, "Expires: Tue, 02 Jan 2024 03:04:05 GMT", "Last-Modified: Tue, 02 Jan 2024 03:04:05 GMT"), nil},
	{"expires adds to it", "expires epoch; " + pass, closed("/"), says("200 OK", "x", "Expires: Wed, 03 Jan 2024 03:04:05 GMT", "Cache-Control: private"), nil},
	{"add_header", "add_header X-Up $upstream_http_x_a; " + pass, closed("/"), says("200 OK", "x", "X-A: b"), nil},
	{"Accept-Ranges", pass, closed("/"), says("200 OK", "x", "Accept-Ranges: bytes"), nil},
	{"cookie variable", pass, closed("/"), says("200 OK", "x", "Set-Cookie: a=first; Path=/", "Set-Cookie: a=second"), nil},
	{"head of many fields", passWith("proxy_buffer_size 12k;"), closed("/"), says("200 OK", "x", strings.Split(strings.Repeat("X-M: "+longBody+"|", 80)+"X-End: e", "|")...), nil},

	// Rewriting.
	{"redirect to the backend", pass, closed("/"), says("302 Found", "", "Location: http://{{back}}/there?x"), nil},
	{"redirect, default with a URI", location("/one/", "proxy_pass http://{{back}}/two/;"), closed("/one/"), says("302 Found", "", "Location: http://{{back}}/two/x"), nil},
	{"redirect by a table", passWith("proxy_redirect http://a.example/b/ /c/; proxy_redirect http://d.example/ http://e.example/;"), closed("/"), says("301 Moved", "", "Location: http://a.example/b/x"), nil},
	{"redirect by the second", passWith("proxy_redirect http://a.example/b/ /c/; proxy_redirect http://d.example/ http://e.example/;"), closed("/"), says("301 Moved", "", "Location: http://d.example/y"), nil},
	{"redirect by none", passWith("proxy_redirect http://a.example/b/ /c/;"), closed("/"), says("301 Moved", "", "Location: http://z.example/"), nil},
	{"redirect off", passWith("proxy_redirect off;"), closed("/"), says("301 Moved", "", "Location: /y"), nil},
	{"redirect by a regex", passWith(`proxy_redirect ~^http://([^:]+):\d+(/.+)$ http://$1.new$2;`), closed("/"), says("301 Moved", "", "Location: http://h:8000/p"), nil},
	{"redirect by a regex without case", passWith(`proxy_redirect ~*^HTTP://(?<h>[^/]+)/ /to/$h/;`), closed("/"), says("301 Moved", "", "Location: http://hh/p"), nil},
	{"redirect with variables", passWith(`proxy_redirect http://$host/ /h/;`), closed("/"), says("301 Moved", "", "Location: http://localhost/p"), nil},
	{"redirect to a relative place", pass, closed("/"), says("301 Moved", "", "Location: next"), nil},
	{"redirect to nowhere", pass, closed("/"), says("301 Moved", "", "Location:"), nil},
	{"redirect is made absolute", passWith("proxy_redirect /a/ /b/;"), closed("/"), says("301 Moved", "", "Location: /a/x"), nil},
	{"refresh", passWith("proxy_redirect http://a.example/ /c/;"), closed("/"), says("200 OK", "x", "Refresh: 5; url=http://a.example/x"), nil},
	{"cookie domain", passWith("proxy_cookie_domain a.example b.example;"), closed("/"), says("200 OK", "x", "Set-Cookie: a=1; Domain=.A.example; Path=/", "Set-Cookie: c=1; domain=z.example"), nil},
	{"cookie path", passWith("proxy_cookie_path /a/ /b/;"), closed("/"), says("200 OK", "x", "Set-Cookie: a=1; Path=/a/c; Secure", "Set-Cookie: d=1; path=/z"), nil},
	{"cookie path by a regex", passWith(`proxy_cookie_path ~^/(\w+)/ /new-$1/;`), closed("/"), says("200 OK", "x", "Set-Cookie: a=1; Path=/old/c"), nil},
	{"cookie path and domain", passWith(`proxy_cookie_path / /r/; proxy_cookie_domain ~(.*) "$1.x";`), closed("/"), says("200 OK", "x", "Set-Cookie: a=1;Path=/old; Domain=y"), nil},
	{"cookie flags", passWith("proxy_cookie_flags a secure httponly samesite=lax; proxy_cookie_flags ~^s nosecure;"), closed("/"), says("200 OK", "x", "Set-Cookie: a=1", "Set-Cookie: s=2; Secure; HttpOnly", "Set-Cookie: z=3"), nil},
	{"cookies stay", pass, closed("/"), says("200 OK", "x", "Set-Cookie: a=1; Path=/; Domain=d"), nil},

	// X-Accel and errors.
	{"X-Accel-Redirect", "etag off; root {{site}}; location /p { proxy_pass http://{{back}}; } location /dir/ { internal; }", closed("/p"), says("200 OK", "no", "X-Accel-Redirect: /dir/other.htm", "X-A: b", "Content-Type: x/y", "Set-Cookie: a=1", "Content-Disposition: attachment"), nil},
	{"X-Accel-Redirect with arguments", "location /p { proxy_pass http://{{back}}; } location /dir/ { return 200 $uri?$args; }", closed("/p"), says("200 OK", "no", "X-Accel-Redirect: /dir/a%20b?c=%20d"), nil},
	{"X-Accel-Redirect to a named location", "location /p { proxy_pass http://{{back}}; } location @n { return 200 $uri; }", closed("/p"), says("200 OK", "no", "X-Accel-Redirect: @n"), nil},
	{"X-Accel-Redirect to nowhere", "location /p { proxy_pass http://{{back}}; }", closed("/p"), says("200 OK", "no", "X-Accel-Redirect: /../x"), nil},
	{"X-Accel-Redirect to the backend", pass, closed("/p"), says("200 OK", "no", "X-Accel-Redirect: /q") + "|next|" + fine, nil},
	{"X-Accel-Redirect of POST", pass, asks("POST", "/p", "abc"), says("200 OK", "no", "X-Accel-Redirect: /q") + "|next|" + fine, nil},
	{"X-Accel-Redirect ignored", passWith("proxy_ignore_headers X-Accel-Redirect;"), closed("/p"), says("200 OK", "yes", "X-Accel-Redirect: /q"), nil},
	{"X-Accel-Redirect of an error", "error_page 404 /page; " + passWith("proxy_intercept_errors on;"), closed("/p"), says("404 No", "no", "X-Accel-Redirect: /q") + "|next|" + fine, nil},
	{"X-Accel-Buffering ignored", passWith("proxy_ignore_headers X-Accel-Buffering X-Accel-Limit-Rate;"), closed("/p"), says("200 OK", "yes", "X-Accel-Buffering: no"), nil},
	{"errors pass", "error_page 404 502 /page; " + pass + location("/page", "return 200 page;"), closed("/p"), says("404 No", "theirs"), nil},
	{"errors are intercepted", "error_page 404 502 /page; " + passWith("proxy_intercept_errors on;") + location("/page", "return 200 page;"), closed("/p"), says("404 No", "theirs", "X-A: b"), nil},
	{"errors without a page", "error_page 500 /page; " + passWith("proxy_intercept_errors on;") + location("/page", "return 200 page;"), closed("/p"), says("404 No", "theirs"), nil},
	{"401 keeps its challenge", "error_page 401 /page; " + passWith("proxy_intercept_errors on;") + location("/page", "etag off; root {{site}}; try_files /50x.html =404;"), closed("/p"), says("401 No", "theirs", "WWW-Authenticate: Basic realm=x", "WWW-Authenticate: Other"),
		since131("all challenges are kept since 1.23", "WWW-Authenticate: Basic realm=x\r\n", "WWW-Authenticate: Basic realm=x\r\nWWW-Authenticate: Other\r\n")},
	{"redirects are intercepted", "error_page 302 /page; " + passWith("proxy_intercept_errors on;") + location("/page", "return 200 page;"), closed("/p"), says("302 Go", "", "Location: /x"), nil},
	{"page from the backend", "error_page 404 = /page; " + passWith("proxy_intercept_errors on;"), closed("/p"), says("404 No", "theirs") + "|next|" + fine, nil},
	{"page for a refused connection", "error_page 502 /50x.html; location / { proxy_pass http://{{dead}}; } location = /50x.html { root {{site}}; }", closed("/p"), fine, nil},
	{"refused connection", "location / { proxy_pass http://{{dead}}; }", closed("/p"), fine, nil},
	{"refused connection, POST", "location / { proxy_pass http://{{dead}}; }", asks("POST", "/p", longBody), fine, nil},

	// The next one.
	{"next after a close", group(""), closed("/"), "|close||next|" + fine, nil},
	{"next after a close in the head", group(""), closed("/"), "HTTP/1.1 200 OK\r\nX|close||next|" + fine, nil},
	{"next after a reset", group(""), closed("/"), "|reset||next|" + fine, nil},
	{"no next after the body began", group(""), "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc|pause||close||next|" + fine, nil},
	{"next fails too", group(""), closed("/"), "|close|", nil},
	{"next for POST", group(""), asks("POST", "/", "abc"), "|close||next|" + fine, nil},
	{"next for PUT", group(""), asks("PUT", "/", "abc"), "|close||next|" + fine, nil},
	{"next for DELETE", group(""), asks("DELETE", "/", ""), "|close||next|" + fine, nil},
	{"next for PATCH", group(""), asks("PATCH", "/", "abc"), "|close||next|" + fine, nil},
	{"next for POST when said", group("proxy_next_upstream error non_idempotent;"), asks("POST", "/", "abc"), "|close||next|" + fine, nil},
	{"next with a body from a file", group("client_body_in_file_only clean; proxy_next_upstream error non_idempotent;"), asks("POST", "/", longBody), "|close||next|" + fine, nil},
	{"next with chunks", group("proxy_next_upstream error non_idempotent;"), inChunks("POST", "/", "abc"), "|close||next|" + fine, nil},
	{"next with the body by hand", group("proxy_set_body $request_uri;"), closed("/q"), "|close||next|" + fine, nil},
	{"next off", group("proxy_next_upstream off;"), closed("/"), "|close||next|" + fine, nil},
	{"next after 500", group("proxy_next_upstream http_500;"), closed("/"), says("500 No", "no") + "|next|" + fine, nil},
	{"next after 500 twice", group("proxy_next_upstream http_500;"), closed("/"), says("500 No", "no"), nil},
	{"next after 502", group("proxy_next_upstream http_502;"), closed("/"), says("502 No", "no") + "|next|" + fine, nil},
	{"next after 503", group("proxy_next_upstream http_503;"), closed("/"), says("503 No", "no") + "|next|" + fine, nil},
	{"next after 504", group("proxy_next_upstream http_504;"), closed("/"), says("504 No", "no") + "|next|" + fine, nil},
	{"next after 403", group("proxy_next_upstream http_403;"), closed("/"), says("403 No", "no") + "|next|" + fine, nil},
	{"next after 404", group("proxy_next_upstream http_404;"), closed("/"), says("404 No", "no") + "|next|" + fine, nil},
	{"next after 429", group("proxy_next_upstream http_429;"), closed("/"), says("429 No", "no") + "|next|" + fine, nil},
	{"no next after 503", group("proxy_next_upstream http_500;"), closed("/"), says("503 No", "no") + "|next|" + fine, nil},
	{"no next after 500 for POST", group("proxy_next_upstream http_500;"), asks("POST", "/", "abc"), says("500 No", "no") + "|next|" + fine, nil},
	{"next after nonsense", group("proxy_next_upstream invalid_header;"), closed("/"), "HTTP/1.1 200 OK\r\n: x\r\n\r\n|next|" + fine, nil},
	{"no next after nonsense", group(""), closed("/"), "HTTP/1.1 200 OK\r\n: x\r\n\r\n|next|" + fine, nil},
	{"next after too big a head", group("proxy_next_upstream invalid_header;"), closed("/"), "HTTP/1.1 200 OK\r\nX: " + big + "\r\n\r\n|next|" + fine, nil},
	{"next after a timeout", group("proxy_read_timeout 300ms; proxy_next_upstream timeout;"), closed("/"), "|wait||next|" + fine, nil},
	{"no next after a timeout", group("proxy_read_timeout 300ms; proxy_next_upstream error;"), closed("/"), "|wait||next|" + fine, nil},
	{"one try", group("proxy_next_upstream_tries 1;"), closed("/"), "|close||next|" + fine, nil},
	{"next is intercepted", "error_page 502 /page; " + "location / { proxy_intercept_errors on; proxy_pass http://{{dead}}; } location /page { return 200 page; }", closed("/"), fine, nil},
	{"all are down", "upstream d{{n}} { server {{back}} down; } server { listen {{here}}; location / { proxy_pass http://d{{n}}; } }", closed("/"), fine, nil},
	{"a backup", "upstream d{{n}} { server {{dead}}; server {{back}} backup; } server { listen {{here}}; location / { proxy_pass http://d{{n}}; } }", closed("/"), fine, nil},
	{"failed once, not asked again", "upstream d{{n}} { server {{dead}}; server {{back}}; } server { listen {{here}}; location / { proxy_pass http://d{{n}}; } }", request("GET", "/1") + request("GET", "/2") + closed("/3"), fine, nil},
	{"kept connections", "upstream k{{n}} { server {{back}}; keepalive 2; } server { listen {{here}}; location / { proxy_set_header Connection \"\"; proxy_pass http://k{{n}}; } }", request("GET", "/1") + request("GET", "/2") + closed("/3"), fine, nil},
	{"kept connection that was closed", "upstream k{{n}} { server {{back}}; keepalive 2; } server { listen {{here}}; location / { proxy_set_header Connection \"\"; proxy_pass http://k{{n}}; } }", request("GET", "/1") + closed("/2"), fine + "|next||close||next|" + fine, nil},
	{"mirror", "location / { mirror /m; proxy_pass http://{{back}}/main; } location = /m { internal; proxy_pass http://{{back}}/copy; }", closed("/x"), fine, nil},
	{"auth_request", "location / { auth_request /a; auth_request_set $who $upstream_http_x_a; proxy_set_header X-Who $who; proxy_pass http://{{back}}; } location = /a { internal; proxy_pass_request_body off; proxy_set_header Content-Length \"\"; proxy_pass http://{{back}}/auth; }", asks("POST", "/x", "abc"), fine, nil},
	{"auth_request says no", "location / { auth_request /a; proxy_pass http://{{back}}; } location = /a { internal; proxy_pass http://{{back}}/auth; }", closed("/x"), says("403 No", "no"), nil},
	{"auth_request with a challenge", "location / { auth_request /a; proxy_pass http://{{back}}; } location = /a { internal; proxy_pass http://{{back}}/auth; }", closed("/x"), says("401 No", "no", "WWW-Authenticate: Basic realm=x"), nil},
}
