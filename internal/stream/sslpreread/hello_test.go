package sslpreread

import (
	"crypto/tls"
	"net"
	"testing"
)

// helloOf is what crypto/tls sends first.
func helloOf(t testing.TB, c *tls.Config) []byte {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	go func() {
		_ = tls.Client(far, c).Handshake() // it is never answered
		far.Close()
	}()
	b := make([]byte, 16384)
	n, err := near.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

func TestParse(t *testing.T) {
	c := &tls.Config{ServerName: "Mail.example.com", NextProtos: []string{"h2", "imap"}, InsecureSkipVerify: true}
	whole := helloOf(t, c)
	want := Hello{Version: [2]byte{3, 4}, Host: "Mail.example.com", ALPN: "h2,imap"}
	if got, p := Parse(whole); got != want || p != Complete {
		t.Errorf("%+v, %d", got, p)
	}
	for n := range whole {
		if got, p := Parse(whole[:n]); p != NeedMore || got != (Hello{}) {
			t.Fatalf("of %d bytes: %+v, %d", n, got, p)
		}
	}
	var split []byte // the same message in records of 7 bytes
	for rest := whole[5:]; len(rest) > 0; {
		n := min(7, len(rest))
		split = append(append(split, handshake, 3, 1, 0, byte(n)), rest[:n]...)
		rest = rest[n:]
	}
	if got, p := Parse(split); got != want || p != Complete {
		t.Errorf("in pieces: %+v, %d", got, p)
	}
	c.MaxVersion, c.ServerName, c.NextProtos = tls.VersionTLS12, "", nil
	if got, p := Parse(helloOf(t, c)); got.Host != "" || got.ALPN != "" || p != Complete {
		t.Errorf("%+v, %d", got, p)
	}
}

func TestParseOthers(t *testing.T) {
	for text, want := range map[string]Progress{
		"":                                     NeedMore,
		"GET / HTTP/1.1\r\n":                   NotHello,
		"\x80\x2e\x01\x03\x01":                 Complete, // SSL 2
		"\x16\x02\x01\x00\x05":                 NotHello,
		"\x16\x03\x01\x00\x04\x02\x00\x00\x00": NotHello, // a ServerHello
		"\x16\x03\x01\x00\x04\x01\x00\x00\x01": NotHello, // too short for its version
	} {
		if _, got := Parse([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// What a client sends may be anything; what is cut off anywhere is not complete.
func FuzzParse(f *testing.F) {
	f.Add(helloOf(f, &tls.Config{ServerName: "a.example", NextProtos: []string{"h2"}}))
	f.Add([]byte("\x80\x2e\x01\x03\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, p := Parse(b)
		if p != Complete && h != (Hello{}) {
			t.Errorf("%+v of what is none", h)
		}
		if len(h.Host)+len(h.ALPN) > len(b) {
			t.Errorf("%+v is longer than its source", h)
		}
		validHost(h.Host)
	})
}
