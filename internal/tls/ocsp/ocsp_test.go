package ocsp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"
)

// An authority makes certificates and answers about them.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

var serial atomic.Int64

func issue(t testing.TB, by *authority, template x509.Certificate) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(serial.Add(1))
	template.Subject = pkix.Name{CommonName: "c" + template.SerialNumber.String()}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	template.BasicConstraintsValid = true
	parent, signer := &template, crypto.Signer(key)
	if by != nil {
		parent, signer = by.certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{made, key}
}

// answer signs an answer about c, whose issuer is by.
func answer(t testing.TB, signer, by authority, c *x509.Certificate, template ocsp.Response) []byte {
	t.Helper()
	template.SerialNumber = c.SerialNumber
	if template.ThisUpdate.IsZero() {
		template.ThisUpdate, template.NextUpdate = time.Now(), time.Now().Add(time.Hour)
	}
	if signer != by {
		template.Certificate = signer.certificate
	}
	made, err := ocsp.CreateResponse(by.certificate, signer.certificate, template, signer.key)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestVerify(t *testing.T) {
	root := issue(t, nil, x509.Certificate{IsCA: true})
	other := issue(t, nil, x509.Certificate{IsCA: true})
	leaf := issue(t, &root, x509.Certificate{})
	second := issue(t, &root, x509.Certificate{})
	delegate := issue(t, &root, x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}})
	pool := x509.NewCertPool()
	pool.AddCert(root.certificate)
	past := ocsp.Response{ThisUpdate: time.Now().Add(-2 * time.Hour), NextUpdate: time.Now().Add(-time.Hour)}
	for name, tt := range map[string]struct {
		answer []byte
		status Status
		err    string
		as     func(*Question)
	}{
		"good":              {answer(t, root, root, leaf.certificate, ocsp.Response{}), Good, "", nil},
		"revoked":           {answer(t, root, root, leaf.certificate, ocsp.Response{Status: ocsp.Revoked}), Revoked, "", nil},
		"unknown":           {answer(t, root, root, leaf.certificate, ocsp.Response{Status: ocsp.Unknown}), Unknown, "", nil},
		"delegated":         {answer(t, delegate, root, leaf.certificate, ocsp.Response{}), Good, "", nil},
		"not delegated":     {answer(t, second, root, leaf.certificate, ocsp.Response{}), Unknown, "may not answer", nil},
		"a stranger":        {answer(t, other, root, leaf.certificate, ocsp.Response{}), Unknown, "may not answer", nil},
		"whoever":           {answer(t, other, root, leaf.certificate, ocsp.Response{}), Good, "", func(q *Question) { q.Anybody = true }},
		"about another one": {answer(t, root, root, second.certificate, ocsp.Response{}), Unknown, "d2i_OCSP_RESPONSE() failed", nil},
		"too old":           {answer(t, root, root, leaf.certificate, past), Unknown, "OCSP_check_validity() failed", nil},
		"refused":           {ocsp.TryLaterErrorResponse, Unknown, "not successful (3: try later)", nil},
		"nothing":           {nil, Unknown, "d2i_OCSP_RESPONSE() failed", nil},
		"untrusted issuer":  {answer(t, root, root, leaf.certificate, ocsp.Response{}), Unknown, "OCSP_basic_verify() failed", func(q *Question) { q.Roots = x509.NewCertPool() }},
		"issuer that is ours": {answer(t, root, root, leaf.certificate, ocsp.Response{}), Good, "", func(q *Question) {
			q.Roots, q.Chain = x509.NewCertPool(), []*x509.Certificate{root.certificate}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			q := Question{Certificate: leaf.certificate, Issuer: root.certificate, Roots: pool}
			if tt.as != nil {
				tt.as(&q)
			}
			status, _, err := q.Verify(tt.answer, time.Now())
			if status != tt.status || (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%v, %v", status, err)
			}
		})
	}
}

// responder answers with what reply returns about the certificate's number.
func responder(t *testing.T, reply func(*big.Int) []byte) (url string, asked *atomic.Int32) {
	asked = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		der, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.URL.Path, "/a/"))
		if err != nil {
			t.Error(err)
		}
		question, err := ocsp.ParseRequest(der)
		if err != nil {
			t.Error(err)
			return
		}
		w.Header().Set("Content-Type", "application/ocsp-response")
		_, _ = w.Write(reply(question.SerialNumber)) // the client sees what is missing
	}))
	t.Cleanup(s.Close)
	return s.URL + "/a", asked
}

// until polls.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

