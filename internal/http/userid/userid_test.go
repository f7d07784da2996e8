package userid_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

const servers = `
	userid_expires max;
	map $arg_reset $uid_reset { default 0; ~. $arg_reset; }
	server {
		listen {{addr}};
		add_header X-Got $uid_got; add_header X-Set $uid_set; add_header X-Reset $uid_reset;
		userid on;
		location / { return 200 x; }
		location /log { userid log; return 200 x; }
		location /off { userid off; return 200 x; }
		location /name { userid_name Test; return 200 x; }
		location /mark { userid_mark t; return 200 x; }
		location /eq { userid_mark =; userid_expires off; return 200 x; }
		location /long {
			userid_mark 9; userid_domain example.com; userid_path /x; userid_flags secure HttpOnly samesite=lax; userid_p3p 'policyref="/p"'; return 200 x;
			location /long/none { userid_domain none; userid_flags off; userid_p3p none; return 200 x; }
		}
		location /v1 { userid v1; return 200 x; }
		location /service { userid_service 65534; return 200 x; }
		location /expires { userid_expires 100; return 200 x; }
	}`

// Identifiers that the server makes differ from one to the other; those that
// the client sends do not.
func TestAsNginx(t *testing.T) {
	const id = "fwAAAWpWeEAwOQAAAwMDAgM" // more than 22 digits
	var cases []httptest.Case
	for _, target := range []string{"/", "/log", "/off", "/mark", "/eq", "/long", "/long/none", "/v1"} {
		for _, cookie := range []string{"uid=" + id[:22], "uid=" + id[:22] + "==", "uid=" + id[:22] + "t=", "uid=" + id[:22] + "9=", "UID=" + id + "x; a=b", "a=b; uid=" + id} {
			cases = append(cases, httptest.Case{Name: target + " " + cookie, Request: httptest.Request("GET", target, "Cookie: "+cookie)})
		}
	}
	for _, cookie := range []string{"uid=short", "uid=!!!!!!!!!!!!!!!!!!!!!!", "uid=", "uid=" + id[:12] + "==============", "Test=" + id} {
		for _, target := range []string{"/log", "/off"} {
			cases = append(cases, httptest.Case{Name: target + " " + cookie, Request: httptest.Request("GET", target, "Cookie: "+cookie)})
		}
	}
	cases = append(cases, httptest.Gets("/log", "/off")...)
	httptest.Compare(t, modules.HTTP(), httptest.Site{HTTP: servers}, cases)
}

var uid = regexp.MustCompile(`^uid=[0-9A-F]{32}$`)

func TestNewIdentifiers(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{HTTP: servers})
	first, second := s.Get("/"), s.Get("/")
	set := httptest.Header(first, "X-Set")
	if !uid.MatchString(set) || httptest.Header(second, "X-Set") == set {
		t.Errorf("%q, then %q", set, httptest.Header(second, "X-Set"))
	}
	cookie, attributes, _ := strings.Cut(httptest.Header(first, "Set-Cookie"), ";")
	if want := " expires=Thu, 31-Dec-37 23:55:55 GMT; path=/"; attributes != want {
		t.Errorf("attributes: %q, want %q", attributes, want)
	}
	again := s.Get("/", "Cookie: "+cookie)
	if got := httptest.Header(again, "X-Got"); got != set || httptest.Header(again, "Set-Cookie") != "" {
		t.Errorf("%s\nwant X-Got: %s", again, set)
	}
	reset := s.Get("/?reset=log", "Cookie: "+cookie)
	if got := httptest.Header(reset, "X-Set"); got == set || !uid.MatchString(got) || httptest.Header(reset, "Set-Cookie") == "" {
		t.Error(reset)
	}
	if logged := s.ReadFile("error.log"); !strings.Contains(logged, `userid cookie "`+set+`" was reset, client: `) {
		t.Error(logged)
	}
	for target, prefix := range map[string]string{"/": "uid=0100007F", "/v1": "uid=00000000", "/service": "uid=FEFF0000"} {
		if got := httptest.Header(s.Get(target), "X-Set"); !strings.HasPrefix(got, prefix) {
			t.Errorf("%s: %q, want %s...", target, got, prefix)
		}
	}
}

func TestCookie(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{HTTP: servers})
	for target, pattern := range map[string]string{
		"/name":      `^Test=[A-Za-z0-9+/]{22}==; expires=Thu, 31-Dec-37 23:55:55 GMT; path=/$`,
		"/mark":      `^uid=[A-Za-z0-9+/]{22}t=;`,
		"/eq":        `^uid=[A-Za-z0-9+/]{22}==; path=/$`,
		"/long":      `^uid=[A-Za-z0-9+/]{22}9=; expires=[^;]*; domain=example.com; path=/x; secure; httponly; samesite=lax$`,
		"/long/none": `^uid=[A-Za-z0-9+/]{22}9=; expires=[^;]*; path=/x$`,
		"/log":       `^$`,
	} {
		if got := httptest.Header(s.Get(target), "Set-Cookie"); !regexp.MustCompile(pattern).MatchString(got) {
			t.Errorf("%s: %q", target, got)
		}
	}
	if got := httptest.Header(s.Get("/long"), "P3P"); got != `policyref="/p"` {
		t.Errorf("P3P: %q", got)
	}
	text := regexp.MustCompile(`expires=([^;]*);`).FindStringSubmatch(s.Get("/expires"))
	if text == nil {
		t.Fatal("no expires")
	}
	at, err := time.Parse("Mon, 02-Jan-06 15:04:05 GMT", text[1])
	if left := time.Until(at); err != nil || left < 90*time.Second || left > 101*time.Second {
		t.Errorf("expires %s: %v, %v", text[1], left, err)
	}
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{
		`userid;`, `userid yes;`, `userid on; userid off;`, `userid_service x;`, `userid_expires x;`, `userid_expires 1h; userid_expires max;`,
		`userid_mark ab;`, `userid_mark -;`, `userid_mark a; userid_mark b;`, `userid_flags x;`, `userid_flags a b c d;`, `userid_name a; userid_name b;`,
		`set $uid_got x;`, `userid_path a b;`,
	} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}}; ` + text + ` }`})
	}
}
