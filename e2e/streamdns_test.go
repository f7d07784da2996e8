package e2e_test

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
	"github.com/baton-project/baton/internal/freeport"
)

// startDNS starts dnsmasq, which knows one domain, and returns its address.
func startDNS(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("dnsmasq")
	if err != nil {
		t.Skip("dnsmasq is not installed")
	}
	port := freeport.Reserve(t)
	running := exec.Command(path, "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--no-resolv", "--no-hosts", "--user=",
		"--bind-interfaces", "--listen-address=127.0.0.1", "--port="+strconv.Itoa(port), "--address=/example/192.0.2.7")
	if err := running.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = running.Process.Kill()
		_ = running.Wait()
	})
	address := fmt.Sprintf("127.0.0.1:%d", port)
	if !e2e.Eventually(time.Minute, func() bool { // it listens for TCP too
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err == nil
	}) {
		t.Fatal("dnsmasq does not listen")
	}
	return address
}

// dig looks names up through stream{} at a real name server, before, during and after
// a reload, in datagrams and over TCP.
func TestStreamDNS(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("dig")
	if err != nil {
		t.Skip("dig is not installed")
	}
	server := startDNS(t)
	b := e2e.Start(t, fmt.Sprintf(`
		worker_processes 2;
		stream {
			upstream names { zone names 64k; server %s; }
			server { listen {{dns}} udp; listen {{dns}}; proxy_pass names; proxy_timeout 20s; }
		}`, server))
	_, port, _ := strings.Cut(b.Expand("{{dns}}"), ":")
	dig := func(more ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		args := append([]string{"@127.0.0.1", "-p", port, "+short", "+tries=3", "+timeout=10"}, more...)
		out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != "192.0.2.7" {
			t.Errorf("dig %v: %q, %v", more, out, err)
		}
	}
	for round := range 3 {
		for n := range 5 {
			dig(fmt.Sprintf("name%d-%d.example", round, n), "A")
		}
		dig("+tcp", "over-tcp.example", "A")
		if round < 2 {
			old := b.Reload()
			dig("meanwhile.example", "A")
			b.WaitGone(old, goneBound) // with the sessions, which live for 20 s more
		}
	}
}
