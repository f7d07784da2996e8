package sticky_test

import (
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/http/proxy"
	"github.com/baton-project/baton/internal/http/rewrite"
	"github.com/baton-project/baton/internal/http/sticky"
)

func features() []http.Module {
	return []http.Module{rewrite.Feature, gateway.Feature, gateway.EarlyHints, sticky.Feature, proxy.Feature}
}

// backends serve their own number, and begin the session that "new" asks for; those
// that are in broken answer 503.
func backends(t *testing.T, n int, broken map[int]bool) (addrs []string) {
	t.Helper()
	for i := range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := &nethttp.Server{Handler: nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
			if id := r.FormValue("new"); id != "" {
				w.Header().Set("Set-Cookie", "session="+id)
			}
			if broken[i] {
				w.WriteHeader(503)
			}
			_, _ = io.WriteString(w, fmt.Sprint(i)) // the client finds out
		})}
		go func() { _ = s.Serve(l) }()
		t.Cleanup(func() { _ = s.Close() })
		addrs = append(addrs, l.Addr().String())
	}
	return addrs
}

func start(t *testing.T, format string, addrs []string) *httptest.Server {
	t.Helper()
	for i, addr := range addrs {
		format = strings.ReplaceAll(format, fmt.Sprintf("{{b%d}}", i), addr)
	}
	return httptest.Start(t, features(), httptest.Site{
		HTTP:  format + " server { listen {{addr}}; location / { proxy_next_upstream http_503; proxy_pass http://u; } }",
		Files: map[string]string{"proxy_temp/": "", "client_body_temp/": ""},
	})
}

// served returns which backends have served so many requests with these header lines.
func served(s *httptest.Server, n int, target string, header ...string) (got string) {
	for range n {
		got += httptest.Body(s.Get(target, header...))
	}
	return got
}

func TestCookie(t *testing.T) {
	s := start(t, `upstream u { server {{b0}} route=a; server {{b1}}; server {{b2}} route=c;
		sticky cookie srv expires=1h domain=$host path=/p httponly secure samesite=lax; }`, backends(t, 3, map[int]bool{2: true}))
	if got := served(s, 4, "/"); got != "0101" {
		t.Errorf("without a cookie: %s", got)
	}
	if got := served(s, 4, "/", "Cookie: srv=a"); got != "0000" {
		t.Errorf("with the first one's: %s", got)
	}
	line := httptest.Header(s.Get("/", "Cookie: srv=a"), "Set-Cookie")
	before, rest, ok := strings.Cut(line, "; expires=")
	if !ok || before != "srv=a" || !strings.HasSuffix(rest, " GMT; max-age=3600; domain=localhost; httponly; secure; samesite=lax; path=/p") {
		t.Errorf("%q", line)
	}
	// One that fails is left, and the cookie says who took its place.
	answer := s.Get("/", "Cookie: srv=c")
	if who := httptest.Body(answer); who == "2" || strings.Count(answer, "Set-Cookie:") != 1 || strings.Contains(answer, "srv=c;") {
		t.Errorf("%q", answer)
	}
	if got := served(s, 4, "/", "Cookie: srv=nobody"); !strings.Contains(got, "0") || !strings.Contains(got, "1") {
		t.Errorf("with nobody's: %s", got)
	}
}

