package tls

import (
	std "crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"testing"
)

// Files and names from outside may hold anything.
func FuzzFiles(f *testing.F) {
	f.Add([]byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n"), "HIGH:!aNULL")
	f.Add([]byte{0x30, 0x03, 0x02, 0x01, 0x00}, "ECDHE+AESGCM:-SHA")
	f.Add([]byte("\x0b\x00\x00\x01x\x0f\x00\x00\x02\x04\x03"), "-----")
	f.Fuzz(func(t *testing.T, text []byte, list string) {
		_, _ = parseList(text)
		_ = NameText(text)
		_ = NameLine(text)
		_, _ = ParseCiphers(list)
		_, _ = ParseCurves(list)
		if block, _ := pem.Decode(text); block != nil && len(text) < 1<<10 {
			_, _, _ = parseKey(text, nil)
		}
		_ = schemeIn(text)
		_, _ = new(Server).since(&std.SessionState{Extra: [][]byte{text}}, 0)
		_ = isFor(&x509.Certificate{}, list)
	})
}
