package limitconn_test

import (
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

// held is a site on which requests to /wait are handled for long: a limit_req
// holds them back.
const held = `
	log_format status "$uri $status $limit_conn_status";
	access_log {{dir}}/access.log status;
	limit_conn_zone $arg_k zone=one:1m;
	limit_conn_zone $arg_j zone=two:1m;
	server { listen {{addr}};
		location /pass { limit_conn one 1; error_page 404 /ok; }
		location /ok { return 200 "$limit_conn_status"; }
		location /wait { limit_conn one 2; error_page 404 /ok; client_body_timeout 60s; }
		location /both { limit_conn two 1; limit_conn one 1; error_page 404 /ok; }
		location /two { limit_conn two 1; error_page 404 /ok; }
		location /custom { limit_conn one 1; limit_conn_status 429; limit_conn_log_level warn; error_page 404 /ok; }
		location /dry { limit_conn one 1; limit_conn_dry_run on; error_page 404 /ok; }
	}`

func TestAsNginx(t *testing.T) {
	httptest.Compare(t, modules.HTTP(), httptest.Site{HTTP: held}, httptest.Gets(
		"/pass?k=1", "/pass?k=1", "/pass", "/both?k=1&j=1", "/both?k=1&j=1", "/dry?k=1", "/ok"))
}

func TestRejectedAsNginx(t *testing.T) {
	zone := `limit_conn_zone $uri zone=one:1m; `
	for _, text := range []string{
		`limit_conn_zone $uri one;`,
		`limit_conn_zone $uri zone=one;`,
		`limit_conn_zone $uri zone=one:1k;`,
		`limit_conn_zone $uri zone=:1m;`,
		zone + `limit_conn_zone $uri zone=one:2m;`,
		zone + `limit_conn_zone $host zone=one:1m;`,
		zone + `limit_conn one 0;`,
		zone + `limit_conn one x;`,
		zone + `limit_conn one 65536;`,
		zone + `limit_conn one 1; limit_conn one 2;`,
		zone + `limit_conn_status 600;`,
		zone + `limit_conn_log_level debug;`,
		zone + `limit_req zone=one;`,
		`limit_conn missing 1;`,
	} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: text + ` server { listen {{addr}}; }`})
	}
}

// While requests are on, they count; when they end, in whatever way, they do not.
func TestCountsAreGivenBack(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{HTTP: `
		limit_conn_zone $arg_k zone=one:1m;
		limit_conn_zone $server_port zone=all:1m;
		limit_req_zone $uri zone=hold:1m rate=1r/m;
		server { listen {{addr}};
			location / { limit_conn all 100; limit_conn one 2; try_files /none /ok; }
			location /ok { return 200; }
			location /hold { limit_conn all 100; limit_conn one 2; try_files /none @held; }
			location @held { auth_delay 60s; auth_basic x; auth_basic_user_file {{dir}}/none; }
		}`, Files: map[string]string{"none.txt": ""}})
	key := "" // another one each round: the last of a round is given back during the next
	hold := func() net.Conn {
		conn, err := net.Dial("tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, httptest.Request("GET", "/hold?k="+key)); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	status := func(want int) {
		t.Helper()
		got := 0
		for end := time.Now().Add(30 * time.Second); got != want; time.Sleep(5 * time.Millisecond) {
			if got = httptest.Status(s.Get("/x?k=" + key)); time.Now().After(end) {
				t.Fatalf("status %d, want %d", got, want)
			}
		}
	}
	for round := range 3 {
		key = fmt.Sprint(round)
		t.Run(key, func(t *testing.T) {
			status(200)
			first, second := hold(), hold()
			status(503)
			_ = first.Close()
			status(200)
			_ = second.Close()
		})
	}
}
