package http_test

import (
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
)

// The core's variables, one by one, where both servers can have the same.
func TestVariablesAsNginx(t *testing.T) {
	names := strings.Fields(`http_host http_user_agent http_referer http_via http_x_forwarded_for http_cookie http_x_list http_x_under http_ http_x
		content_length content_type host remote_addr proxy_protocol_addr proxy_protocol_port proxy_protocol_server_addr proxy_protocol_server_port
		server_addr server_port server_protocol scheme https request_uri uri document_uri request document_root query_string args is_args request_filename
		server_name request_method remote_user bytes_sent body_bytes_sent pipe request_completion request_body request_body_file
		sent_http_content_type sent_http_content_length sent_http_location sent_http_last_modified sent_http_connection sent_http_keep_alive
		sent_http_transfer_encoding sent_http_cache_control sent_http_link sent_http_x_added sent_http_ sent_trailer_x connection_requests
		arg_a arg_b arg_ab arg_ cookie_a cookie_b cookie_ab cookie_`)
	// nginx keeps the first value that it finds for the rest of the request, so
	// what is known only when the answer is sent is not asked before.
	early, format := "", ""
	for _, name := range names {
		part := name + "=${" + name + "};"
		format += part
		if !strings.Contains(name, "sent") && name != "request_completion" {
			early += part
		}
	}
	site := httptest.Site{
		HTTP: `
			log_format v '` + format + `';
			access_log {{dir}}/access.log v;
			server {
				listen {{addr}};
				server_name example.com www.example.com;
				add_header X-Added "one $arg_a"; add_header Cache-Control private; add_header Cache-Control max-age=1; add_header Link a;
				location / { return 200 "` + early + `"; }
				location /redirect { return 302 /x; }
				location /file/ { alias {{dir}}/html/; expires 1h; }
				location ~ ^/(capture)/(.*)$ { set $before "$1,$2"; if ($uri ~ capture) { set $after "$1,$2"; } if ($uri ~ nothing) { } return 200 "$before $after $1,$2\n"; }
				location ~ ^/optional/(a)?(?<named>b)?(c)?$ { return 200 "$1,$2,$3,$4,$named\n"; }
				location /named { return 200 "[$named]\n"; }
			}`,
		Files: map[string]string{"html/a.txt": "text\n"},
	}
	cases := httptest.Gets("/", "/a%20b?a=1&b=2", "/?A=1", "/?a", "/?a&a=2", "/?xa=1&a=2", "/?ab=1&a=2", "/?a=", "/?a=1&a=2", "/?b==&a=x=y", "/?&a=1", "/?a=%20+&b=?", "/?=1", "/?a=1;b=2",
		"/?", "/redirect", "/file/a.txt", "/file/nope", "/capture/x", "/optional/", "/optional/a", "/optional/b", "/optional/c", "/optional/abc", "/named")
	for _, lines := range [][]string{
		{"Cookie: a=1; b=2"}, {"Cookie: A=1"}, {"Cookie: b=2;a=1"}, {"Cookie: a = 1 ;b= 2"}, {"Cookie: ab=1; a=2"}, {"Cookie: a"}, {"Cookie: a; a=2"}, {"Cookie: a=1", "Cookie: b=2"}, {"Cookie: =1"}, {"Cookie: ;;a=1"}, {"Cookie: xa=1; a=x=y"}, {"Cookie: a=\"1; b\""},
		{"X-List:"}, {"x-LIST: a"}, {"X_Under: 1"}, {"X: 1"}, {"User-Agent: me", "Referer: you", "Via: 1.1 a", "X-Forwarded-For: 1.2.3.4"},
		{"Content-Type: text/x"}, {"Authorization: Basic dXNlcjpwYXNz"}, {"Authorization: Basic dXNlcg=="}, {"Authorization: Basic !"}, {"Authorization: Basic OnBhc3M="}, {"Authorization: basic  dXNlcjpwYXNz"}, {"Authorization: Bearer x"},
	} {
		cases = append(cases, httptest.Case{Name: strings.Join(lines, "|"), Request: httptest.Request("GET", "/", lines...)})
	}
	cases = append(cases,
		httptest.Case{Request: httptest.Request("HEAD", "/file/a.txt")},
		httptest.Case{Request: "POST / HTTP/1.1\r\nHost: WWW.Example.com:8080\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"},
		httptest.Case{Request: "GET / HTTP/1.0\r\n\r\n"},
		httptest.Case{Request: "GET http://Other.example:99/x?y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"},
		httptest.Case{Request: "GET /../x HTTP/1.0\r\n\r\n"},
		httptest.Case{Request: "BAD\r\n\r\n"},
		httptest.Case{Request: "GET /a?b c HTTP/1.1\r\n\r\n"},
	)
	httptest.Compare(t, features(), site, cases)
}
