package ssl_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	nethttp "net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/headers"
	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/http/rewrite"
	"github.com/baton-project/baton/internal/http/ssl"
	"github.com/baton-project/baton/internal/http/static"
)

func features() []http.Module {
	return []http.Module{rewrite.Feature, ssl.Feature, static.Feature, headers.Feature}
}

// pair makes a certificate that is its own authority.
func pair(t testing.TB, name string) (files map[string]string, made tls.Certificate) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0xabc), Subject: pkix.Name{CommonName: name, Organization: []string{"a, b"}}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(49 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		name + ".crt": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		name + ".key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})),
	}, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}

const said = `"$scheme $https $ssl_protocol $ssl_server_name $ssl_session_reused $ssl_client_verify $ssl_client_s_dn $ssl_client_serial"`

func site(t testing.TB) (httptest.Site, tls.Certificate) {
	files, own := pair(t, "one")
	more, _ := pair(t, "two")
	for name, text := range more {
		files[name] = text
	}
	files["html/big"] = strings.Repeat("0123456789abcdef", 40_000)
	return httptest.Site{Files: files, HTTP: `
		error_log {{dir}}/error.log info; root {{dir}}/html; client_body_buffer_size 2m; client_max_body_size 0;
		server { listen {{addr}} ssl; server_name one; ssl_certificate {{dir}}/one.crt; ssl_certificate_key {{dir}}/one.key;
			location /said { return 200 ` + said + `; }
			location /dir { return 301 /said; }
		}
		server { listen {{addr}} ssl; server_name two; ssl_certificate {{dir}}/two.crt; ssl_certificate_key {{dir}}/two.key;
			ssl_verify_client optional; ssl_client_certificate {{dir}}/one.crt;
			location /said { return 200 ` + said + `; }
		}
		server { listen {{addr}} ssl; server_name none; ssl_reject_handshake on; }`}, own
}

// dial opens a TLS connection.
func dial(t testing.TB, s *httptest.Server, config *tls.Config) *tls.Conn {
	t.Helper()
	config.InsecureSkipVerify = true
	c, err := tls.Dial("tcp", s.Addr, config)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// ask sends one request and reads the answer; the connection stays open.
func ask(t testing.TB, c net.Conn, b *bufio.Reader, request string) (status int, body string) {
	t.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	answer, err := nethttp.ReadResponse(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func get(target, host string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n"
}

// Each server answers under its own certificate, on a connection that stays, in
// both versions; sessions are resumed.
func TestServe(t *testing.T) {
	where, _ := site(t)
	s := httptest.Start(t, features(), where)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cache := tls.NewLRUClientSessionCache(4)
		for _, reused := range []string{".", "r"} {
			c := dial(t, s, &tls.Config{ServerName: "one", MaxVersion: version, ClientSessionCache: cache})
			b := bufio.NewReader(c)
			if got := c.ConnectionState().PeerCertificates[0].Subject.CommonName; got != "one" {
				t.Errorf("the certificate is %q", got)
			}
			name := map[uint16]string{tls.VersionTLS12: "TLSv1.2", tls.VersionTLS13: "TLSv1.3"}[version]
			for range 3 {
				status, body := ask(t, c, b, get("/said", "one"))
				if want := fmt.Sprintf("https on %s one %s NONE  ", name, reused); status != 200 || body != want {
					t.Errorf("got %d %q, want %q", status, body, want)
				}
			}
			if _, body := ask(t, c, b, get("/big", "one")); body != where.Files["html/big"] {
				t.Errorf("got a file of %d bytes", len(body))
			}
			large := strings.Repeat("x", 1<<20)
			if status, _ := ask(t, c, b, fmt.Sprintf("POST /said HTTP/1.1\r\nHost: one\r\nContent-Length: %d\r\n\r\n%s", len(large), large)); status != 200 {
				t.Errorf("POST: got %d", status)
			}
			var many string
			for range 20 {
				many += get("/said", "one")
			}
			if _, err := io.WriteString(c, many[:len(many)-len(get("/said", "one"))]); err != nil {
				t.Fatal(err)
			}
			for range 19 {
				answer, err := nethttp.ReadResponse(b, nil)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, answer.Body)
			}
		}
	}
	c := dial(t, s, &tls.Config{ServerName: "two"})
	if got := c.ConnectionState().PeerCertificates[0].Subject.CommonName; got != "two" {
		t.Errorf("the certificate is %q", got)
	}
}

// Certificates of clients, names that are not those of the handshake, handshakes
// that are refused, plain HTTP.
func TestRefusals(t *testing.T) {
	where, own := site(t)
	s := httptest.Start(t, features(), where)
	_, stranger := pair(t, "stranger")
	tests := []struct {
		name, sni, host string
		certificate     []tls.Certificate
		status          int
		want            string
	}{
		{"no certificate", "two", "two", nil, 200, "https on TLSv1.3 two . NONE  "},
		{"a good one", "two", "two", []tls.Certificate{own}, 200, `https on TLSv1.3 two . SUCCESS CN=one,O=a\, b 0ABC`},
		{"a bad one", "two", "two", []tls.Certificate{stranger}, 400, "The SSL certificate error"},
		{"another name", "one", "two", nil, 421, "421 Misdirected Request"},
		{"an unknown name", "", "nobody", nil, 200, "https on TLSv1.3  . NONE  "},
	}
	for _, tt := range tests {
		config := &tls.Config{ServerName: tt.sni}
		if tt.certificate != nil {
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &tt.certificate[0], nil }
		}
		c := dial(t, s, config)
		status, body := ask(t, c, bufio.NewReader(c), get("/said", tt.host))
		if status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s: got %d %q, want %d %q", tt.name, status, body, tt.status, tt.want)
		}
	}
	if _, err := tls.Dial("tcp", s.Addr, &tls.Config{ServerName: "none", InsecureSkipVerify: true}); err == nil || !strings.Contains(err.Error(), "unrecognized name") {
		t.Errorf("a handshake that is refused: got %v", err)
	}
	if got := s.Get("/said"); httptest.Status(got) != 400 || !strings.Contains(got, "The plain HTTP request was sent to HTTPS port") {
		t.Errorf("plain HTTP: got %q", got)
	}
}