func TestStaple(t *testing.T) {
	root := issue(t, nil, x509.Certificate{IsCA: true})
	leaf := issue(t, &root, x509.Certificate{})
	var status atomic.Int32
	url, asked := responder(t, func(*big.Int) []byte {
		return answer(t, root, root, leaf.certificate, ocsp.Response{Status: int(status.Load())})
	})
	to, err := ParseResponder(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := NewFetcher(nil)
	s := &Staple{Fetcher: f, Responder: to, Question: Question{Certificate: leaf.certificate, Issuer: root.certificate, Chain: []*x509.Certificate{root.certificate}}}
	now := time.Now()
	if s.Get(now) != nil {
		t.Error("there is an answer before anybody has asked")
	}
	until(t, "no answer is fetched", func() bool { return s.Get(now) != nil })
	if n := asked.Load(); n != 1 || !bytes.Equal(s.Get(now.Add(50*time.Minute)), s.Get(now)) {
		t.Errorf("asked %d times", n)
	}
	status.Store(ocsp.Revoked)
	until(t, "it is not renewed before it ends", func() bool { return s.Get(now.Add(56*time.Minute)) != nil && asked.Load() == 2 })
	if s.Get(now.Add(56*time.Minute)) == nil {
		t.Error("an answer that is still good is forgotten when the next one is not")
	}
	if s.Get(now.Add(59 * time.Minute)); asked.Load() != 2 {
		t.Error("a responder that has nothing good to say is asked at once again")
	}
	if s.Get(now.Add(61*time.Minute)) != nil {
		t.Error("an answer is given that has ended")
	}
	f.Stop()
	if s.Get(now.Add(3 * time.Hour)); asked.Load() > 3 {
		t.Error("it is asked after the end")
	}
}

func TestStapleEndsWithItsWorker(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	root := issue(t, nil, x509.Certificate{IsCA: true})
	to, err := ParseResponder("http://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	f := NewFetcher(nil)
	s := &Staple{Fetcher: f, Responder: to, Question: Question{Certificate: root.certificate, Issuer: root.certificate}}
	s.Get(time.Now())
	f.Stop() // it would wait for a minute
}

func TestChecker(t *testing.T) {
	root := issue(t, nil, x509.Certificate{IsCA: true})
	middle := issue(t, &root, x509.Certificate{IsCA: true})
	leaf := issue(t, &middle, x509.Certificate{})
	chain := []*x509.Certificate{leaf.certificate, middle.certificate, root.certificate}
	var ofLeaf, ofMiddle atomic.Int32
	url, asked := responder(t, func(n *big.Int) []byte {
		if n.Cmp(leaf.certificate.SerialNumber) == 0 {
			return answer(t, middle, middle, leaf.certificate, ocsp.Response{Status: int(ofLeaf.Load())})
		}
		return answer(t, root, root, middle.certificate, ocsp.Response{Status: int(ofMiddle.Load())})
	})
	to, err := ParseResponder(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &Checker{Responder: to}
	check := func(want string, times int32) {
		t.Helper()
		asked.Store(0)
		if got := c.Check(chain, time.Now()); got != want || asked.Load() != times {
			t.Errorf("%q, want %q; asked %d times, want %d", got, want, asked.Load(), times)
		}
	}
	check("", 2)
	ofMiddle.Store(ocsp.Revoked)
	check("certificate revoked", 2)
	c.LeafOnly = true
	check("", 1)
	ofLeaf.Store(ocsp.Unknown)
	check("certificate status unknown", 1)
	c.Responder = nil
	check("certificate status request failed", 0)
	chain = chain[2:]
	check("", 0)
}

func TestResponder(t *testing.T) {
	lookup := func(name string) ([]netip.Addr, error) {
		if name == "a.test" {
			return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
		}
		return nil, errors.New("no such host")
	}
	for url, want := range map[string]string{
		"http://a.test": "a.test 80 / 192.0.2.1", "HTTP://192.0.2.7:81/x": "192.0.2.7 81 /x/ 192.0.2.7", "http://[::1]:5/": "[::1] 5 / ::1",
		"https://a.test": "invalid URL prefix", "http://": "invalid URL prefix", "http://:80": "no host", "http://a.test:0": "invalid port",
		"http://b.test/": "host not found", "http://::1/": "invalid host", "http://a.test/ x": "invalid host", "http://[a]": "invalid host",
	} {
		r, err := ParseResponder(url, lookup)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = strings.Join([]string{r.Host, big.NewInt(int64(r.port)).String(), r.Path, r.addrs[0].String()}, " ")
		}
		if got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
	if r, err := ParseResponder("http://b.test/", nil); err != nil || r.addrs != nil {
		t.Errorf("%+v, %v", r, err)
	} else if _, err := new(Asker).addresses(context.Background(), r); err == nil || err.Error() != "no resolver defined to resolve b.test" {
		t.Error(err)
	}
}

func TestAnswer(t *testing.T) {
	for text, want := range map[string]string{
		"HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\n\r\nbody\n": "body\n", "HTTP/1.1 200\nX:\n\nbody": "body",
		"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n":        `OCSP responder sent invalid "Content-Type" header: "text/html"`,
		"HTTP/1.0 404 Not Found\r\nContent-Type: text/html\r\n\r\n": `OCSP responder returned status "404"`,
		"HTTP/1.0 200 OK\r\n": errShort.Error(), "": errShort.Error(), "x\r\n\r\n": errInvalid.Error(), "HTTP/1.0 200 OK\r\nx\r\n\r\n": errInvalid.Error(),
	} {
		body, err := parseAnswer([]byte(text))
		if err != nil {
			body = []byte(err.Error())
		}
		if string(body) != want {
			t.Errorf("%q: %q, want %q", text, body, want)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\n\r\nbody"))
	root := issue(f, nil, x509.Certificate{IsCA: true})
	f.Add(append([]byte("HTTP/1.1 200 OK\n\n"), answer(f, root, root, root.certificate, ocsp.Response{})...))
	q := Question{Certificate: root.certificate, Issuer: root.certificate}
	f.Fuzz(func(t *testing.T, text []byte) {
		if body, err := parseAnswer(text); err == nil {
			if status, _, err := q.Verify(body, time.Now()); err != nil && status != Unknown {
				t.Errorf("%v, %v", status, err)
			}
		}
	})
}

func FuzzResponder(f *testing.F) {
	f.Add("http://a.test:80/x")
	f.Add("http://[::1]:5/")
	f.Fuzz(func(t *testing.T, url string) {
		r, err := ParseResponder(url, nil)
		if err == nil && (r.Host == "" || r.port == 0 || !strings.HasPrefix(r.Path, "/") || strings.ContainsAny(r.Host+r.Path, " \r\n")) {
			t.Errorf("%q: %+v", url, r)
		}
	})
}
