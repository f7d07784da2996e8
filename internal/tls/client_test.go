package tls_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	std "crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair makes a certificate for example.com that is its own authority.
func pair(t testing.TB, useRSA bool) (certificate, key []byte) {
	t.Helper()
	var private any
	var public any
	if useRSA {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		private, public = k, &k.PublicKey
	} else {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		private, public = k, &k.PublicKey
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "example.com"}, DNSNames: []string{"example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

func noFile(string) ([]byte, error) { return nil, errors.New("no file") }

func load(t testing.TB, useRSA bool) std.Certificate {
	t.Helper()
	c, k := pair(t, useRSA)
	made, err := tls.LoadCertificate(noFile, "data:"+string(c), "data:"+string(k), nil)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// nobody owns connections that never rest.
type nobody struct{}

func (nobody) Serve(c *poll.Conn)  { _ = c.Close() }
func (nobody) Expire(c *poll.Conn) { _ = c.Close() }

func reactor(t testing.TB) *poll.Reactor {
	t.Helper()
	r, err := poll.New()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = r.Run(); close(done) }()
	t.Cleanup(func() { r.Stop(); <-done; _ = r.Close() })
	return r
}

// dial opens a connection to a server of Go that serve serves.
func dial(t testing.TB, config *std.Config, serve func(*std.Conn)) (*poll.Reactor, func() *poll.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(30 * time.Second))
			s := std.Server(c, config)
			if s.Handshake() == nil {
				serve(s)
			}
			_ = c.Close()
		}
	}()
	r := reactor(t)
	t.Cleanup(func() { _ = l.Close(); <-ended })
	return r, func() *poll.Conn {
		c := new(poll.Conn)
		to := poll.Endpoint{IP: netip.MustParseAddrPort(l.Addr().String())}
		if err := r.Dial(c, &poll.Outgoing{To: to}, nobody{}); err != nil {
			t.Fatal(err)
		}
		return c
	}
}

func echo(c *std.Conn) {
	_, _ = io.Copy(c, c)
	_ = c.CloseWrite()
}

// Each suite of crypto/tls carries bytes both ways; those without an AEAD by
// crypto/tls itself.
func TestClientAgainstGo(t *testing.T) {
	ecdsaCert, rsaCert := load(t, false), load(t, true)
	tests := []struct {
		name    string
		version tls.Protocols
		suite   uint16
		moves   bool
	}{
		{"1.3", tls.TLSv13, 0, true},
		{"1.2 AES-128", tls.TLSv12, std.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, true},
		{"1.2 AES-256", tls.TLSv12, std.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, true},
		{"1.2 ChaCha20", tls.TLSv12, std.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, true},
		{"1.2 CBC", tls.TLSv12, std.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, false},
		{"1.0", tls.TLSv10, std.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := &std.Config{Certificates: []std.Certificate{ecdsaCert, rsaCert}, MinVersion: std.VersionTLS10}
			options := tls.ClientOptions{Protocols: tt.version, Reuse: true}
			if tt.suite != 0 {
				server.CipherSuites = []uint16{tt.suite}
				options.Ciphers = []uint16{tt.suite}
			}
			_, open := dial(t, server, echo)
			client, err := tls.NewClient(options)
			if err != nil {
				t.Fatal(err)
			}
			for round := range 2 {
				sock := open()
				s, err := client.Handshake(sock, tls.Target{Name: "example.com", SNI: true, Peer: "a", Timeout: 20 * time.Second})
				if err != nil {
					t.Fatal(err)
				}
				if s.Info().Resumed != (round == 1) {
					t.Errorf("round %d: resumed is %v", round, s.Info().Resumed)
				}
				exchange(t, s, 300<<10)
				if s.Movable() != tt.moves {
					t.Errorf("movable is %v", s.Movable())
				}
				_ = s.Close()
				_ = sock.Close()
			}
		})
	}
}

// exchange has size bytes echoed.
func exchange(t testing.TB, s *tls.Stream, size int) {
	t.Helper()
	sent := make([]byte, size)
	_, _ = rand.Read(sent)
	wrote := make(chan error, 1)
	go func() {
		n, err := s.Writev([][]byte{sent[:3], sent[3:4], sent[4:]})
		if err == nil && n != int64(size) {
			err = io.ErrShortWrite
		}
		wrote <- err
	}()
	got := make([]byte, size)
	if _, err := io.ReadFull(s, got); err != nil {
		t.Fatal(err)
	}
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(sent, got) {
		t.Fatal("other bytes came back")
	}
}

// A certificate that nobody trusts, or that is for another name, is told as nginx
// tells it.
func TestClientVerifies(t *testing.T) {
	cert := load(t, false)
	_, open := dial(t, &std.Config{Certificates: []std.Certificate{cert}}, echo)
	try := func(authorities []*x509.Certificate, name string) error {
		client, err := tls.NewClient(tls.ClientOptions{Protocols: tls.DefaultProtocols,
			Verifier: tls.NewVerifier(tls.Verifier{Authorities: authorities, Depth: 1, Usage: x509.ExtKeyUsageServerAuth})})
		if err != nil {
			t.Fatal(err)
		}
		sock := open()
		defer sock.Close()
		s, err := client.Handshake(sock, tls.Target{Name: name, Timeout: 20 * time.Second})
		if err == nil {
			exchange(t, s, 10)
			_ = s.Close()
		}
		return err
	}
	trusted := []*x509.Certificate{cert.Leaf}
	if err := try(trusted, "example.com"); err != nil {
		t.Error(err)
	}
	var name *tls.NameError
	if err := try(trusted, "example.org"); !errors.As(err, &name) {
		t.Errorf("got %v", err)
	}
	var untrusted *tls.VerifyError
	if err := try(nil, "example.com"); !errors.As(err, &untrusted) || untrusted.Error() != "(18:self-signed certificate)" {
		t.Errorf("got %v", err)
	}
}
