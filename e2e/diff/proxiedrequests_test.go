package diff_test

import (
	"fmt"
	"strings"
)

// closed is a GET request after which the server shall close, with these fields
// besides.
func closed(target string, fields ...string) string { return asks("GET", target, "", fields...) }

// asks is a request with a body, if any, of a known length.
func asks(method, target, body string, fields ...string) string {
	fields = append([]string{"Connection: close"}, fields...)
	if body != "" || method == "POST" || method == "PUT" {
		fields = append(fields, fmt.Sprintf("Content-Length: %d", len(body)))
	}
	return request(method, target, fields...) + body
}

// inChunks is a request with a body in these chunks.
func inChunks(method, target string, chunks ...string) string {
	var body strings.Builder
	for _, c := range append(chunks, "") {
		fmt.Fprintf(&body, "%x\r\n%s\r\n", len(c), c)
	}
	return request(method, target, "Connection: close", "Transfer-Encoding: chunked") + body.String()
}

const (
	pass     = "location / { proxy_pass http://{{back}}; }"
	fine     = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok"
	longBody = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

func location(path, text string) string { return "location " + path + " { " + text + " }" }

func passWith(text string) string { return location("/", text+" proxy_pass http://{{back}};") }

var big = strings.Repeat(longBody, 1024) // 64 kB

// proxied are requests whose answers are dull: how they reach the backend.
var proxied = []proxiedCase{
	// Forms of proxy_pass.
	{"no URI", pass, closed("/a/b?c=d"), fine, nil},
	{"no URI, everything as it came", pass, closed("/a%20b/../%41//c?x=%20&y=a+b#f"), fine, nil},
	{"no URI, broken escapes in arguments", pass, closed("/?%zz&%"), fine, nil},
	{"no URI, bytes above 127", pass, closed("/\xc3\xbc?\xff"), fine, nil},
	{"no URI, question mark only", pass, closed("/a?"), fine, nil},
	{"no URI, absolute form", pass, "GET http://Other.example:81/x?y HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", fine, nil},
	{"no URI, absolute form without a path", pass, "GET http://other.example?y HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", fine, nil},
	{"no URI, several slashes", pass, closed("//a///b//"), fine, nil},
	{"no URI, dots", pass, closed("/./a/.././b"), fine, nil},
	{"URI /", location("/x/", "proxy_pass http://{{back}}/;"), closed("/x/a?b"), fine, nil},
	{"URI replaces the prefix", location("/x/", "proxy_pass http://{{back}}/y/z/;"), closed("/x/a/b?c=d"), fine, nil},
	{"URI without a slash", location("/x/", "proxy_pass http://{{back}}/y;"), closed("/x/a"), fine, nil},
	{"location without a slash", location("/x", "proxy_pass http://{{back}}/y/;"), closed("/xa"), fine, nil},
	{"URI with arguments", location("/x", "proxy_pass http://{{back}}/y?z=1;"), closed("/x?q=2"), fine, nil},
	{"URI with arguments, no others", location("/x", "proxy_pass http://{{back}}/y?z=1;"), closed("/x/more"), fine, nil},
	{"URI, escapes are made anew", location("/x/", "proxy_pass http://{{back}}/y/;"), closed("/x/a%20%41%2f%3f%25%00b"), fine, nil},
	{"URI, escapes are made anew, no zero", location("/x/", "proxy_pass http://{{back}}/y/;"), closed("/x/a%20%41%2f%3f%25%23b?c%20d"), fine, nil},
	{"URI, bytes above 127", location("/x/", "proxy_pass http://{{back}}/y/;"), closed("/x/\xc3\xbc%c3%bc"), fine, nil},
	{"URI, signs", location("/x/", "proxy_pass http://{{back}}/y/;"), closed("/x/!$&'()*+,;=:@[]{}|^~<>%5c%60%22"), fine, nil},
	{"URI, dots", location("/x/", "proxy_pass http://{{back}}/y/;"), closed("/x/./a/../b"), fine, nil},
	{"URI, slashes merge", location("/x/", "proxy_pass http://{{back}}/y/;"), closed("/x//a///b"), fine, nil},
	{"URI, slashes do not merge", "merge_slashes off; " + location("/x/", "proxy_pass http://{{back}}/y/;"), closed("/x//a///b"), fine, nil},
	{"exact location", location("= /x", "proxy_pass http://{{back}}/y;"), closed("/x?1"), fine, nil},
	{"regex location", location("~ ^/x", pass[len("location / { "):len(pass)-2]), closed("/xa%20b?1"), fine, nil},
	{"regex location with a capture", location("~ ^/x/(.*)$", "proxy_pass http://{{back}}/y/$1?q=1;"), closed("/x/a%20b?2"), fine, nil},
	{"regex with a capture and arguments", location("~ ^/x/(.*)$", "proxy_pass http://{{back}}/y/$1$is_args$args;"), closed("/x/ab?2=%20"), fine, nil},
	{"variable is the whole URL", `set $u "http://{{back}}/v?w"; ` + location("/", "proxy_pass $u;"), closed("/a?b"), fine, nil},
	{"variable is the host", `set $u {{back}}; ` + location("/", "proxy_pass http://$u;"), closed("/a%20b?c"), fine, nil},
	{"variable and URI", `set $u {{back}}; ` + location("/x/", "proxy_pass http://$u/y/;"), closed("/x/a?b"), fine, nil},
	{"variable and request_uri", `set $u {{back}}; ` + location("/", "proxy_pass http://$u$request_uri;"), closed("/a%20b?c"), fine, nil},
	{"variable and uri", `set $u {{back}}; ` + location("/", "proxy_pass http://$u$uri$is_args$args;"), closed("/a%41b?c"), fine, nil},
	{"variable with no scheme", `set $u {{back}}; ` + location("/", "proxy_pass $u;"), closed("/"), fine, nil},
	{"variable that is empty", `set $u ""; ` + location("/", "proxy_pass http://$u;"), closed("/"), fine, nil},
	{"variable with a bad port", `set $u 127.0.0.1:x; ` + location("/", "proxy_pass http://$u;"), closed("/"), fine, nil},
	{"variable with a name and no resolver", `set $u nowhere.example; ` + location("/", "proxy_pass http://$u;"), closed("/"), fine, nil},
	{"variable with a group's name", "upstream u{{n}} { server {{back}}; } server { listen {{here}}; set $u u{{n}}; location / { proxy_pass http://$u/g; } }", closed("/"), fine, nil},
	{"group", "upstream g{{n}} { server {{back}}; } server { listen {{here}}; location / { proxy_pass http://g{{n}}; } }", closed("/x"), fine, nil},
	{"group with upper case", "upstream G{{n}} { server {{back}}; } server { listen {{here}}; location / { proxy_pass http://G{{n}}/u/; } }", closed("/x"), fine, nil},
	{"rewrite break", `rewrite ^/a(.*)$ /b$1; ` + passWith("rewrite ^/b(.*)$ /c$1 break;"), closed("/a%20x?y"), fine, nil},
	{"rewrite break with arguments", passWith("rewrite ^/b(.*)$ /c$1?new=1 break;"), closed("/bz?y=2"), fine, nil},
	{"rewrite break without arguments", passWith("rewrite ^/b(.*)$ /c$1? break;"), closed("/bz?y=2"), fine, nil},
	{"rewrite break and a URI", location("/b/", "rewrite ^/b/(.*)$ /c/$1 break; proxy_pass http://{{back}}/d/;"), closed("/b/z%20?y"), fine, nil},
	{"set args", passWith("set $args x=1;"), closed("/a?b"), fine, nil},
	{"set args empty", passWith(`set $args "";`), closed("/a?b"), fine, nil},
	{"in an if", location("/", "if ($arg_x) { proxy_pass http://{{back}}; }"), closed("/a?x=1"), fine, nil},
	{"around an if", passWith("if ($arg_x) { set $y 1; }"), closed("/a?x=1"), fine, nil},
	{"URI around an if", location("/a", "if ($arg_x) { set $y 1; } proxy_pass http://{{back}}/z;"), closed("/ab?x=1"), fine, nil},
	{"named location", "error_page 404 = @n; root {{site}}; location @n { proxy_pass http://{{back}}; }", closed("/no%20ne?x"), fine, nil},
	{"try_files", "root {{site}}; location / { try_files $uri @n; } location @n { proxy_pass http://{{back}}; }", closed("/none?x"), fine, nil},
	{"limit_except", passWith("limit_except GET { deny all; }"), asks("POST", "/", "x"), fine, nil},
	{"limit_except lets through", passWith("limit_except GET { deny all; }"), closed("/"), fine, nil},
	{"satisfied by a file index", "root {{site}}; location / { index none.html; } location = /none.html { proxy_pass http://{{back}}; }", closed("/"), fine, nil},
	{"slash is added", location("/x/", "proxy_pass http://{{back}};"), closed("/x?y"), fine, nil},
	{"slash is added, with a URI", location("/x/", "proxy_pass http://{{back}}/;"), closed("/x"), fine, nil},

	// Fields.
	{"fields pass", pass, closed("/", "X-One: 1", "x-TWO:2", "Accept: */*", "X-Empty:", "Cookie: a=b", "Referer: r", "User-Agent: u"), fine, nil},
	{"fields twice", pass, closed("/", "X-One: 1", "X-One: 2", "Cookie: a=b", "Cookie: c=d", "Accept: a", "Accept: b"), fine, nil},
	{"fields with blanks", pass, closed("/", "X-One:   a  b   ", "X-Tab:\tz\t"), fine, nil},
	{"fields with underscores", pass, closed("/", "x_under: 1"), fine, nil},
	{"fields with underscores, allowed", "underscores_in_headers on; " + pass, closed("/", "x_under: 1"), fine, nil},
	{"fields with bad names", pass, closed("/", "x y: 1", "x(: 2", "ok: 3"), fine, nil},
	{"fields with bad names, let through", "ignore_invalid_headers off; " + pass, closed("/", "x(: 2", "ok: 3"), fine, nil},
	{"fields of hops", pass, closed("/", "Keep-Alive: 5", "TE: trailers", "Trailer: X", "Proxy-Connection: keep-alive", "Proxy-Authorization: x", "Upgrade: x"), fine,
		since131("Proxy-Connection is one of a hop", "Proxy-Connection: keep-alive\r\n", "")},
	{"fields that Connection names", pass, request("GET", "/", "Connection: close, x-one", "X-One: 1"), fine, nil},
	{"TE", pass, closed("/", "TE: gzip"), fine, nil},
	{"Expect", pass, request("POST", "/", "Connection: close", "Expect: 100-continue", "Content-Length: 3") + "abc", fine, nil},
	{"Expect something else", pass, request("POST", "/", "Connection: close", "Expect: x", "Content-Length: 3") + "abc", fine, nil},
	{"conditional fields pass", pass, closed("/", "If-Modified-Since: Tue, 02 Jan 2024 03:04:05 GMT", `If-None-Match: "x"`, "If-Range: x", "Range: bytes=0-1"), fine, nil},
	{"Authorization passes", pass, closed("/", "Authorization: Basic eDp5"), fine, nil},
	{"long field", pass, closed("/", "X-Long: "+strings.Repeat("l", 7000)), fine, nil},
	{"many fields", pass, closed("/", strings.Split(strings.Repeat("X-M: m|", 90)+"X-End: e", "|")...), fine, nil},
	{"HTTP/1.0 client", pass, "GET / HTTP/1.0\r\n\r\n", fine, nil},
	{"HTTP/1.0 client with a host", pass, "GET / HTTP/1.0\r\nHost: x\r\nConnection: close\r\n\r\n", fine, nil},
	{"HTTP/0.9 client", pass, "GET /\r\n", fine, nil},
	{"host is the address", pass, "GET / HTTP/1.1\r\nHost: Up.Example:81\r\nConnection: close\r\n\r\n", fine, nil},
	{"host by $http_host", passWith("proxy_set_header Host $http_host;"), "GET / HTTP/1.1\r\nHost: Up.Example:81\r\nConnection: close\r\n\r\n", fine, nil},
	{"host by $host", passWith("proxy_set_header Host $host;"), "GET / HTTP/1.1\r\nHost: Up.Example:81\r\nConnection: close\r\n\r\n", fine, nil},
	{"host by $host and port", passWith("proxy_set_header Host $host:80;"), "GET / HTTP/1.1\r\nHost: Up.Example\r\nConnection: close\r\n\r\n", fine, nil},
	{"no host", passWith(`proxy_set_header Host "";`), closed("/"), fine,
		since131("HTTP/1.1 asks for one", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: BACK\r\n")},
	{"host twice", passWith("proxy_set_header Host a; proxy_set_header Host b;"), closed("/"), fine,
		since131("the last counts, as there may be one only", "Host: a\r\n", "")},
	{"variables of the proxy", passWith("proxy_set_header X-V $proxy_host-$proxy_add_x_forwarded_for;"), closed("/", "X-Forwarded-For: 1.1.1.1"), fine, nil},
	{"X-Forwarded-For twice", passWith("proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"), closed("/", "X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 2.2.2.2"), fine, nil},
	{"X-Forwarded-For of nobody", passWith("proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;"), closed("/"), fine, nil},
	{"fields are replaced", passWith("proxy_set_header X-One new; proxy_set_header user-agent us;"), closed("/", "X-One: 1", "x-one: 2", "User-Agent: u"), fine, nil},
	{"fields are deleted", passWith(`proxy_set_header X-One ""; proxy_set_header Accept-Encoding "";`), closed("/", "X-One: 1", "Accept-Encoding: gzip", "X-Two: 2"), fine, nil},
	{"fields are deleted by an empty variable", passWith(`proxy_set_header X-One $arg_none;`), closed("/", "X-One: 1"), fine, nil},
	{"Connection by hand", passWith(`proxy_set_header Connection "a, b";`), closed("/"), fine, nil},
	{"Connection deleted", passWith(`proxy_set_header Connection "";`), closed("/"), fine, nil},
	{"Upgrade by hand", passWith(`proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;`), closed("/", "Upgrade: x"), fine, nil},
	{"TE by hand", passWith(`proxy_set_header TE $http_te;`), closed("/", "TE: trailers"), fine, nil},
	{"Transfer-Encoding by hand", passWith(`proxy_set_header Transfer-Encoding x;`), asks("POST", "/", "abc"), fine, nil},
	{"Content-Length by hand", passWith(`proxy_set_header Content-Length 5;`), asks("POST", "/", "abcde"), fine, nil},
	{"Keep-Alive by hand", passWith(`proxy_set_header Keep-Alive 5;`), closed("/", "Keep-Alive: 3"), fine, nil},
	{"Expect by hand", passWith(`proxy_set_header Expect "";`), request("POST", "/", "Connection: close", "Expect: 100-continue", "Content-Length: 3") + "abc", fine, nil},
	{"fields from above", "proxy_set_header X-Above 1; " + pass, closed("/"), fine, nil},
	{"fields from above are not added to", "proxy_set_header X-Above 1; " + passWith("proxy_set_header X-Here 2;"), closed("/"), fine, nil},
	{"fields in an if", passWith("proxy_set_header X-Here 2; if ($arg_x) { set $y 1; }"), closed("/?x=1"), fine, nil},
	{"nothing of the client", passWith("proxy_pass_request_headers off;"), asks("POST", "/", "abc", "X-One: 1", "Cookie: c"), fine, nil},
	{"nothing of the client but a field", passWith("proxy_pass_request_headers off; proxy_set_header X-One $http_x_one;"), closed("/", "X-One: 1", "Cookie: c"), fine, nil},
	{"HTTP/1.0 to the backend", passWith("proxy_http_version 1.0;"), closed("/", "X-One: 1"), fine + "|close|", nil},
	{"HTTP/1.0 to the backend, POST", passWith("proxy_http_version 1.0;"), asks("POST", "/", "abc"), fine + "|close|", nil},
	{"HTTP/1.0 to the backend, chunks", passWith("proxy_http_version 1.0;"), inChunks("POST", "/", "abc", "de"), fine + "|close|", nil},
	{"add_header passes by", "add_header X-C c; " + pass, closed("/"), fine, nil},

	// Methods and bodies.
	{"HEAD", pass, asks("HEAD", "/", ""), "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", nil},
	{"HEAD, chunked answer", pass, asks("HEAD", "/", ""), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", nil},
	{"HEAD, answer of no length", pass, asks("HEAD", "/", ""), "HTTP/1.1 200 OK\r\n\r\n", nil},
	{"DELETE", pass, asks("DELETE", "/x", ""), fine, nil},
	{"OPTIONS", pass, asks("OPTIONS", "/x", ""), fine, nil},
	{"OPTIONS of all", pass, asks("OPTIONS", "*", ""), fine, nil},
	{"unknown method", pass, asks("FROB", "/x", ""), fine, nil},
	{"GET with a body", pass, asks("GET", "/x", "abc"), fine, nil},
	{"PUT", pass, asks("PUT", "/x", "abc", "Content-Type: a/b"), fine, nil},
	{"POST of nothing", pass, asks("POST", "/x", ""), fine, nil},
	{"POST with no length", pass, request("POST", "/x", "Connection: close"), fine, nil},
	{"POST", pass, asks("POST", "/x", longBody), fine, nil},
	{"POST of 64 kB", passWith("client_body_buffer_size 128k;"), asks("POST", "/x", big), fine, nil},
	{"POST of 64 kB through a file", passWith("client_body_buffer_size 8k;"), asks("POST", "/x", big), fine, nil},
	{"POST of 64 kB, not buffered", passWith("proxy_request_buffering off;"), asks("POST", "/x", big), fine, nil},
	{"POST in a file only", passWith("client_body_in_file_only clean;"), asks("POST", "/x", "abc"), fine, nil},
	{"POST in a single buffer", passWith("client_body_in_single_buffer on;"), asks("POST", "/x", longBody), fine, nil},
	{"POST in chunks", pass, inChunks("POST", "/x", "abc", longBody, "z"), fine, nil},
	{"POST in chunks, empty", pass, inChunks("POST", "/x"), fine, nil},
	{"POST in chunks through a file", passWith("client_body_buffer_size 8k;"), inChunks("POST", "/x", big, "z"), fine, nil},
	{"POST in chunks, not buffered", passWith("proxy_request_buffering off;"), inChunks("POST", "/x", "abc", "de"), fine, nil},
	{"POST in chunks, not buffered, empty", passWith("proxy_request_buffering off;"), inChunks("POST", "/x"), fine, nil},
	{"POST in broken chunks", pass, request("POST", "/x", "Connection: close", "Transfer-Encoding: chunked") + "zz\r\nabc", fine, nil},
	{"POST too large", passWith("client_max_body_size 10;"), asks("POST", "/x", longBody), fine, nil},
	{"POST in chunks, too large", passWith("client_max_body_size 10;"), inChunks("POST", "/x", longBody), fine, nil},
	{"POST whose body is left out", passWith("proxy_pass_request_body off;"), asks("POST", "/x", "abc"), "|early|" + fine, nil},
	{"POST whose body is left out, with its length", passWith(`proxy_pass_request_body off; proxy_set_header Content-Length "";`), asks("POST", "/x", "abc"), fine, nil},
	{"body by hand", passWith(`proxy_set_body "body of $request_method";`), asks("POST", "/x", "abc"), fine, nil},
	{"body by hand for GET", passWith(`proxy_set_body b;`), closed("/x"), fine, nil},
	{"body by hand, empty", passWith(`proxy_set_body $arg_none;`), asks("POST", "/x", "abc"), fine, nil},
	{"method by hand", passWith("proxy_method PUT;"), asks("POST", "/x", "abc"), fine, nil},
	{"method by hand in small letters", passWith("proxy_method put;"), closed("/x"), fine, nil},
	{"method by a variable", passWith("proxy_method $arg_m;"), closed("/x?m=PATCH"), fine, nil},
	{"method HEAD by hand", passWith("proxy_method HEAD;"), closed("/x"), "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", nil},
	{"two requests on a connection", pass, request("GET", "/1") + closed("/2"), fine, nil},
	{"two requests with bodies", pass, request("POST", "/1", "Content-Length: 3") + "abc" + asks("POST", "/2", "de"), fine, nil},
	{"after a file", "root {{site}}; location /p/ { proxy_pass http://{{back}}; }", request("GET", "/a.txt") + closed("/p/2"), fine, nil},
}