// OpenSSL's client changes keys in the middle.
func TestOpenSSLKeyUpdate(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("there is no openssl")
	}
	where, _ := site(t)
	s := httptest.Start(t, features(), where)
	c := exec.Command(openssl, "s_client", "-connect", s.Addr, "-servername", "one")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = c.Stdout
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	patience := time.AfterFunc(30*time.Second, func() { _ = c.Process.Kill() })
	defer patience.Stop()
	b := bufio.NewReader(out)
	wait := func(prefix string) {
		for {
			line, err := b.ReadString('\n')
			if err != nil {
				t.Fatalf("no %q: %v", prefix, err)
			}
			if strings.HasPrefix(line, prefix) {
				return
			}
		}
	}
	for _, command := range []string{"", "K\n", "k\n"} {
		if command != "" {
			_, _ = io.WriteString(in, command)
			wait("KEYUPDATE")
		}
		_, _ = io.WriteString(in, "GET /dir HTTP/1.1\r\nHost: one\r\n\r\n")
		wait("Location: https://one")
	}
	_ = in.Close()
	_, _ = io.Copy(io.Discard, b)
	_ = c.Wait() // it tells how the connection has ended, which is its own affair
}

// What is in ssl_stapling_file goes to clients that ask for it.
func TestStapleFromFile(t *testing.T) {
	files, _ := pair(t, "one")
	files["staple"] = "\x30\x03\x0a\x01\x06" // unauthorized
	made := httptest.Site{Files: files, HTTP: `ssl_stapling on; ssl_stapling_file {{dir}}/staple;
		server { listen {{addr}} ssl; ssl_certificate {{dir}}/one.crt; ssl_certificate_key {{dir}}/one.key; return 200 one; }`}
	address := httptest.Start(t, features(), made).Addr
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: 20 * time.Second}, "tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := string(c.OCSPResponse()); got != files["staple"] {
		t.Errorf("%q", got)
	}
}
