package e2e_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// redis-cli talks to a redis-server through stream{}, on one connection over a
// reload.
func TestStreamRedis(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("redis-cli")
	if err != nil {
		t.Skip("redis-cli is not installed")
	}
	redis, _ := startRedis(t)
	b := e2e.Start(t, fmt.Sprintf(`stream { upstream redis { zone redis 64k; server 127.0.0.1:%d; } server { listen {{db}}; proxy_pass redis; } }`, redis))
	_, port, _ := strings.Cut(b.Expand("{{db}}"), ":")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cli := exec.CommandContext(ctx, program, "-p", port)
	in, err := cli.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cli.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cli.Start(); err != nil {
		t.Fatal(err)
	}
	replies := bufio.NewReader(out)
	ask := func(command string) string {
		t.Helper()
		_, _ = io.WriteString(in, command+"\n")
		line, err := replies.ReadString('\n')
		if err != nil {
			t.Fatalf("%s: %q, %v", command, line, err)
		}
		return strings.TrimSuffix(line, "\n")
	}
	if got := ask("SET a 1"); got != "OK" {
		t.Errorf("%q", got)
	}
	id, value := ask("CLIENT ID"), strings.Repeat("0123456789", 10_000)
	b.Signal(syscall.SIGHUP)
	b.WaitLog(`gracefully shutting down$`)
	for _, tt := range [][2]string{{"INCR a", "2"}, {"CLIENT ID", id}, {"SET b " + value, "OK"}, {"STRLEN b", "100000"}} {
		if got := ask(tt[0]); got != tt[1] {
			t.Errorf("%.20s: %q, want %q", tt[0], got, tt[1])
		}
	}
	_ = in.Close()
	if err := cli.Wait(); err != nil {
		t.Error(err)
	}
}

// OpenSSL's client reaches one of two TLS servers by the name that it asks for,
// and sees that one's certificate: nobody ends its TLS on the way.
func TestStreamPassesTLSByName(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	b := e2e.New(t, `stream {
	map $ssl_preread_server_name $backend { one.example {{one}}; ~^two\. {{two}}; default {{nobody}}; }
	log_format names "$ssl_preread_server_name $ssl_preread_protocol $upstream_addr";
	access_log {{dir}}/names.log names;
	server { listen {{front}}; ssl_preread on; proxy_pass $backend; }
}`)
	for _, name := range []string{"one", "two"} {
		b.WriteCertificate(name, "ecdsa")
		pair, err := tls.LoadX509KeyPair(b.Path(name+".crt"), b.Path(name+".key"))
		if err != nil {
			t.Fatal(err)
		}
		l, err := tls.Listen("tcp", b.Expand("{{"+name+"}}"), &tls.Config{Certificates: []tls.Certificate{pair}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					_, _ = io.WriteString(c, "this is "+name+"\n") // the client says what has come
					_ = c.Close()
				}()
			}
		}()
	}
	b.Launch()
	b.WaitReady()
	for host, want := range map[string]string{"one.example": "one", "two.example": "two"} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		client := exec.CommandContext(ctx, program, "s_client", "-connect", b.Expand("{{front}}"), "-servername", host, "-quiet")
		var certificates strings.Builder
		client.Stderr = &certificates
		out, err := client.Output()
		if string(out) != "this is "+want+"\n" || !strings.Contains(certificates.String(), "CN = "+want) {
			t.Errorf("%s: %q, %v, %s", host, out, err, certificates.String())
		}
	}
	if !e2e.Eventually(30*time.Second, func() bool {
		logged := b.Read("names.log")
		return strings.Contains(logged, "one.example TLSv1.3 "+b.Expand("{{one}}")) && strings.Contains(logged, "two.example TLSv1.3 "+b.Expand("{{two}}"))
	}) {
		t.Errorf("logged: %q", b.Read("names.log"))
	}
}
