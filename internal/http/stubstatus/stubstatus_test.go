package stubstatus_test

import (
	"regexp"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

// connections are the numbers of accepted and handled connections, which count
// the probe that has waited for nginx to listen.
var connections = regexp.MustCompile(`(?m)^ [0-9]+ [0-9]+ `)

// Status pages of fresh servers after the same requests are the same.
func TestAsNginx(t *testing.T) {
	site := httptest.Site{HTTP: `server { listen {{addr}};
		location /status { stub_status; location /status/inner { return 200 inner; } }
		location /old { stub_status on; }
		location /variables { return 200 "$connections_active $connections_reading $connections_writing $connections_waiting\n"; } }`}
	want, got := httptest.StartNginx(t, site), httptest.Start(t, modules.HTTP(), site)
	for _, target := range []string{"/status", "/old", "/status/inner", "/variables"} {
		nginx := connections.ReplaceAllString(httptest.Body(want.Get(target)), " N N ")
		ours := connections.ReplaceAllString(httptest.Body(got.Get(target)), " N N ")
		if nginx != ours {
			t.Errorf("%s: nginx %q, baton %q", target, nginx, ours)
		}
	}
	for _, method := range []string{"HEAD", "POST"} {
		request := httptest.Request(method, "/status")
		if nginx, ours := httptest.Status(want.Raw(request)), httptest.Status(got.Raw(request)); nginx != ours {
			t.Errorf("%s: nginx %d, baton %d", method, nginx, ours)
		}
	}
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{`stub_status;`, `server { listen {{addr}}; stub_status a b; }`} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: text + `server { listen {{addr}}; }`})
	}
}
