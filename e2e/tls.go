package e2e

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"testing"
	"time"
)

// WriteCertificate writes a new self-signed certificate for localhost and its key
// to NAME.crt and NAME.key below b.Dir, and returns it. kind is "ecdsa" or "rsa".
func (b *Server) WriteCertificate(name, kind string) *x509.Certificate {
	b.t.Helper()
	var key crypto.Signer
	var err error
	if kind == "rsa" {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign | x509.KeyUsageKeyEncipherment,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		b.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		b.t.Fatal(err)
	}
	for suffix, block := range map[string]*pem.Block{".crt": {Type: "CERTIFICATE", Bytes: der}, ".key": {Type: "PRIVATE KEY", Bytes: private}} {
		replaceFile(b.t, b.Path(name+suffix), pem.EncodeToMemory(block))
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		b.t.Fatal(err)
	}
	return made
}

// replaceFile replaces a file at once: nobody sees half of it.
func replaceFile(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", content, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// DialTLS is Dial with TLS over the connection. The certificate is not looked at
// unless config says how.
func (b *Server) DialTLS(name string, config *tls.Config) *Client {
	b.t.Helper()
	c := b.Dial(name)
	if config == nil {
		config = &tls.Config{InsecureSkipVerify: true}
	}
	_ = c.conn.SetDeadline(time.Now().Add(patience))
	conn := tls.Client(c.conn, config)
	if err := conn.Handshake(); err != nil {
		b.t.Fatalf("handshake: %v", err)
	}
	return &Client{t: b.t, conn: conn, in: bufio.NewReader(conn)}
}

// TCP is the TCP connection below a Client.
func (c *Client) TCP() *net.TCPConn {
	conn := c.conn
	if over, ok := conn.(*tls.Conn); ok {
		conn = over.NetConn()
	}
	return conn.(*net.TCPConn)
}
