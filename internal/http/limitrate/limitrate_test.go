package limitrate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func site() httptest.Site {
	return httptest.Site{
		HTTP: `
			server {
				listen {{addr}};
				root {{dir}};
				location /slow/ { alias {{dir}}/; limit_rate 10k; }
				location /after/ { alias {{dir}}/; limit_rate 10k; limit_rate_after 15k; }
				location /argument/ { alias {{dir}}/; limit_rate $arg_rate; }
				location /set/ { alias {{dir}}/; set $limit_rate 10k; add_header X-Rate $limit_rate; }
				location /if/ { alias {{dir}}/; if ($arg_slow) { limit_rate 10k; } }
				location /rate { return 200 $limit_rate; }
				location /head { add_header X-Long $arg_long; limit_rate 500; return 204; }
				location /bad { set $limit_rate fast; return 200 $limit_rate; }
			}`,
		Files: map[string]string{"a.txt": strings.Repeat("x", 20<<10)},
	}
}

func TestAsNginx(t *testing.T) {
	httptest.Compare(t, modules.HTTP(), site(), httptest.Gets("/rate", "/bad", "/set/a.txt"))
	for _, directives := range []string{"limit_rate x;", "limit_rate 1k; limit_rate 2k;", "limit_rate_after -1;"} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: directives})
	}
}

// Twenty kilobytes at ten in a second take one: the first ten go at once.
func TestTakesItsTime(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), site())
	for target, slow := range map[string]bool{
		"/a.txt": false, "/slow/a.txt": true, "/after/a.txt": false, "/argument/a.txt?rate=10k": true, "/argument/a.txt": false,
		"/set/a.txt": true, "/if/a.txt": false, "/if/a.txt?slow=1": true,
	} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			const long = 700 * time.Millisecond
			shortest := time.Hour
			for range 20 { // a busy machine makes some of them long, a limit all
				start := time.Now()
				response := s.Get(target)
				if body := httptest.Body(response); len(body) != 20<<10 {
					t.Errorf("%d bytes", len(body))
				}
				if shortest = min(shortest, time.Since(start)); slow || shortest <= long {
					break
				}
			}
			if shortest > long != slow {
				t.Errorf("took %v", shortest)
			}
		})
	}
}

// A head that is longer than what may go in a second takes its time as well.
func TestHeadTakesItsTime(t *testing.T) {
	t.Parallel()
	s := httptest.Start(t, modules.HTTP(), site())
	long := strings.Repeat("y", 1000)
	start := time.Now()
	response := s.Get("/head?long=" + long)
	if !strings.HasPrefix(response, "HTTP/1.1 204 No Content\r\n") || !strings.HasSuffix(response, "\r\nX-Long: "+long+"\r\n\r\n") {
		t.Errorf("%q", response)
	}
	if took := time.Since(start); took < 700*time.Millisecond {
		t.Errorf("1.2 kB at 500 B in a second took %v", took)
	}
}
