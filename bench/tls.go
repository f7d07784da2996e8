package main

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// secured is the inside of a server block that also listens with TLS; the load
// says with which key.
func secured(key string) string {
	return `listen {{tls}} ssl; ssl_certificate {{shared}}/` + key + `.crt; ssl_certificate_key {{shared}}/` + key + `.key;
		ssl_session_cache shared:SSL:1m; location / { return 200 "hello, world\n"; }
		location ~ txt { root {{files}}; }`
}

// writeCertificates writes the certificates of the cases with TLS.
func writeCertificates(dir string) error {
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	modular, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	for name, key := range map[string]crypto.Signer{"ecdsa": elliptic, "rsa": modular} {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			return err
		}
		private, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return err
		}
		for suffix, block := range map[string]*pem.Block{".crt": {Type: "CERTIFICATE", Bytes: der}, ".key": {Type: "PRIVATE KEY", Bytes: private}} {
			if err := os.WriteFile(filepath.Join(dir, name+suffix), pem.EncodeToMemory(block), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// startSecured starts p with TLS at the address that is returned.
func (b *bench) startSecured(ctx context.Context, p program, c *benchCase) (*server, string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, "", err
	}
	with := *c
	with.load.conf = strings.NewReplacer("{{tls}}", addr, "{{shared}}", b.dir, "{{files}}", filepath.Join(b.dir, "html")).Replace(c.load.conf)
	s, err := b.startCase(ctx, p, &with, "")
	return s, addr, err
}

// runTLS measures requests over TLS; the script of the load is the mode: see
// tlsClients.
func runTLS(ctx context.Context, b *bench, c *benchCase) (heading, row string, err error) {
	var servers [2]*server
	var clients [2]*player
	for i, p := range b.programs {
		var addr string
		if servers[i], addr, err = b.startSecured(ctx, p, c); err != nil {
			return loadHeading, "", err
		}
		defer servers[i].stop()
		role := fmt.Sprintf("tls %s %d %s %s", addr, c.load.connections, c.load.script, c.load.path)
		if clients[i], err = play(ctx, loadCore, role, false); err != nil {
			return loadHeading, "", err
		}
		defer clients[i].stop()
		if _, err := messageRound(servers[i], clients[i], time.Second); err != nil { // warm up
			return loadHeading, "", err
		}
	}
	var samples [2][]sample
	for range b.rounds {
		for i := range servers {
			got, err := messageRound(servers[i], clients[i], b.duration)
			if err != nil {
				return loadHeading, "", err
			}
			samples[i] = append(samples[i], got)
		}
	}
	return loadHeading, loadRow(c.name, samples), nil
}

// tlsClients are clients that ask for a path. In mode "keep" each keeps its
// connection; in "full" and "resume" each has a new one for each request, with a
// full handshake or a resumed session.
type tlsClients struct {
	addr, mode, path string
	count            int
}

// loadTLS is the role: see exchangeMessages for what it reads and prints.
func loadTLS(commands io.Reader, results io.Writer, argument string) error {
	words := strings.Fields(argument)
	count, err := strconv.Atoi(words[1])
	if err != nil {
		return err
	}
	k := tlsClients{addr: words[0], count: count, mode: words[2], path: words[3]}
	for lines := bufio.NewScanner(commands); lines.Scan(); {
		milliseconds, err := strconv.Atoi(lines.Text())
		if err != nil {
			return err
		}
		sum, err := k.run(time.Duration(milliseconds) * time.Millisecond)
		if err != nil {
			return err
		}
		fmt.Fprintln(results, sum)
	}
	return nil
}

func (k *tlsClients) run(d time.Duration) (int64, error) {
	var all sync.WaitGroup
	var sum atomic.Int64
	errs := make(chan error, k.count)
	end := time.Now().Add(d)
	for range k.count {
		all.Go(func() {
			config := &tls.Config{ServerName: "bench", InsecureSkipVerify: true, // it is our own
				CurvePreferences: []tls.CurveID{tls.X25519}} // which both have; Go's first choice costs more
			if k.mode == "resume" {
				config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			}
			for time.Now().Before(end) {
				n, err := k.converse(config, end)
				if err != nil {
					errs <- err
					return
				}
				sum.Add(n)
			}
		})
	}
	all.Wait()
	close(errs)
	return sum.Load(), <-errs
}

// converse is one connection; it returns how many requests there were.
func (k *tlsClients) converse(config *tls.Config, end time.Time) (n int64, err error) {
	c, err := tls.Dial("tcp", k.addr, config)
	if err != nil {
		return 0, err
	}
	defer c.NetConn().(*net.TCPConn).SetLinger(0)
	defer c.Close()
	in := bufio.NewReaderSize(c, 64<<10)
	for {
		if _, err := io.WriteString(c, "GET "+k.path+" HTTP/1.1\r\nHost: bench\r\n\r\n"); err != nil {
			return n, err
		}
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			return n, err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		if n++; err != nil || k.mode != "keep" || time.Now().After(end) {
			return n, err
		}
	}
}

// runIdleTLS is runIdle over TLS.
func runIdleTLS(ctx context.Context, b *bench, c *benchCase) (heading, row string, err error) {
	var bytes [2]float64
	count := min(b.idle, 4000)
	for i, p := range b.programs {
		grown, err := b.idleTLSMemory(ctx, p, c, count)
		if err != nil {
			return idleHeading, "", err
		}
		bytes[i] = float64(grown) / float64(count)
	}
	return idleHeading, fmt.Sprintf("| %s | %d | %.0f | %.0f | **%.2f** |\n", c.name, count, bytes[0], bytes[1], bytes[0]/bytes[1]), nil
}

func (b *bench) idleTLSMemory(ctx context.Context, p program, c *benchCase, count int) (int64, error) {
	s, addr, err := b.startSecured(ctx, p, c)
	if err != nil {
		return 0, err
	}
	defer s.stop()
	k := idleClients{addr: addr, config: &tls.Config{InsecureSkipVerify: true}} // it is our own
	defer k.close()
	if err := k.open(ctx, 400); err != nil { // warm up
		return 0, err
	}
	before, err := settled(ctx, s.worker)
	if err != nil {
		return 0, err
	}
	if err := k.open(ctx, count); err != nil {
		return 0, err
	}
	after, err := settled(ctx, s.worker)
	return after - before, err
}
