package e2e_test

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// What waits in the buffer of an access log gets to its file, however a worker
// ends.
func TestBufferedAccessLogLosesNothing(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(b *e2e.Server){
		"quit":   func(b *e2e.Server) { b.Signal(syscall.SIGQUIT); b.Exited() },
		"term":   func(b *e2e.Server) { b.Signal(syscall.SIGTERM); b.Exited() },
		"reload": func(b *e2e.Server) { b.WaitGone(b.Reload(), 30*time.Second) },
		"reopen": func(b *e2e.Server) { b.Signal(syscall.SIGUSR1) },
	} {
		t.Run(name, func(t *testing.T) {
			b := e2e.Start(t, `
				worker_processes 1;
				http {
					log_format short '$uri';
					access_log access.log short buffer=64k flush=1h;
					server { listen {{web}}; return 200; }
				}`)
			c := b.Dial("web")
			c.Get("/1")
			c.Get("/2")
			c.Close()
			if got := b.Read("access.log"); got != "" {
				t.Errorf("too early: %q", got)
			}
			log := "access.log"
			if name == "reopen" {
				log = "access.log.1"
				if err := os.Rename(b.Path("access.log"), b.Path(log)); err != nil {
					t.Fatal(err)
				}
			}
			end(b)
			if !e2e.Eventually(30*time.Second, func() bool { return b.Read(log) == "/1\n/2\n" }) {
				t.Errorf("%s: %q", log, b.Read(log))
			}
		})
	}
}
