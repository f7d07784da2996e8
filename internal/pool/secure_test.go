package pool

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	std "crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/freeport"
	"github.com/baton-project/baton/internal/zone"
)

// A pair is a certificate, which is an authority too, with its key.
type pair struct{ cert, key string }

// newPair makes a certificate for localhost.
func newPair(t *testing.T) pair {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pair{
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
	}
}

// write puts the pair into files, for other programs.
func (p pair) write(t *testing.T) (cert, key string) {
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, text := range map[string]string{cert: p.cert, key: p.key} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// redisTLS starts a redis-server that speaks TLS and wants certificates.
func redisTLS(t *testing.T, p pair) int {
	port := freeport.Reserve(t)
	cert, key := p.write(t)
	start(t, port, "redis-server", "--port", "0", "--tls-port", fmt.Sprint(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
		"--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert)
	return port
}

// config trusts the pair, and shows it.
func (p pair) config(t *testing.T, show bool) *std.Config {
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM([]byte(p.cert))
	c := &std.Config{RootCAs: trusted, ServerName: "localhost"}
	if show {
		made, err := std.X509KeyPair([]byte(p.cert), []byte(p.key))
		if err != nil {
			t.Fatal(err)
		}
		c.Certificates = []std.Certificate{made}
	}
	return c
}

// dialTLS connects with TLS until the test ends.
func dialTLS(t *testing.T, port int, c *std.Config) *std.Conn {
	t.Helper()
	conn := std.Client(dial(t, port), c)
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestTLSBothWays(t *testing.T) {
	t.Parallel()
	ours, theirs := newPair(t), newPair(t)
	port := freeport.Reserve(t)
	more := files{"/c.pem": ours.cert, "/k.pem": ours.key, "/s.pem": theirs.cert, "/sk.pem": theirs.key}
	serveFiles(t, pool(port, "redis=true tls_certificate=c.pem tls_certificate_key=/k.pem server_tls=true server_tls_ca=s.pem "+
		"server_tls_certificate=s.pem server_tls_certificate_key=sk.pem", redisTLS(t, theirs), redisTLS(t, theirs)), more, nil)
	value := strings.Repeat("0123456789abcdef", 1<<17) // 2 MB, over a connection of its own
	bulk := fmt.Sprintf("$%d\r\n%s\r\n", len(value), value)
	for _, version := range []uint16{std.VersionTLS12, std.VersionTLS13} {
		config := ours.config(t, false)
		config.MaxVersion = version
		c := dialTLS(t, port, config)
		talk(t, c, cmd("SET", "x", value)+cmd("GET", "x")+cmd("MGET", "x", "none", "x"), "+OK\r\n"+bulk+"*3\r\n"+bulk+"$-1\r\n"+bulk)
		talk(t, c, strings.Repeat(cmd("INCR", "n")+cmd("DEL", "n", "m"), 3000), strings.Repeat(":1\r\n:1\r\n", 3000))
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
			t.Errorf("%q %v after the end", rest, err)
		}
	}
	if out := exchange(t, port, cmd("PING")); strings.Contains(out, "PONG") {
		t.Errorf("a client without TLS got %q", out)
	}
}

// A client over TLS that does not read holds nobody up and loses nothing.
func TestTLSClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	ours := newPair(t)
	port := freeport.Reserve(t)
	w := serveFiles(t, pool(port, "redis=true tls_certificate=c.pem tls_certificate_key=k.pem", redis(t)),
		files{"/c.pem": ours.cert, "/k.pem": ours.key}, nil)
	slow, other := dialTLS(t, port, ours.config(t, false)), dialTLS(t, port, ours.config(t, false))
	value := strings.Repeat("v", 1<<20)
	talk(t, other, cmd("SET", "big", value), "+OK\r\n")
	const n = 20
	go func() { _, _ = io.WriteString(slow, strings.Repeat(cmd("GET", "big"), n)) }()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		w.mu.Lock()
		stalled := len(w.pools[0].servers[0].aside) > 0
		w.mu.Unlock()
		if stalled {
			break
		}
		if time.Now().After(end) {
			t.Fatal("nobody waits for the slow client")
		}
	}
	for range 50 {
		talk(t, other, cmd("GET", "none"), "$-1\r\n")
	}
	talk(t, slow, "", strings.Repeat(fmt.Sprintf("$%d\r\n%s\r\n", len(value), value), n))
}

func TestTLSClientCertificate(t *testing.T) {
	t.Parallel()
	ours, stranger := newPair(t), newPair(t)
	port := freeport.Reserve(t)
	serveFiles(t, pool(port, "redis=true tls_certificate=c.pem tls_certificate_key=k.pem tls_client_ca=c.pem", redis(t)),
		files{"/c.pem": ours.cert, "/k.pem": ours.key}, nil)
	talk(t, dialTLS(t, port, ours.config(t, true)), cmd("PING"), pong)
	talk(t, dialTLS(t, port, ours.config(t, false)), cmd("PING"), "-ERR client sent no required TLS certificate\r\n")
	config := ours.config(t, false)
	config.GetClientCertificate = func(*std.CertificateRequestInfo) (*std.Certificate, error) {
		c := stranger.config(t, true).Certificates[0]
		return &c, nil
	}
	talk(t, dialTLS(t, port, config), cmd("PING"), "-ERR the TLS certificate is not trusted\r\n")
}

// A server whose certificate is from somebody else gets no request.
func TestTLSServerThatIsNotTrusted(t *testing.T) {
	t.Parallel()
	theirs, other := newPair(t), newPair(t)
	back := redisTLS(t, theirs)
	more := files{"/s.pem": theirs.cert, "/sk.pem": theirs.key, "/o.pem": other.cert}
	for options, want := range map[string]string{
		"server_tls_ca=/o.pem": "-ERR TLS handshake failed\r\n",
		"server_tls_ca=/s.pem server_tls_certificate=s.pem server_tls_certificate_key=sk.pem server_tls_name=example.com": "-ERR TLS handshake failed\r\n",
		"server_tls_verify=false server_tls_certificate=s.pem server_tls_certificate_key=sk.pem":                          "+OK\r\n",
	} {
		port := freeport.Reserve(t)
		serveFiles(t, pool(port, "redis=true server_tls=true "+options, back), more, nil)
		talk(t, dial(t, port), cmd("SET", "k", "v"), want)
		if got := exchange(t, port, cmd("SET", "k", strings.Repeat("x", 100_000))); got != want {
			t.Errorf("a large request: %q", got)
		}
	}
}

// The end of a server that takes no handshake is seen in time.
func TestTLSServerThatIsSilent(t *testing.T) {
	t.Parallel()
	back, accept := backend(t)
	port := freeport.Reserve(t)
	serve(t, pool(port, "redis=true timeout=100 server_tls=true server_tls_verify=false", back))
	c := dial(t, port)
	for range 3 {
		_, _ = io.WriteString(c, cmd("GET", "a"))
		accept()
		expect(t, c, "-ERR Connection timed out\r\n")
	}
}

func TestTLSMemcached(t *testing.T) {
	t.Parallel()
	ours := newPair(t)
	cert, key := ours.write(t)
	back := freeport.Reserve(t)
	start(t, back, "memcached", "-u", "nobody", "-l", "127.0.0.1", "-U", "0", "-p", fmt.Sprint(back), "-Z",
		"-o", "ssl_chain_cert="+cert+",ssl_key="+key)
	port := freeport.Reserve(t)
	serveFiles(t, pool(port, "tls_certificate=c.pem tls_certificate_key=k.pem server_tls=true server_tls_ca=c.pem", back),
		files{"/c.pem": ours.cert, "/k.pem": ours.key}, nil)
	c := dialTLS(t, port, ours.config(t, false))
	talk(t, c, "set a 0 0 1\r\nx\r\nget a b\r\nversion\r\n", "STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\nVERSION ")
	value := strings.Repeat("v", 200_000)
	d := dialTLS(t, port, ours.config(t, false))
	talk(t, d, "set b 0 0 200000\r\n"+value+"\r\nget b\r\n", "STORED\r\nVALUE b 0 200000\r\n"+value+"\r\nEND\r\n")
}

func TestTLSConfiguration(t *testing.T) {
	t.Parallel()
	ours, other := newPair(t), newPair(t)
	more := files{"/c.pem": ours.cert, "/k.pem": ours.key, "/ok.pem": other.key, "/bad.pem": "nothing"}
	for options, want := range map[string]string{
		"tls_certificate=c.pem":                                                 `"tls_certificate" needs "tls_certificate_key" in /n.yml:3`,
		"tls_certificate_key=c.pem":                                             `"tls_certificate_key" needs "tls_certificate" in /n.yml:3`,
		"tls_client_ca=c.pem":                                                   `"tls_client_ca" needs "tls_certificate" in /n.yml:3`,
		"tls_certificate=none tls_certificate_key=k.pem":                        `cannot load certificate "/none"`,
		"tls_certificate=c.pem tls_certificate_key=none":                        `cannot load certificate key "/none"`,
		"tls_certificate=c.pem tls_certificate_key=ok.pem":                      `in /n.yml:3`,
		"tls_certificate=c.pem tls_certificate_key=k.pem tls_client_ca=bad.pem": `in /n.yml:5`,
		"server_tls=true":                                                       `"server_tls" needs "server_tls_ca", or "server_tls_verify: false" in /n.yml:3`,
		"server_tls=yes":                                                        `"server_tls: yes" is neither "true" nor "false" in /n.yml:3`,
		"server_tls_ca=c.pem":                                                   `"server_tls_ca" needs "server_tls: true" in /n.yml:3`,
		"server_tls=true server_tls_ca=bad.pem":                                 `in /n.yml:4`,
		"server_tls=true server_tls_ca=c.pem server_tls_certificate=c.pem":      `"server_tls_certificate" needs "server_tls_certificate_key" in /n.yml:5`,
	} {
		_, err := compile(pool(1, options, 2), more, Env{Zones: new(zone.Set)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", options, err)
		}
	}
}
