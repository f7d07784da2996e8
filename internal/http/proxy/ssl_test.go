package proxy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	nethttp "net/http"
	nettest "net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http/httptest"
)

// secureBackend answers with the name that it was told by SNI, whether the session
// was resumed, and the subject of the client's certificate.
func secureBackend(t *testing.T) (addr, certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "backend"}, DNSNames: []string{"example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	s := nettest.NewUnstartedServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		body, _ := io.ReadAll(r.Body)
		subject := "-"
		if len(r.TLS.PeerCertificates) > 0 {
			subject = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		fmt.Fprintf(w, "sni=%s resumed=%v client=%s body=%d", r.TLS.ServerName, r.TLS.DidResume, subject, len(body))
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}, ClientAuth: tls.RequestClientCert}
	s.StartTLS()
	t.Cleanup(s.Close)
	certificate = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	key = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
	return s.Listener.Addr().String(), certificate, key
}

// proxy_pass https: names, certificates both ways, sessions, bodies.
func TestProxyHTTPS(t *testing.T) {
	addr, certificate, key := secureBackend(t)
	s := httptest.Start(t, features(), httptest.Site{
		Files: map[string]string{"c.pem": certificate, "k.pem": key},
		HTTP: `error_log {{dir}}/error.log; upstream u { server ` + addr + `; keepalive 0; }
			server { listen {{addr}};
			client_max_body_size 0; client_body_buffer_size 2m;
			location /plain { proxy_pass https://u; }
			location /sni { proxy_pass https://u; proxy_ssl_server_name on; proxy_ssl_name example.com; proxy_ssl_protocols TLSv1.2; }
			location /cert { proxy_pass https://u; proxy_ssl_certificate {{dir}}/c.pem; proxy_ssl_certificate_key {{dir}}/k.pem; }
			location /good { proxy_pass https://u; proxy_ssl_verify on; proxy_ssl_name example.com; proxy_ssl_trusted_certificate {{dir}}/c.pem; }
			location /other { proxy_pass https://u; proxy_ssl_verify on; proxy_ssl_name example.org; proxy_ssl_trusted_certificate {{dir}}/c.pem; }
			location /named { proxy_pass https://u; proxy_ssl_certificate $arg_name; proxy_ssl_certificate_key {{dir}}/k.pem;
				proxy_ssl_certificate_cache max=4; }
			location /variable { set $to u; proxy_pass https://$to; }
		}`,
	})
	tests := []struct{ target, want string }{
		{"/plain", "sni= resumed=false client=- body=0"},
		{"/plain", "sni= resumed=true client=- body=0"},
		{"/sni", "sni=example.com resumed=false client=- body=0"},
		{"/sni", "sni=example.com resumed=true client=- body=0"},
		{"/cert", "sni= resumed=false client=backend body=0"},
		{"/good", "sni= resumed=false client=- body=0"},
		{"/named?name={{dir}}/c.pem", "sni= resumed=false client=backend body=0"},
		{"/named?name={{dir}}/c.pem", "sni= resumed=true client=backend body=0"},
		{"/named", "sni= resumed=false client=- body=0"},
		{"/variable", "sni= resumed=false client=- body=0"},
	}
	for _, tt := range tests {
		if got := httptest.Body(s.Get(strings.ReplaceAll(tt.target, "{{dir}}", s.Dir))); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.target, got, tt.want)
		}
	}
	if got := httptest.Status(s.Get("/named?name=none")); got != 500 {
		t.Errorf("a certificate that is not there: got %d", got)
	}
	if text := s.ReadFile("error.log"); !strings.Contains(text, `[error] `) || !strings.Contains(text, `none": BIO_new_file() failed (SSL: error:80000002:`) ||
		!strings.Contains(text, ` while SSL handshaking to upstream, client: 127.0.0.1`) {
		t.Errorf("got the log %q", text)
	}
	if got := httptest.Status(s.Get("/other")); got != 502 {
		t.Errorf("a certificate for another name: got %d", got)
	}
	if text := s.ReadFile("error.log"); !strings.Contains(text, `upstream SSL certificate does not match "example.org" while SSL handshaking to upstream`) {
		t.Errorf("got the log %q", text)
	}
	body := strings.Repeat("x", 1<<20)
	got := s.Raw(fmt.Sprintf("POST /plain HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	if want := fmt.Sprintf("body=%d", len(body)); !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want %q at its end", got, want)
	}
}
