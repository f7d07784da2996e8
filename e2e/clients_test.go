package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// clientsSite is what programs that others have written load over HTTP/2.
const clientsSite = `
	worker_processes 1;
	http {
		log_format seen "$server_protocol $connection $status $request_method $uri";
		access_log access.log seen;
		http2 on; root {{dir}}; client_max_body_size 8m;
		ssl_certificate a.crt; ssl_certificate_key a.key;
		types { text/html html; application/javascript js; }
		server { listen {{web}} ssl; location /passed/ { proxy_pass http://{{plain}}/; } }
		server { listen {{plain}}; location = /posted { return 200 "$content_length\n"; } }
	}`

const resources = 50

// startClients starts a site with a page that is not ready before all its resources are.
func startClients(t *testing.T) (b *e2e.Server, base, plain string) {
	t.Helper()
	e2e.OnlyBaton(t, "the directive http2 is younger than Debian's nginx")
	b = e2e.New(t, clientsSite)
	b.WriteCertificate("a", "ecdsa")
	var page strings.Builder
	page.WriteString("<!DOCTYPE html><html><head><title>page</title><link rel=icon href=data:,></head><body><script>var n = 0;</script>\n")
	for i := range resources {
		name := fmt.Sprintf("r%d.js", i)
		b.Write(name, "n++; // "+strings.Repeat("some more bytes ", 20*i)+"\n")
		fmt.Fprintf(&page, "<script src=\"/%s\"></script>\n", name)
	}
	page.WriteString("<script>document.write('loaded ' + n);</script></body></html>\n")
	b.Write("page.html", page.String())
	b.Write("large", strings.Repeat("0123456789abcdef", 1<<16))
	b.Launch()
	b.WaitReady()
	_, web := b.Address("web")
	_, address := b.Address("plain")
	return b, "https://" + web, "http://" + address
}

// program runs a program with a bound, or skips the test where it is not installed.
func program(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not there", name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// logged waits for n requests over HTTP/2 that were answered with 200 and returns how
// many connections they came on.
func logged(t *testing.T, b *e2e.Server, n int) (connections int) {
	t.Helper()
	line := regexp.MustCompile(`(?m)^HTTP/2\.0 (\d+) 200 `)
	var found [][]string
	if !e2e.Eventually(time.Minute, func() bool {
		found = line.FindAllStringSubmatch(b.Read("access.log"), -1)
		return len(found) >= n
	}) || len(found) != n {
		t.Fatalf("%d requests, want %d:\n%s", len(found), n, b.Read("access.log"))
	}
	all := map[string]bool{}
	for _, one := range found {
		all[one[1]] = true
	}
	return len(all)
}

// Debian's curl, nghttp, h2load and Chromium, each in its own way.
func TestClientPrograms(t *testing.T) {
	t.Run("curl", func(t *testing.T) {
		t.Parallel()
		b, base, plain := startClients(t)
		if got := program(t, "curl", "-sSk", "--http2", "-w", "%{http_version} %{http_code} %{size_download}\n", "-o", os.DevNull, base+"/large", "-o", os.DevNull, base+"/passed/large"); got != "2 200 1048576\n2 200 1048576\n" {
			t.Errorf("got %q", got)
		}
		// A body that is read: Debian's curl fails where an answer comes before (7.88; with nginx it hangs).
		if got := program(t, "curl", "-sSk", "--http2", "--data-binary", "@"+b.Path("large"), base+"/passed/posted"); got != "1048576\n" {
			t.Errorf("POST: got %q", got)
		}
		if got := program(t, "curl", "-sS", "--http2-prior-knowledge", "-w", "%{http_version}", "-o", os.DevNull, plain+"/large"); got != "2" {
			t.Errorf("prior knowledge: got %q", got)
		}
		if got := program(t, "curl", "-sSk", "--http1.1", "-w", "%{http_version}", "-o", os.DevNull, base+"/large"); got != "1.1" {
			t.Errorf("HTTP/1.1: got %q", got)
		}
	})
	t.Run("nghttp", func(t *testing.T) {
		t.Parallel()
		b, base, _ := startClients(t)
		out := program(t, "nghttp", "-nas", "--no-verify-peer", base+"/page.html")
		if connections := logged(t, b, 1+resources); connections != 1 {
			t.Errorf("%d connections", connections)
		}
		if !strings.Contains(out, "/r49.js") {
			t.Errorf("got %s", out)
		}
	})
	t.Run("h2load", func(t *testing.T) {
		t.Parallel()
		b, base, _ := startClients(t)
		out := program(t, "h2load", "-n", "2000", "-c", "4", "-m", "20", base+"/r1.js", base+"/passed/r2.js")
		if !strings.Contains(out, "2000 succeeded, 0 failed, 0 errored, 0 timeout") {
			t.Errorf("got %s", out)
		}
		if connections := logged(t, b, 2000); connections != 4 {
			t.Errorf("%d connections", connections)
		}
	})
	t.Run("Chromium", func(t *testing.T) {
		t.Parallel()
		b, base, _ := startClients(t)
		out := program(t, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
			"--disable-background-networking", "--ignore-certificate-errors", "--user-data-dir="+t.TempDir(), "--dump-dom", base+"/page.html")
		if want := fmt.Sprintf("loaded %d", resources); !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
		if connections := logged(t, b, 1+resources); connections != 1 {
			t.Errorf("%d connections", connections)
		}
	})
}