func TestRoute(t *testing.T) {
	s := start(t, `upstream u { server {{b0}} route=a; server {{b1}} route=b drain; sticky route $cookie_r $arg_r; }`, backends(t, 2, nil))
	for _, c := range []struct{ target, cookie, want string }{
		{"/?r=a", "", "0000"}, {"/?r=b", "", "1111"}, {"/?r=b", "r=a", "0000"}, {"/", "", "0000"}, {"/?r=x", "", "0000"},
	} {
		if got := served(s, 4, c.target, "Cookie: "+c.cookie); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestLearn(t *testing.T) {
	for _, header := range []string{"", "header"} {
		s := start(t, `upstream u { server {{b0}}; server {{b1}};
			sticky learn zone=z:64k create=$upstream_cookie_session lookup=$cookie_session timeout=1h `+header+`; }`, backends(t, 2, nil))
		if got := served(s, 2, "/", "Cookie: session=one"); got != "01" {
			t.Errorf("before it is known: %s", got)
		}
		who := served(s, 1, "/?new=one")
		_ = served(s, 1, "/") // the other one's turn
		if got := served(s, 3, "/", "Cookie: session=one"); got != strings.Repeat(who, 3) {
			t.Errorf("%s has begun the session, %s have served it", who, got)
		}
		if got := served(s, 2, "/", "Cookie: session=ONE"); got != "01" && got != "10" {
			t.Errorf("another session: %s", got)
		}
	}
}

// When there is no room, the session that was not used for longest makes some.
func TestLearnMoreThanThereIsRoomFor(t *testing.T) {
	s := start(t, `upstream u { server {{b0}}; server {{b1}}; sticky learn zone=z:32k create=$arg_id lookup=$cookie_id; }`, backends(t, 2, nil))
	for i := range 1000 {
		_ = s.Get(fmt.Sprintf("/?id=%d", i))
	}
	who := served(s, 1, "/?id=last")
	_ = served(s, 1, "/")
	if got := served(s, 3, "/", "Cookie: id=last"); got != strings.Repeat(who, 3) {
		t.Errorf("%s has begun the session, %s have served it", who, got)
	}
	if !strings.Contains(s.ReadFile("error.log"), `could not allocate node in sticky session zone "z", expiring least recently used session`) {
		t.Errorf("%.500s", s.ReadFile("error.log"))
	}
}

func TestLearnedSessionsEnd(t *testing.T) {
	s := start(t, `upstream u { server {{b0}}; server {{b1}}; sticky learn zone=z:64k create=$arg_id lookup=$cookie_id timeout=1ms; }`, backends(t, 2, nil))
	_ = s.Get("/?id=x")
	got := ""
	for range 20 { // a millisecond passes between two
		got += served(s, 1, "/", "Cookie: id=x")
	}
	if !strings.Contains(got, "0") || !strings.Contains(got, "1") {
		t.Errorf("only %s", got)
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"sticky cookie;":                                    "invalid number of arguments",
		"sticky wish a;":                                    `unknown parameter "wish"`,
		`sticky cookie "";`:                                 "empty cookie name",
		"sticky cookie a b=c;":                              `unknown parameter "b=c"`,
		"sticky cookie a path=/ path=/;":                    `parameter "path" is duplicate`,
		"sticky cookie a domain=;":                          `no value for "domain"`,
		"sticky cookie a expires=x;":                        `invalid "expires" parameter value`,
		"sticky cookie a samesite=x;":                       `invalid "samesite" parameter value`,
		"sticky cookie a secure secure;":                    `parameter "secure" is duplicate`,
		"sticky route a;":                                   `invalid variable name "a"`,
		"sticky cookie a; sticky route $a;":                 `"sticky" directive is duplicate`,
		"sticky learn lookup=$cookie_a;":                    `"create" parameter is not specified`,
		"sticky learn create=$cookie_a zone=z:64k;":         `"lookup" parameter is not specified`,
		"sticky learn lookup=$cookie_a create=$arg_a;":      `"zone" parameter is not specified`,
		"sticky learn lookup=a;":                            `missing variable in the "lookup" parameter`,
		"sticky learn zone=z;":                              "zone size is not specified",
		"sticky learn zone=z:1;":                            "zone is too small",
		"sticky learn zone=z:1m timeout=0;":                 "invalid timeout",
		"sticky learn zone=z:1m zone=y:1m;":                 "duplicate zone",
		"sticky learn zone=z:1m lookup=$nope create=$nope;": `unknown "nope" variable`,
	} {
		got := httptest.Rejected(t, features(), httptest.Site{HTTP: "upstream u { server 127.0.0.1:1; " + text +
			" } server { listen {{addr}}; location / { proxy_pass http://u; } }"})
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	const learn = "sticky learn zone=z:1m lookup=$arg_a create=$arg_a;"
	got := httptest.Rejected(t, features(), httptest.Site{HTTP: "upstream u { server 127.0.0.1:1; " + learn + " } upstream v { server 127.0.0.1:1; " + learn + " }"})
	if !strings.Contains(got, `sticky zone "z" is already used in upstream "u"`) {
		t.Error(got)
	}
}
