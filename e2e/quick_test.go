package e2e_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// best is the shortest of five runs: what the program needs, not what else the
// machine does.
func best(f func() time.Duration) time.Duration {
	shortest := f()
	for range 4 {
		shortest = min(shortest, f())
	}
	return shortest
}

func wantQuick(t *testing.T, what string, got, bound time.Duration) {
	t.Helper()
	t.Logf("%s: %v, bound %v", what, got.Round(100*time.Microsecond), bound)
	if got > bound {
		t.Errorf("%s took %v, want at most %v", what, got, bound)
	}
}

// A start is over when the first client is served, a reload when the first one
// is served by the new configuration.
func TestStartAndReloadAreQuick(t *testing.T) {
	needsQuiet(t)
	wantQuick(t, "start", best(func() time.Duration {
		b := e2e.New(t, oneServer)
		start := time.Now()
		b.Launch()
		served(t, b, "one")
		took := time.Since(start)
		b.WaitReady()
		return took
	}), 100*time.Millisecond)

	b := e2e.Start(t, oneServer)
	served(t, b, "one")
	last := 0
	wantQuick(t, "reload", best(func() time.Duration {
		from := []string{"one", "two"}[last%2]
		last++
		to := []string{"one", "two"}[last%2]
		b.Rewrite(`"`+from+`"`, `"`+to+`"`)
		old := b.WaitWorkers(2)
		start := time.Now()
		b.Signal(syscall.SIGHUP)
		served(t, b, to)
		took := time.Since(start)
		b.WaitGone(old, 30*time.Second)
		return took
	}), 100*time.Millisecond)
}

// needsQuiet skips a test that measures time where that says nothing.
func needsQuiet(t *testing.T) {
	t.Helper()
	e2e.OnlyBaton(t, "measures baton")
	if testing.Short() || e2e.RaceEnabled {
		t.Skip("measures time: not with -short or -race")
	}
}

// served polls until a new connection is answered with that body.
func served(t *testing.T, b *e2e.Server, want string) {
	t.Helper()
	if !e2e.Eventually(30*time.Second, func() bool {
		body, err := b.TryGet("web", "/")
		return err == nil && body == want
	}) {
		t.Fatalf("no answer %q", want)
	}
}

// 2,645 server blocks are what the largest public configuration has.
func TestCheckOfManyServersIsQuick(t *testing.T) {
	needsQuiet(t)
	nginx := e2e.Nginx(t)
	var conf strings.Builder
	conf.WriteString("http {\n")
	for i := range 2645 {
		fmt.Fprintf(&conf, `	server {
		listen {{web}};
		server_name site%d.example.com www.site%[1]d.example.com;
		root /srv/site%[1]d;
		index index.html;
		error_page 404 /404.html;
		location / { try_files $uri $uri/ =404; }
		location = /robots.txt { return 200 "User-agent: *\n"; }
		location /static/ { alias /srv/static/; }
	}
`, i)
	}
	conf.WriteString("}\n")
	b := e2e.New(t, conf.String())
	check := func(binary string) func() time.Duration {
		return func() time.Duration {
			start := time.Now()
			if r := b.RunAs(binary, "-p", b.Dir, "-c", "nginx.conf", "-e", os.DevNull, "-t"); r.Code != 0 {
				t.Fatalf("%s: %+v", binary, r)
			}
			return time.Since(start)
		}
	}
	wantQuick(t, "check of 2645 servers", best(check(b.Binary)), 2*best(check(nginx)))
}
