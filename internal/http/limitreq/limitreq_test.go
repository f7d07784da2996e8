package limitreq_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

const site = `
	log_format status "$uri $status $limit_req_status";
	access_log {{dir}}/access.log status;
	limit_req_zone $arg_k zone=slow:1m rate=1r/m;
	limit_req_zone $arg_f zone=fast:1m rate=1000r/s;
	limit_req_zone prefix$arg_k zone=text:1m rate=1r/m;
	server { listen {{addr}};
		location /slow { limit_req zone=slow; return 200 "$limit_req_status"; }
		location /ok { return 200 "$limit_req_status"; }
		location /burst { limit_req zone=slow burst=2 nodelay; error_page 404 /ok; }
		location /two { limit_req zone=fast burst=9 nodelay; limit_req zone=slow; error_page 404 /ok; }
		location /status { limit_req zone=slow; limit_req_status 429; limit_req_log_level warn; error_page 404 /ok; }
		location /dry { limit_req zone=slow burst=1; limit_req_dry_run on; limit_req_log_level error; error_page 404 /ok; }
		location /text { limit_req zone=text; error_page 404 /ok; }
		location /named { limit_req zone=slow; error_page 503 = @sorry; error_page 404 /ok; }
		location @sorry { limit_req zone=slow; return 200 "sorry $limit_req_status"; }
	}`

func TestAsNginx(t *testing.T) {
	httptest.Compare(t, modules.HTTP(), httptest.Site{HTTP: site}, httptest.Gets(
		"/slow?k=0", "/ok",
		"/burst?k=1", "/burst?k=1", "/burst?k=1", "/burst?k=1", "/burst?k=2", "/burst",
		"/two?k=3&f=3", "/two?k=3&f=3", "/two?f=3", "/two?k=4", "/two?k=4",
		"/status?k=5", "/status?k=5",
		"/dry?k=6", "/dry?k=6", "/dry?k=6", "/dry?k=6",
		"/text?k=7", "/text?k=7", "/text", "/text",
		"/named?k=8", "/named?k=8",
		"/burst?k="+strings.Repeat("x", 3000), "/burst?k="+strings.Repeat("x", 3000),
	))
}

func TestRejectedAsNginx(t *testing.T) {
	zone := `limit_req_zone $uri zone=one:1m rate=1r/s; `
	for _, text := range []string{
		`limit_req_zone $uri zone=one rate=1r/s;`,
		`limit_req_zone $uri zone=one:x rate=1r/s;`,
		`limit_req_zone $uri zone=one:31k rate=1r/s;`,
		`limit_req_zone $uri zone=:1m rate=1r/s;`,
		`limit_req_zone $uri zone=one:1m rate=0r/s;`,
		`limit_req_zone $uri zone=one:1m rate=1r/h;`,
		`limit_req_zone $uri zone=one:1m sync;`,
		`limit_req_zone $nonsense zone=one:1m rate=1r/s;`,
		zone + `limit_req_zone $uri zone=one:2m rate=1r/s;`,
		zone + `limit_req_zone $host zone=one:1m rate=1r/s;`,
		zone + `limit_conn_zone $uri zone=one:1m;`,
		zone + `limit_req burst=5;`,
		zone + `limit_req zone=one burst=0;`,
		zone + `limit_req zone=one delay=x;`,
		zone + `limit_req zone=one later;`,
		zone + `limit_req zone=one; limit_req zone=one burst=5;`,
		zone + `limit_req_status 200;`,
		zone + `limit_req_log_level crit;`,
		zone + `limit_req_dry_run maybe;`,
		`limit_req zone=missing;`,
	} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: text + ` server { listen {{addr}}; }`})
	}
}

// A delayed request keeps the rate and is answered; one whose client leaves is
// logged as 499.
func TestDelay(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{HTTP: `
		log_format status "$uri $status $limit_req_status"; access_log {{dir}}/access.log status;
		limit_req_zone $uri zone=one:1m rate=5r/s;
		limit_req_zone $uri zone=long:1m rate=1r/m;
		server { listen {{addr}}; limit_req zone=one burst=20;
			location /long { limit_req zone=long burst=20; error_page 404 =200 /404.html; }
			location / { error_page 404 =200 /404.html; }
			location = /404.html { return 200 found; } }`})
	begun := time.Now()
	s.Get("/a")
	s.Get("/a")
	if passed := time.Since(begun); passed < 150*time.Millisecond {
		t.Errorf("two requests at 5 per second took %v", passed)
	}
	s.Get("/long")
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte(httptest.Request("GET", "/long"))); err != nil {
		t.Fatal(err)
	}
	waitFor(t, s, "error.log", `by zone "long"`, 1)
	_ = conn.Close()
	waitFor(t, s, "access.log", "/long 499 DELAYED", 1)
}

// waitFor waits until a log has a text so many times.
func waitFor(t *testing.T, s *httptest.Server, file, text string, times int) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); strings.Count(s.ReadFile(file), text) < times; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s has not %d times %q:\n%s", file, times, text, s.ReadFile(file))
		}
	}
}
