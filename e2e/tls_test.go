package e2e_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
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

// offersTable is where docs/tls.md says what clients may offer, and what they get.
const offersTable = "../docs/tls.md"

// An offer is a row of it.
type offer struct {
	server, options, sign string
	ours, theirs          bool
}

// readOffers reads the rows whose first cell is the name of a kind of certificate.
func readOffers(t *testing.T, kinds map[string][]string) (all []offer) {
	t.Helper()
	text, err := os.ReadFile(offersTable)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
		}
		if len(cells) != 6 || kinds[cells[0]] == nil {
			continue
		}
		all = append(all, offer{cells[0], cells[1], cells[2], cells[3] == "yes", cells[4] == "yes"})
		if last := all[len(all)-1]; last.ours != last.theirs && cells[5] == "" {
			t.Errorf("no reason is given: %s", line)
		}
	}
	return all
}

// What clients may offer is taken or refused as Debian's nginx does, except where the
// table says why not; and so are kinds of certificates.
func TestOffersAsNginx(t *testing.T) {
	t.Parallel()
	nginx := e2e.Nginx(t)
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not there")
	}
	kinds := map[string][]string{
		"P-256": {"EC", "ec_paramgen_curve:P-256"}, "P-384": {"EC", "ec_paramgen_curve:P-384"}, "P-521": {"EC", "ec_paramgen_curve:P-521"},
		"secp256k1": {"EC", "ec_paramgen_curve:secp256k1"}, "Ed25519": {"ED25519"}, "Ed448": {"ED448"},
		"RSA-1024": {"RSA", "rsa_keygen_bits:1024"}, "RSA-2048": {"RSA", "rsa_keygen_bits:2048"}, "RSA-3072": {"RSA", "rsa_keygen_bits:3072"},
		"RSA-PSS": {"RSA-PSS", "rsa_keygen_bits:2048"},
	}
	shared := t.TempDir() // certificates take a while
	for name, key := range kinds {
		args := []string{"req", "-x509", "-nodes", "-subj", "/CN=localhost", "-keyout", shared + "/" + name + ".key", "-out", shared + "/" + name + ".crt", "-newkey", key[0]}
		if len(key) > 1 {
			args = append(args, "-pkeyopt", key[1])
		}
		if out, err := exec.Command(openssl, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	// start has a server for each kind of certificate that it takes.
	start := func(path string) (*e2e.Server, map[string]bool) {
		const head = `http { ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers ALL:@SECLEVEL=0; ssl_ecdh_curve X25519:prime256v1:secp384r1:secp521r1;`
		site := func(names ...string) string {
			conf := head
			for _, name := range names {
				conf += fmt.Sprintf("\nserver { listen {{%s}} ssl; ssl_certificate %s/%s.crt; ssl_certificate_key %[2]s/%[3]s.key; return 200 one; }",
					strings.ToLower(strings.ReplaceAll(name, "-", "")), shared, name)
			}
			return conf + "\n}"
		}
		taken := map[string]bool{}
		var names []string
		for name := range kinds {
			b := e2e.New(t, site(name))
			if path != "" {
				b.Use(path)
			}
			if r := b.Run("-t"); r.Code == 0 {
				taken[name] = true
				names = append(names, name)
			}
		}
		b := e2e.New(t, site(names...))
		if path != "" {
			b.Use(path)
		}
		b.Launch()
		b.WaitReady()
		return b, taken
	}
	ours, weTake := start("")
	theirs, theyTake := start(nginx)
	var asking sync.WaitGroup
	limit := make(chan struct{}, 8)
	for _, row := range readOffers(t, kinds) {
		accepts := func(b *e2e.Server, taken map[string]bool) bool {
			if !taken[row.server] {
				return false
			}
			_, address := b.Address(strings.ToLower(strings.ReplaceAll(row.server, "-", "")))
			args := append([]string{"s_client", "-connect", address}, strings.Fields(row.options)...)
			if strings.Contains(row.options, "-cipher ") {
				args[len(args)-1] += ":@SECLEVEL=0"
			} else {
				args = append(args, "-cipher", "ALL:@SECLEVEL=0")
			}
			out, _ := exec.Command(openssl, args...).CombinedOutput() // it fails where the offer is refused
			text := string(out)
			return strings.Contains(text, ", Cipher is ") && !strings.Contains(text, "Cipher is (NONE)") && strings.Contains(text, row.sign)
		}
		limit <- struct{}{}
		asking.Go(func() {
			if we, they := accepts(ours, weTake), accepts(theirs, theyTake); we != row.ours || they != row.theirs {
				t.Errorf("%s %s %q: baton %v, nginx %v, the table says %v and %v", row.server, row.options, row.sign, we, they, row.ours, row.theirs)
			}
			<-limit
		})
	}
	asking.Wait()
}
