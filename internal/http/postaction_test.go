package http_test

import (
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func TestPostActionAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `
			log_format action "$request $uri?$args $status $body_bytes_sent";
			access_log {{dir}}/access.log action;
			server {
				listen {{addr}};
				root {{dir}}/html;
				location / { post_action /after; }
				location = /after { empty_gif; }
				location /named { post_action @done; }
				location @done { empty_gif; }
				location /missing { post_action /nothing; }
				location = /nothing { return 404; }
				location /paged { post_action /page; }
				location = /page { error_page 404 /after; return 404; }
				location /text { post_action /after; return 200 "text"; }
				location /many/ { post_action /many/again; }
			}`,
		Files: map[string]string{"html/index.html": "index", "html/named": "named", "html/missing": "missing", "html/paged": "paged", "html/many/again": "again"},
	}
	targets := []string{"/index.html", "/", "/named", "/missing", "/paged", "/text", "/none", "/many/again"}
	httptest.Compare(t, modules.HTTP(), site, httptest.Gets(targets...))
}

func TestEarlyRead(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{
		HTTP: `server {
			listen {{addr}};
			client_max_body_size 10;
			client_body_early_read $http_x_early;
			location / { return 200 "<$request_body>"; }
		}`,
	})
	ask := func(early, body string) string {
		return s.Raw("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Early: " + early + "\r\nContent-Length: 4\r\n\r\n" + body)
	}
	for _, tt := range [][3]string{{"1", "body", "<body>"}, {"0", "body", "<>"}, {"", "body", "<>"}} {
		if got := httptest.Body(ask(tt[0], tt[1])); got != tt[2] {
			t.Errorf("X-Early %q: %q, want %q", tt[0], got, tt[2])
		}
	}
	large := s.Raw("POST / HTTP/1.1\r\nHost: a\r\nX-Early: yes\r\nContent-Length: 11\r\n\r\nhello world")
	if got := httptest.Status(large); got != 413 {
		t.Errorf("status %d of a body that is too large", got)
	}
}

// What a subrequest holds and how deep it is nested is bounded.
func TestSubrequestsAreBounded(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{
		HTTP: `types { text/html html; } ssi on; server {
			listen {{addr}};
			root {{dir}};
			location = /loop { alias {{dir}}/loop.html; default_type text/html; }
		}`,
		Files: map[string]string{
			"loop.html":   `.<!--#include virtual="/loop" -->`,
			"double.html": `<!--#set var="a" value="` + strings.Repeat("x", 100) + `" -->` + strings.Repeat(`<!--#set var="a" value="$a$a" -->`, 40) + "end",
			"block.html":  `<!--#block name="a" -->` + strings.Repeat("0123456789", 200<<10) + "end",
		},
	})
	if got := strings.Count(s.Get("/loop.html"), "."); got < 52 {
		t.Errorf("%d levels", got)
	}
	for _, target := range []string{"/double.html", "/block.html"} {
		if got := s.Get(target); strings.Contains(got, "\r\n0\r\n") {
			t.Errorf("%s: the answer is whole", target)
		}
	}
	deadline := time.Now().Add(5 * time.Second)
	for strings.Count(s.ReadFile("error.log"), "SSI variables and blocks take more than 1048576 bytes") < 2 {
		if time.Now().After(deadline) {
			t.Fatal(s.ReadFile("error.log"))
		}
		time.Sleep(time.Millisecond)
	}
}
