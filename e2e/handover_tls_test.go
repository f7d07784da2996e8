package e2e_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

const secureSite = `
	daemon on; worker_processes 2;
	http {
		log_format tls "$status $ssl_protocol $ssl_cipher $ssl_server_name $ssl_session_reused $body_bytes_sent";
		access_log access.log tls;
		ssl_certificate a.crt; ssl_certificate_key a.key;
		server { listen {{web}} ssl; root {{dir}}; location = / { return 200 "one"; } }
	}`

// startSecure starts a server whose configuration names a.crt and a.key.
func startSecure(t *testing.T, conf string) *e2e.Server {
	t.Helper()
	b := e2e.New(t, conf)
	b.WriteCertificate("a", "ecdsa")
	b.Launch()
	b.WaitReady()
	return b
}

// secureClients are clients of different kinds whose connections all move.
var secureClients = map[string]*tls.Config{
	"TLS 1.3":          {InsecureSkipVerify: true, ServerName: "localhost"},
	"TLS 1.2 AES":      {InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}},
	"TLS 1.2 ChaCha20": {InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}},
}

func forEachSecureEvent(t *testing.T, conf string, f func(t *testing.T, b *e2e.Server, event func())) {
	e2e.OnlyBaton(t, "nginx closes or keeps its connections")
	for name, event := range events {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := startSecure(t, conf)
			f(t, b, func() {
				old := b.Workers()
				event(b)
				b.WaitGone(old, goneBound)
			})
		})
	}
}

func TestHandoverOfTLSAtRest(t *testing.T) {
	forEachSecureEvent(t, secureSite, func(t *testing.T, b *e2e.Server, event func()) {
		var idle, fresh, begun []*e2e.Client
		for _, config := range secureClients {
			for range 5 {
				c := b.DialTLS("web", config)
				c.Get("/").Want(200, "one")
				idle = append(idle, c)
				fresh = append(fresh, b.DialTLS("web", config))
				c = b.DialTLS("web", config)
				c.Send("GET / HTT")
				begun = append(begun, c)
			}
		}
		for range 2 {
			event()
			for i := range idle {
				idle[i].Get("/").Want(200, "one")
				fresh[i].Get("/").Want(200, "one")
				begun[i].Send("P/1.1\r\nHost: localhost\r\n\r\n")
				begun[i].Read("GET").Want(200, "one")
				begun[i].Send("GET / HTT")
			}
		}
	})
}

// A client that has said nothing yet does its handshake with the new worker.
func TestHandoverBeforeTheHandshake(t *testing.T) {
	forEachSecureEvent(t, secureSite, func(t *testing.T, b *e2e.Server, event func()) {
		c := b.Dial("web")
		event()
		over := tls.Client(c.Conn(), &tls.Config{InsecureSkipVerify: true})
		_ = over.SetDeadline(time.Now().Add(time.Minute))
		if err := over.Handshake(); err != nil {
			t.Error(err)
		}
	})
}

// Records of crypto/tls cannot move: such connections end as nginx's do.
func TestTLSThatCannotMoveDrains(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "nginx moves nothing")
	b := startSecure(t, secureSite)
	c := b.DialTLS("web", &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12,
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}})
	c.Get("/").Want(200, "one")
	old := b.Reload()
	c.WantClosed(goneBound)
	b.WaitGone(old, goneBound)
}

func TestHandoverOfDownloadsOverTLS(t *testing.T) {
	for _, sendfile := range []string{"on", "off"} {
		t.Run("sendfile "+sendfile, func(t *testing.T) {
			conf := strings.Replace(secureSite, "root {{dir}};", "root {{dir}}; sendfile "+sendfile+";", 1)
			forEachSecureEvent(t, conf, func(t *testing.T, b *e2e.Server, event func()) {
				want := bytes.Repeat([]byte("0123456789abcdef"), bigFile/16)
				if err := os.WriteFile(b.Path("big"), want, 0o644); err != nil {
					t.Fatal(err)
				}
				var slow []*e2e.Client
				for _, config := range secureClients {
					c := b.DialTLS("web", config)
					_ = c.TCP().SetReadBuffer(64 << 10)
					c.Send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
					c.ReadN(1000)
					slow = append(slow, c)
				}
				event()
				for _, c := range slow {
					c.ReadN(500_000)
				}
				event()
				for _, c := range slow {
					rest := c.ReadN(bigFile - 501_000)
					if !bytes.Contains(want, rest[len(rest)-1_000_000:]) {
						t.Error("other bytes came")
					}
					head := ""
					for !strings.HasSuffix(head, "\r\n\r\none") {
						head += string(c.ReadN(1))
					}
					c.Get("/").Want(200, "one")
				}
				if n := strings.Count(b.Read("access.log"), fmt.Sprintf(" %d\n", bigFile)); n != len(slow) {
					t.Errorf("%d lines in the access log:\n%s", n, b.Read("access.log"))
				}
			})
		})
	}
}

