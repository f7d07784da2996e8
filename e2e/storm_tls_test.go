package e2e_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// Reloads and upgrades under strict clients over TLS: idle ones, WebSockets, busy ones
// that post, slow downloads, one that changes its keys around each of them. Nothing is
// lost, nothing is done twice. The full one, 20 reloads and 5 upgrades under 300, 100, 64
// and 8 of them, is for a quiet machine: BATON_STORM=1; old workers have one second then.
func TestTLSStorm(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "nginx closes idle connections")
	reloads, upgrades, idlers, tunnels, posters, downloads, bound := 3, 1, 30, 10, 8, 2, goneBound
	if os.Getenv("BATON_STORM") != "" {
		reloads, upgrades, idlers, tunnels, posters, downloads, bound = 20, 5, 300, 100, 64, 8, time.Second
	}
	b := e2e.New(t, strings.NewReplacer("location = / {", `location = /ws {
			proxy_pass http://`+echoUpstream(t)+`; proxy_http_version 1.1;
			proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
		} location = / {`, `log_format tls "`, `log_format tls "$request_method `).Replace(secureSite))
	b.WriteCertificate("a", "ecdsa")
	content := numbered()
	if err := os.WriteFile(b.Path("big"), content, 0o644); err != nil {
		t.Fatal(err)
	}
	b.Launch()
	b.WaitReady()

	var configs []*tls.Config
	for _, config := range secureClients {
		configs = append(configs, config)
	}
	var idle, sockets, slow []*e2e.Client
	for i := range idlers {
		c := b.DialTLS("web", configs[i%len(configs)])
		c.Get("/").Want(200, "one")
		idle = append(idle, c)
	}
	for i := range tunnels {
		c := b.DialTLS("web", configs[i%len(configs)])
		askToUpgrade(c, "/ws")
		sockets = append(sockets, c)
	}
	for i := range downloads {
		c := b.DialTLS("web", configs[i%len(configs)])
		_ = c.TCP().SetReadBuffer(64 << 10)
		c.Send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
		readHead(c)
		slow = append(slow, c)
	}
	keys := startOpenSSL(t, b)
	keys.ask()
	l := b.StartLoad("web", &e2e.Load{KeepAlive: posters, Rate: 500, Post: "some bytes\n", TLS: configs[0]})
	l.More(10)

	var longest time.Duration
	read := 0
	events := reloads + upgrades
	for i := range events {
		keys.update("K")
		old := b.Workers()
		begun := time.Now()
		if every := events / upgrades; i%every == every-1 {
			b.Upgrade()
			longest = max(longest, time.Since(begun)) // with the new master's start
		} else {
			b.Reload()
			begun = time.Now()
			b.WaitGone(old, bound)
			longest = max(longest, time.Since(begun))
		}
		keys.ask()
		keys.update("k")
		keys.ask()
		l.More(10)
		for _, c := range sockets {
			text := fmt.Sprintf("event %d", i)
			c.Send(text)
			if got := string(c.ReadN(len(text))); got != text {
				t.Fatalf("%q came back as %q", text, got)
			}
		}
		piece := bigFile / 2 / events
		for _, c := range slow {
			if !bytes.Equal(c.ReadN(piece), content[read:read+piece]) {
				t.Fatalf("other bytes came behind %d", read)
			}
		}
		read += piece
		if i%5 == 3 {
			for _, c := range idle {
				c.Get("/").Want(200, "one")
			}
		}
	}
	for _, c := range slow {
		if !bytes.Equal(c.ReadN(bigFile-read), content[read:]) {
			t.Errorf("other bytes came behind %d", read)
		}
		c.Get("/").Want(200, "one")
	}
	for _, c := range idle {
		c.Get("/").Want(200, "one")
	}
	r := b.NoneFailed(l)
	if r.Retried > 0 || r.Closed > 0 {
		t.Errorf("connections were closed: %v", r)
	}
	lines := func() int { return strings.Count(b.Read("access.log"), "POST 200 ") }
	if !e2e.Eventually(30*time.Second, func() bool { return lines() >= r.Requests }) || lines() != r.Requests {
		t.Errorf("%d posts in the access log, %d were answered", lines(), r.Requests)
	}
	t.Logf("%d reloads, %d upgrades under %d idle clients, %d WebSockets, %d downloads; the longest took %v", reloads, upgrades, len(idle), len(sockets), len(slow), longest)
}

// askToUpgrade makes a WebSocket of a connection.
func askToUpgrade(c *e2e.Client, path string) {
	c.Send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
	readHead(c)
}

// readHead reads an answer up to its body.
func readHead(c *e2e.Client) {
	for head := ""; !strings.HasSuffix(head, "\r\n\r\n"); {
		head += string(c.ReadN(1))
	}
}
