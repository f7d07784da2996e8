package e2e_test

import (
	"crypto/tls"
	"net"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// Certificates are replaced by HUP while clients do handshakes: none fails, and
// each gets the old one or the new one.
func TestCertificatesAreReloadedUnderLoad(t *testing.T) {
	t.Parallel()
	b := startSecure(t, secureSite)
	_, address := b.Address("web")
	serial := func() (string, error) {
		d := &net.Dialer{Timeout: time.Minute}
		c, err := tls.DialWithDialer(d, "tcp", address, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			return "", err
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].SerialNumber.String(), nil
	}
	var stop atomic.Bool
	var handshakes atomic.Int64
	var seen sync.Map
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for !stop.Load() {
				got, err := serial()
				if err != nil {
					t.Errorf("handshake: %v", err)
					return
				}
				seen.Store(got, true)
				handshakes.Add(1)
			}
		})
	}
	known := map[string]bool{}
	if first, err := serial(); err == nil {
		known[first] = true
	}
	for range 3 {
		want := b.WriteCertificate("a", "ecdsa").SerialNumber.String()
		known[want] = true
		b.Reload()
		if !e2e.Eventually(goneBound, func() bool { got, err := serial(); return err == nil && got == want }) {
			t.Error("the new certificate is not served")
		}
	}
	stop.Store(true)
	all.Wait()
	seen.Range(func(key, _ any) bool {
		if !known[key.(string)] {
			t.Errorf("certificate %s is nobody's", key)
		}
		return true
	})
	t.Logf("%d handshakes", handshakes.Load())
}

// What clients may offer is taken or refused as Debian's nginx does, except where
// crypto/tls has no such thing: that is said here.
func TestOffersAsNginx(t *testing.T) {
	nginx := e2e.Nginx(t)
	program, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not there")
	}
	const conf = `http { ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers ALL:@SECLEVEL=0;
		ssl_ecdh_curve X25519:prime256v1:secp384r1:secp521r1;
		server { listen {{ecdsa}} ssl; ssl_certificate a.crt; ssl_certificate_key a.key; return 200 "one"; }
		server { listen {{rsa}} ssl; ssl_certificate b.crt; ssl_certificate_key b.key; return 200 "one"; } }`
	start := func(path string) *e2e.Server {
		b := e2e.New(t, conf)
		if path != "" {
			b.Use(path)
		}
		b.WriteCertificate("a", "ecdsa")
		b.WriteCertificate("b", "rsa")
		b.Launch()
		b.WaitReady()
		return b
	}
	ours, theirs := start(""), start(nginx)
	for _, row := range []struct {
		server, offer string
		missing       string // why crypto/tls differs
	}{
		{"ecdsa", "-tls1", ""}, {"ecdsa", "-tls1_1", ""}, {"ecdsa", "-tls1_2", ""}, {"ecdsa", "-tls1_3", ""},
		{"rsa", "-tls1", ""}, {"rsa", "-tls1_2", ""}, {"rsa", "-tls1_3", ""},
		{"ecdsa", "-tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256", ""},
		{"ecdsa", "-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384", ""},
		{"ecdsa", "-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256", ""},
		{"ecdsa", "-tls1_3 -ciphersuites TLS_AES_128_CCM_SHA256", ""},
		{"ecdsa", "-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256", ""},
		{"ecdsa", "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384", ""},
		{"ecdsa", "-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305", ""},
		{"ecdsa", "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256", ""},
		{"ecdsa", "-tls1_2 -cipher ECDHE-ECDSA-AES256-SHA", ""},
		{"ecdsa", "-tls1_2 -cipher ECDHE-ECDSA-AES256-CCM", "no CCM"},
		{"ecdsa", "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256", ""},
		{"rsa", "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256", ""},
		{"rsa", "-tls1_2 -cipher ECDHE-RSA-CHACHA20-POLY1305", ""},
		{"rsa", "-tls1_2 -cipher ECDHE-RSA-AES256-SHA384", "no CBC with SHA-384"},
		{"rsa", "-tls1_2 -cipher AES128-GCM-SHA256", ""},
		{"rsa", "-tls1_2 -cipher AES256-SHA", ""},
		{"rsa", "-tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256", ""},
		{"rsa", "-tls1_2 -cipher CAMELLIA128-SHA", "no Camellia"},
		{"rsa", "-tls1_2 -cipher aNULL", "no anonymous suites"},
		{"ecdsa", "-tls1_3 -groups X25519", ""}, {"ecdsa", "-tls1_3 -groups P-256", ""},
		{"ecdsa", "-tls1_3 -groups P-384", ""}, {"ecdsa", "-tls1_3 -groups P-521", ""},
		{"ecdsa", "-tls1_3 -groups X448", ""}, {"ecdsa", "-tls1_3 -groups ffdhe2048", ""},
	} {
		accepts := func(b *e2e.Server) bool {
			_, address := b.Address(row.server)
			args := append([]string{"s_client", "-connect", address}, strings.Fields(row.offer)...)
			if strings.Contains(row.offer, "-cipher ") {
				args[len(args)-1] += ":@SECLEVEL=0"
			} else if !strings.Contains(row.offer, "-tls1_3") {
				args = append(args, "-cipher", "ALL:@SECLEVEL=0")
			}
			cmd := exec.Command(program, args...)
			out, _ := cmd.CombinedOutput() // it fails where the offer is refused
			return strings.Contains(string(out), ", Cipher is ") && !strings.Contains(string(out), "Cipher is (NONE)")
		}
		we, they := accepts(ours), accepts(theirs)
		if we != they && row.missing == "" || we == they && row.missing != "" {
			t.Errorf("%s %s: ours %v, nginx's %v (%s)", row.server, row.offer, we, they, row.missing)
		}
	}
}
