package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// Somebody has built the program and starts it, without a configuration and
// without flags: it says where the page is and how to go on, and that works.
func TestWelcome(t *testing.T) {
	e2e.OnlyBaton(t, "nginx asks for a configuration file")
	if e2e.Listening(8080) {
		t.Skip("port 8080 is taken")
	}
	b := e2e.New(t, `http { }`)
	b.Args = nil
	first := b.Launch()
	if !e2e.Eventually(30*time.Second, func() bool { return strings.Contains(b.Output(), "-s upgrade") && len(e2e.WorkersOf(first, false)) > 0 }) {
		t.Fatalf("no greeting: %q", b.Output())
	}
	if !strings.Contains(b.Output(), "http://127.0.0.1:8080/") || !strings.Contains(b.Output(), "-s reload") {
		t.Errorf("greeting: %q", b.Output())
	}
	page := e2e.DialAddress(t, "tcp", "127.0.0.1:8080").Get("/")
	if page.Status != 200 || !strings.Contains(string(page.Body), "baton") {
		t.Errorf("%s %q", page.Line, page.Body)
	}
	for _, verb := range []string{"reload", "upgrade", "quit"} {
		if r := b.RunAs(b.Binary, "-s", verb); r.Code != 0 {
			t.Errorf("-s %s: %+v", verb, r)
		}
	}
	b.WaitGone(b.Processes(), 30*time.Second)
}
