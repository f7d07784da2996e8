package e2e_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

const http2Site = `
	daemon on; worker_processes 2;
	http {
		http2 on;
		log_format h2 "$http2 $server_protocol $status $body_bytes_sent";
		access_log access.log h2;
		ssl_certificate a.crt; ssl_certificate_key a.key;
		server {
			listen {{web}} ssl; listen {{plain}};
			root {{dir}};
			location = / { return 200 "one"; }
			location /slow { limit_rate 100k; }
			location /passed/ { proxy_pass https://{{web}}/; }
		}
	}`

// http2Client is Go's, over TLS or with prior knowledge.
func http2Client(t *testing.T) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP2(true)
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

func fetch(c *http.Client, url string) (string, error) {
	response, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && (response.ProtoMajor != 2 || response.StatusCode != 200) {
		err = fmt.Errorf("%s %s", response.Proto, response.Status)
	}
	return string(body), err
}

func TestHTTP2ToGoClients(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "the directive http2 is younger than Debian's nginx")
	b := startSecure(t, http2Site)
	c := http2Client(t)
	content := strings.Repeat("0123456789abcdef", 20_000)
	b.Write("large", content)
	_, web := b.Address("web")
	_, plain := b.Address("plain")
	for _, base := range []string{"https://" + web, "http://" + plain} {
		for path, want := range map[string]string{"/": "one", "/large": content, "/passed/large": content} {
			if got, err := fetch(c, base+path); err != nil || got != want {
				t.Errorf("%s%s: %d bytes, want %d: %v", base, path, len(got), len(want), err)
			}
		}
		if base[4] != 's' {
			continue
		}
		response, err := c.Post(base+"/", "text/plain", bytes.NewReader(make([]byte, 500_000)))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	for _, line := range []string{"h2 HTTP/2.0 200 320000\n", "h2c HTTP/2.0 200 320000\n"} {
		if !e2e.Eventually(30*time.Second, func() bool { return strings.Contains(b.Read("access.log"), line) }) {
			t.Errorf("no %q in\n%s", line, b.Read("access.log"))
		}
	}
}

// Over reloads and an upgrade no request fails, and a stream that has begun ends in its worker.
func TestHTTP2ClientsOverReloads(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "the directive http2 is younger than Debian's nginx")
	b := startSecure(t, http2Site)
	content := strings.Repeat("0123456789abcdef", 20_000)
	if err := os.Mkdir(b.Path("slow"), 0o755); err != nil {
		t.Fatal(err)
	}
	b.Write("slow/file", content)
	_, web := b.Address("web")
	base := "https://" + web
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		c := http2Client(t)
		clients.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if got, err := fetch(c, base+"/"); err != nil || got != "one" {
					t.Errorf("request %d: %q, %v", n, got, err)
					return
				}
			}
		})
		clients.Go(func() {
			if got, err := fetch(c, base+"/slow/file"); err != nil || got != content {
				t.Errorf("slow file: %d bytes, %v", len(got), err)
			}
		})
	}
	for i := range 3 {
		if !e2e.Eventually(30*time.Second, func() bool { return strings.Count(b.Read("access.log"), "h2 HTTP/2.0 200 3\n") > 100 }) {
			t.Error("no requests")
		}
		b.Write("access.log", "")
		if i == 2 {
			b.Upgrade()
		} else {
			b.Reload()
		}
	}
	close(stop)
	clients.Wait()
}
