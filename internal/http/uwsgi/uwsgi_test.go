package uwsgi_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/http/rewrite"
	"github.com/baton-project/baton/internal/http/uwsgi"
)

func features() []http.Module {
	return []http.Module{rewrite.Feature, gateway.Feature, gateway.EarlyHints, uwsgi.Feature}
}

// startApp answers each connection with what its packet says.
func startApp(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l)
	return l.Addr().String()
}

func serve(t *testing.T, l net.Listener) {
	var all sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if text, err := readPacket(c); err == nil {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"+text) // the client finds out
			}
			_ = c.Close()
		}
	})
}

func readPacket(in io.Reader) (string, error) {
	var h [4]byte
	if _, err := io.ReadFull(in, h[:]); err != nil {
		return "", err
	}
	packet := make([]byte, binary.LittleEndian.Uint16(h[1:]))
	if _, err := io.ReadFull(in, packet); err != nil {
		return "", err
	}
	text := fmt.Sprintf("%d %d", h[0], h[3])
	for i := 0; len(packet) > 2; i++ {
		n := int(binary.LittleEndian.Uint16(packet))
		text += []string{"|", "="}[i%2] + string(packet[2:2+n])
		packet = packet[2+n:]
	}
	return text + string(packet), nil
}

func TestPacket(t *testing.T) {
	s := httptest.Start(t, features(), httptest.Site{HTTP: fmt.Sprintf(`server {
		listen {{addr}}; server_name localhost; chunked_transfer_encoding off;
		set $app uwsgi://%[1]s;
		uwsgi_param A $uri; uwsgi_param EMPTY "" if_not_empty;
		location / { uwsgi_pass UWSGI://%[1]s; }
		location /modified { uwsgi_pass $app; uwsgi_modifier1 5; uwsgi_modifier2 9; uwsgi_string xy; }
	}`, startApp(t))})
	for target, want := range map[string]string{
		"/":         "0 0|A=/|HTTP_HOST=localhost|HTTP_CONNECTION=close",
		"/modified": "5 9|A=/modified|HTTP_HOST=localhost|HTTP_CONNECTION=closexy",
	} {
		if got := httptest.Body(s.Get(target)); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, text := range []string{"uwsgi_modifier1 256;", "uwsgi_modifier2 x;", "location / { uwsgi_pass uwsgi://; }"} {
		httptest.CompareRejected(t, features(), httptest.Site{HTTP: "server { listen {{addr}}; " + text + " }"})
	}
}

// An application is spoken with over TLS when the address says so.
func TestSecure(t *testing.T) {
	plain, secure := startApp(t), secured(t)
	s := httptest.Start(t, features(), httptest.Site{HTTP: fmt.Sprintf(`server {
		listen {{addr}}; server_name localhost; chunked_transfer_encoding off;
		uwsgi_param A $uri; uwsgi_ssl_session_reuse off; uwsgi_ssl_name app.test; uwsgi_ssl_server_name on;
		location / { uwsgi_pass suwsgi://%[1]s; }
		location /var { uwsgi_pass $arg_to; }
		location /untrusted { uwsgi_pass suwsgi://%[1]s; uwsgi_ssl_verify on; uwsgi_ssl_trusted_certificate other.crt; }
	}`, secure), Files: map[string]string{"other.crt": certificate(t, "other.test").pem}})
	const want = "0 0|A=%s|HTTP_HOST=localhost|HTTP_CONNECTION=close"
	for target, uri := range map[string]string{
		"/": "/", "/var?to=suwsgi://" + secure: "/var", "/var?to=uwsgi://" + plain: "/var", "/var?to=" + plain: "/var",
	} {
		if got, want := httptest.Body(s.Get(target)), fmt.Sprintf(want, uri); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
	if got := s.Get("/untrusted"); httptest.Status(got) != 502 {
		t.Errorf("%s", got)
	}
}

// made is a certificate that has signed itself.
type made struct {
	pem string
	tls tls.Certificate
}

func certificate(t *testing.T, name string) made {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	return made{
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private},
	}
}

// secured is an application over TLS.
func secured(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{certificate(t, "app.test").tls}}))
	return l.Addr().String()
}
