package proxy_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
)

// Trailers of a chunked answer reach the client when they are asked for.
func TestTrailers(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
	const good = head + "X-T: a\r\nX-Hidden: h\r\nX-U:  b \r\n\r\n"
	for name, c := range map[string]struct {
		lines, answer string
		behind        string // of the body, as the client gets it
		logged        string // of the access log
		log           string // of the error log
	}{
		"passed":        {"proxy_pass_trailers on;", good, "k\r\n0\r\nX-T: a\r\nX-U: b\r\n\r\n", "a b\n", ""},
		"none":          {"proxy_pass_trailers on;", head + "\r\n", "k\r\n0\r\n\r\n", "- -\n", ""},
		"not asked for": {"", good, "k\r\n0\r\n\r\n", "- -\n", ""},
		"too big":       {"proxy_pass_trailers on;", head + "X-T: " + strings.Repeat("t", 5000), "", "", "upstream sent too big trailers"},
		"invalid":       {"proxy_pass_trailers on;", head + "X T: a\r\n\r\n", "", "", `upstream sent invalid trailer: "X\x20..."`},
		"behind them":   {"proxy_pass_trailers on;", good + "more", "k\r\n0\r\nX-T: a\r\nX-U: b\r\n\r\n", "a b\n", "upstream sent data after "},
		"cut":           {"proxy_pass_trailers on;", head + "X-T: a\r\n|close|", "k\r\n", "", "upstream prematurely closed connection"},
	} {
		for _, step := range []int{1, 1 << 20} {
			if step == 1 && (len(c.answer) > 1000 || name == "behind them") { // which may come too late to be noticed
				continue
			}
			for _, buffering := range []string{"on", "off"} {
				answer, closes := strings.CutSuffix(c.answer, "|close|")
				b := serve(t, func(w net.Conn, _ string) bool {
					for at := 0; at < len(answer); at += step {
						if _, err := io.WriteString(w, answer[at:min(at+step, len(answer))]); err != nil {
							return false
						}
					}
					return !closes
				})
				s := start(t, `log_format t '$upstream_trailer_x_t $upstream_trailer_x_u';
					server { listen {{addr}}; access_log {{dir}}/access.log t; proxy_buffering `+buffering+`; proxy_hide_header X-Hidden;
					location / { `+c.lines+` proxy_pass http://{{b0}}; } }`, b)
				got := s.Raw(httptest.Request("GET", "/", "Connection: close"))
				if !strings.HasSuffix(got, c.behind) {
					t.Errorf("%s, %d, buffering %s: %q", name, step, buffering, got)
				}
				eventually(t, name+": "+c.logged+c.log, func() bool {
					return strings.Contains(s.ReadFile("access.log"), c.logged) && strings.Contains(s.ReadFile("error.log"), c.log)
				})
			}
		}
	}
}
