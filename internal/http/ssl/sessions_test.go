package ssl_test

import (
	"bufio"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http/httptest"
)

// rsaPair is pair with RSA.
func rsaPair(t testing.TB, name string) map[string]string {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(9), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(49 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		name + ".crt": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		name + ".key": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)})),
	}
}

// With tickets off sessions are in the cache, if there is one; they are resumed by servers
// with the same certificate only, and not for longer than they last.
func TestSessionCache(t *testing.T) {
	files, own := pair(t, "one")
	more, _ := pair(t, "two")
	for name, text := range more {
		files[name] = text
	}
	var servers strings.Builder
	for _, one := range []struct{ name, certificate, more string }{
		{"tickets", "one", ""}, {"none", "one", "ssl_session_tickets off; ssl_session_cache none;"},
		{"unsaid", "one", "ssl_session_tickets off;"},
		{"shared", "one", "ssl_session_tickets off; ssl_session_cache shared:a:1m;"},
		{"same", "one", "ssl_session_tickets off; ssl_session_cache builtin shared:a:1m;"},
		{"foreign", "two", "ssl_session_tickets off; ssl_session_cache shared:a:1m;"},
		{"builtin", "one", "ssl_session_tickets off; ssl_session_cache builtin:1000;"},
		{"short", "one", "ssl_session_tickets off; ssl_session_cache shared:a:1m; ssl_session_timeout 1s;"},
		{"asks", "two", "ssl_session_tickets off; ssl_session_cache shared:a:1m; ssl_verify_client on; ssl_client_certificate {{dir}}/one.crt;"},
	} {
		fmt.Fprintf(&servers, "server { listen {{addr}} ssl; server_name %s; ssl_certificate {{dir}}/%s.crt; ssl_certificate_key {{dir}}/%[2]s.key; %s return 200 $ssl_session_reused:$ssl_session_id:$ssl_client_verify; }\n",
			one.name, one.certificate, one.more)
	}
	s := httptest.Start(t, features(), httptest.Site{Files: files, HTTP: servers.String()})
	said := regexp.MustCompile(`^([.r]):([0-9a-f]{64})?:([A-Z]+)$`)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		visit := func(config *tls.Config, name string) (reused, id, verified string) {
			t.Helper()
			config.ServerName, config.MaxVersion, config.Certificates = "one", version, []tls.Certificate{own}
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil }
			config.ServerName = name
			c := dial(t, s, config)
			_, body := ask(t, c, bufio.NewReader(c), get("/", name))
			found := said.FindStringSubmatch(body)
			if found == nil {
				t.Fatalf("%s: got %q", name, body)
			}
			return found[1], found[2], found[3]
		}
		for _, tt := range []struct{ first, second, want string }{
			{"tickets", "tickets", "r"}, {"none", "none", "."}, {"unsaid", "unsaid", "."},
			{"shared", "shared", "r"}, {"shared", "same", "r"}, {"shared", "foreign", "."}, {"builtin", "builtin", "r"},
			{"asks", "asks", "r"}, {"shared", "asks", "."}, {"asks", "shared", "."}, {"tickets", "shared", "."},
		} {
			cache := &oneSession{}
			if reused, id, _ := visit(&tls.Config{ClientSessionCache: cache}, tt.first); reused != "." || (id == "") != (tt.first == "none" || tt.first == "unsaid") {
				t.Errorf("%s: got %s, session %q", tt.first, reused, id)
			}
			reused, _, verified := visit(&tls.Config{ClientSessionCache: cache}, tt.second)
			if reused != tt.want {
				t.Errorf("%s, then %s: got %s, want %s", tt.first, tt.second, reused, tt.want)
			}
			if verified == "SUCCESS" != (tt.second == "asks") {
				t.Errorf("%s, then %s: the client is %s", tt.first, tt.second, verified)
			}
		}
		// A session lasts one second, and up to another one, as time is counted in seconds.
		cache := &oneSession{}
		visit(&tls.Config{ClientSessionCache: cache}, "short")
		time.Sleep(2100 * time.Millisecond)
		if reused, _, _ := visit(&tls.Config{ClientSessionCache: cache}, "short"); reused != "." {
			t.Error("a session was resumed that had ended")
		}
	}
}

// oneSession offers the last session to everybody, under whatever name it was made.
type oneSession struct{ last *tls.ClientSessionState }

func (s *oneSession) Get(string) (*tls.ClientSessionState, bool) { return s.last, s.last != nil }
func (s *oneSession) Put(_ string, made *tls.ClientSessionState) { s.last = made }

// How both have signed, by all kinds of keys; and nobody has on a session that is resumed.
func TestSignatureVariables(t *testing.T) {
	files, own := pair(t, "one")
	for name, text := range rsaPair(t, "two") {
		files[name] = text
	}
	s := httptest.Start(t, features(), httptest.Site{Files: files, HTTP: `
		server { listen {{addr}} ssl; ssl_verify_client optional_no_ca; return 200 "$ssl_sigalg:$ssl_client_sigalg $ssl_sigalgs";
			ssl_certificate {{dir}}/one.crt; ssl_certificate_key {{dir}}/one.key; ssl_certificate {{dir}}/two.crt; ssl_certificate_key {{dir}}/two.key; }`})
	prefers := httptest.Start(t, features(), httptest.Site{Files: files, HTTP: `
		server { listen {{addr}} ssl; ssl_prefer_server_ciphers on; return 200 $ssl_sigalg;
			ssl_certificate {{dir}}/one.crt; ssl_certificate_key {{dir}}/one.key; ssl_certificate {{dir}}/two.crt; ssl_certificate_key {{dir}}/two.key; }`})
	c := dial(t, prefers, new(tls.Config))
	if _, body := ask(t, c, bufio.NewReader(c), get("/", "one")); body != "ecdsa_secp256r1_sha256" {
		t.Errorf("the server's preference: got %q", body)
	}
	two, err := tls.X509KeyPair([]byte(files["two.crt"]), []byte(files["two.key"]))
	if err != nil {
		t.Fatal(err)
	}
	ecdsa, rsa := tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
	for _, tt := range []struct {
		version uint16
		suite   uint16
		shown   *tls.Certificate
		want    string
	}{
		{tls.VersionTLS13, 0, nil, "rsa_pss_rsae_sha256: 0x"}, // Go's client likes it most
		{tls.VersionTLS13, 0, &own, "rsa_pss_rsae_sha256:ecdsa_secp256r1_sha256 0x"},
		{tls.VersionTLS13, 0, &two, "rsa_pss_rsae_sha256:rsa_pss_rsae_sha256 0x"},
		{tls.VersionTLS12, ecdsa, &own, "ecdsa_secp256r1_sha256:ecdsa_secp256r1_sha256 0x"},
		{tls.VersionTLS12, rsa, &two, "rsa_pss_rsae_sha256:rsa_pss_rsae_sha256 0x"},
		{tls.VersionTLS12, rsa, nil, "rsa_pss_rsae_sha256: 0x"},
	} {
		config := &tls.Config{MaxVersion: tt.version, ClientSessionCache: tls.NewLRUClientSessionCache(2)}
		if tt.suite != 0 {
			config.CipherSuites = []uint16{tt.suite}
		}
		if tt.shown != nil {
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return tt.shown, nil }
		}
		for _, want := range []string{tt.want, ": 0x"} {
			c := dial(t, s, config)
			if _, body := ask(t, c, bufio.NewReader(c), get("/", "one")); !strings.HasPrefix(body, want) {
				t.Errorf("%x, %x: got %q, want %q", tt.version, tt.suite, body, want)
			}
		}
	}
}
