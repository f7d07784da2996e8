package ssl_test

import (
	"bufio"
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/headers"
	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/http/maps"
	"github.com/baton-project/baton/internal/http/rewrite"
	"github.com/baton-project/baton/internal/http/ssl"
)

// handshake returns whose certificate a client gets that asks for name.
func handshake(t *testing.T, s *httptest.Server, c *tls.Config) (string, error) {
	t.Helper()
	c.InsecureSkipVerify = true
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 20 * time.Second}, "tcp", s.Addr, c)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName, nil
}

// Certificates are found by the name that a client asks for, by a map, in a text; what
// cannot be loaded ends the handshake, and the log says why.
func TestCertificatesByVariables(t *testing.T) {
	files, _ := pair(t, "one")
	more, _ := pair(t, "two")
	for name, text := range more {
		files[name] = text
	}
	// Texts with ends of lines stand in quotes.
	site := httptest.Site{Files: files, HTTP: `
		error_log {{dir}}/error.log info;
		map $ssl_server_name $certificate { default one; other.example two; }
		map $remote_addr $text { default "data:` + files["two.crt"] + `"; }
		map $ssl_protocol:$https $key { default {{dir}}/none.key; TLSv1.2:on {{dir}}/one.key; TLSv1.3:on {{dir}}/one.key; }
		server { listen {{addr}} ssl; ssl_certificate {{dir}}/$certificate.crt; ssl_certificate_key {{dir}}/$certificate.key; return 200 $ssl_server_name; }
		server { listen {{addr}} ssl; server_name text; ssl_certificate $text; ssl_certificate_key {{dir}}/two.key; }
		server { listen {{addr}} ssl; server_name known; ssl_certificate {{dir}}/one.crt; ssl_certificate_key $key; }
		server { listen {{addr}} ssl; server_name ~^(?<first>[a-z]+)\.regex$; ssl_certificate {{dir}}/$first.crt; ssl_certificate_key {{dir}}/$first.key;
			ssl_certificate_cache max=10 inactive=1m valid=1m; }`}
	s := httptest.Start(t, []http.Module{maps.Feature, rewrite.Feature, ssl.Feature, headers.Feature}, site)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, tt := range []struct{ name, want string }{
			{"", "one"}, {"other.example", "two"}, {"text", "two"}, {"known", "one"}, {"one.regex", "one"}, {"two.regex", "two"}, {"none.regex", ""},
		} {
			got, err := handshake(t, s, &tls.Config{ServerName: tt.name, MaxVersion: version})
			if got != tt.want {
				t.Errorf("%q: got %q (%v), want %q", tt.name, got, err, tt.want)
			}
		}
	}
	c := dial(t, s, &tls.Config{ServerName: "other.example"})
	if status, body := ask(t, c, bufio.NewReader(c), get("/", "other.example")); status != 200 || body != "other.example" {
		t.Errorf("got %d %q", status, body)
	}
	text := s.ReadFile("error.log")
	for _, want := range []string{
		`[error] `, `cannot load certificate "` + s.Dir + `/none.crt": BIO_new_file() failed (SSL: error:80000002:system library::No such file or directory:calling fopen(` +
			s.Dir + `/none.crt, r) error:10000080:BIO routines::no such file) while SSL handshaking, client: 127.0.0.1`,
		`SSL_do_handshake() failed (SSL: error:0A000179:SSL routines::cert cb error) while SSL handshaking`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the log: %s", want, text)
		}
	}
	// What is kept is used although the files are gone.
	for _, name := range []string{"two.crt", "two.key"} {
		if err := os.Remove(filepath.Join(s.Dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := handshake(t, s, &tls.Config{ServerName: "two.regex"}); got != "two" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := handshake(t, s, &tls.Config{ServerName: "other.example"}); err == nil {
		t.Errorf("got %q without a cache", got)
	}
}

// A session is resumed although its certificate cannot be loaded any more, in TLS 1.3.
func TestResumeWithoutCertificate(t *testing.T) {
	files, _ := pair(t, "one")
	s := httptest.Start(t, features(), httptest.Site{Files: files, HTTP: `
		server { listen {{addr}} ssl; ssl_certificate {{dir}}/$ssl_server_name.crt; ssl_certificate_key {{dir}}/$ssl_server_name.key; return 200 $ssl_session_reused; }`})
	config := &tls.Config{ServerName: "one", ClientSessionCache: tls.NewLRUClientSessionCache(2)}
	for _, want := range []string{".", "r"} {
		c := dial(t, s, config)
		if status, body := ask(t, c, bufio.NewReader(c), get("/", "one")); status != 200 || body != want {
			t.Errorf("got %d %q, want %q", status, body, want)
		}
		_ = os.Remove(filepath.Join(s.Dir, "one.crt"))
	}
}

// Several certificates with variables: the one that suits the client.
func TestSeveralByVariables(t *testing.T) {
	files, _ := pair(t, "one")
	for name, text := range rsaPair(t, "two") {
		files[name] = text
	}
	s := httptest.Start(t, []http.Module{maps.Feature, rewrite.Feature, ssl.Feature}, httptest.Site{Files: files, HTTP: `
		map $remote_addr $folder { default {{dir}}; }
		server { listen {{addr}} ssl;
			ssl_certificate $folder/one.crt; ssl_certificate_key $folder/one.key;
			ssl_certificate $folder/two.crt; ssl_certificate_key $folder/two.key; }`})
	for suite, want := range map[uint16]string{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: "one", tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: "two"} {
		if got, err := handshake(t, s, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite}}); got != want {
			t.Errorf("got %q (%v), want %q", got, err, want)
		}
	}
}