const secureTunnels = `
	daemon on; worker_processes 2;
	http {
		access_log access.log;
		ssl_certificate a.crt; ssl_certificate_key a.key;
		proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
		server { listen {{both}} ssl; location / { proxy_pass https://{{echo}}; } }
		server { listen {{front}} ssl; location / { proxy_pass http://UPSTREAM; } }
		server { listen {{back}}; location / { proxy_pass https://{{echo}}; } }
	}`

// echoOverTLS is echoUpstream behind TLS, at {{echo}} of b.
func echoOverTLS(t *testing.T, b *e2e.Server, plain string) {
	t.Helper()
	certificate, err := tls.LoadX509KeyPair(b.Path("a.crt"), b.Path("a.key"))
	if err != nil {
		t.Fatal(err)
	}
	_, address := b.Address("echo")
	l, err := tls.Listen("tcp", address, &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				to, err := net.Dial("tcp", plain)
				if err != nil {
					return
				}
				defer to.Close()
				go func() { _, _ = io.Copy(to, c); to.Close() }()
				_, _ = io.Copy(c, to)
			}()
		}
	}()
}

func TestHandoverOfTunnelsOverTLS(t *testing.T) {
	upstream := echoUpstream(t)
	conf := strings.Replace(secureTunnels, "UPSTREAM", upstream, 1)
	forEachSecureEvent(t, conf, func(t *testing.T, b *e2e.Server, event func()) {
		echoOverTLS(t, b, upstream)
		open := func(name string) *e2e.Client {
			c := b.Dial
			if name != "back" {
				c = func(name string) *e2e.Client { return b.DialTLS(name, nil) }
			}
			made := c(name)
			made.Send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
			head := ""
			for !strings.HasSuffix(head, "\r\n\r\n") {
				head += string(made.ReadN(1))
			}
			if !strings.HasPrefix(head, "HTTP/1.1 101") {
				t.Fatalf("%s: %q", name, head)
			}
			return made
		}
		var quiet []*e2e.Client
		var loud []*bulk
		for _, name := range []string{"both", "front", "back"} {
			for range 5 {
				quiet = append(quiet, open(name))
			}
			loud = append(loud, startBulk(t, open(name).Conn()))
		}
		for _, text := range []string{"before", "after", "and again"} {
			if text != "before" {
				event()
			}
			for _, c := range quiet {
				c.Send(text)
				if got := string(c.ReadN(len(text))); got != text {
					t.Fatalf("%q came back as %q", text, got)
				}
			}
		}
		for _, bulk := range loud {
			bulk.finish()
		}
	})
}

// Sessions are resumed by the workers after those that have begun them: with tickets, and
// with names of sessions that are kept.
func TestTicketsOutliveWorkers(t *testing.T) {
	forEachSecureEvent(t, secureSite, resumed)
}

func TestSessionsOutliveWorkers(t *testing.T) {
	kept := strings.Replace(secureSite, "ssl_certificate a.crt;", "ssl_session_tickets off; ssl_session_cache shared:kept:1m; ssl_certificate a.crt;", 1)
	forEachSecureEvent(t, kept, resumed)
}

func resumed(t *testing.T, b *e2e.Server, event func()) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", MaxVersion: version,
			ClientSessionCache: tls.NewLRUClientSessionCache(4)}
		visit := func(want bool) {
			t.Helper()
			c := b.DialTLS("web", config)
			c.Get("/").Want(200, "one")
			if got := c.Conn().(*tls.Conn).ConnectionState().DidResume; got != want {
				t.Errorf("%s: resumed is %v", tls.VersionName(version), got)
			}
			c.Close()
		}
		visit(false)
		for range 2 {
			for range 4 { // there are two workers
				visit(true)
			}
			event()
		}
		visit(true)
	}
}

// OpenSSL's client asks for new keys before and after its connection moves.
func TestHandoverBetweenKeyUpdates(t *testing.T) {
	forEachSecureEvent(t, secureSite, func(t *testing.T, b *e2e.Server, event func()) {
		c := startOpenSSL(t, b)
		c.ask()
		for _, command := range []string{"K", "k"} {
			c.update(command)
			event()
			c.ask()
			c.update(command)
			c.ask()
		}
	})
}
