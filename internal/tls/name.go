package tls

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"strings"
)

// short are OpenSSL's short names of the parts of a name.
var short = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST",
	"2.5.4.9": "street", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.42": "GN", "2.5.4.17": "postalCode",
	"1.2.840.113549.1.9.1": "emailAddress", "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
}

// parts are the parts of a name, and which of them belong together.
func parts(raw []byte) (pkix.RDNSequence, bool) {
	var name pkix.RDNSequence
	rest, err := asn1.Unmarshal(raw, &name)
	return name, err == nil && len(rest) == 0
}

func label(a pkix.AttributeTypeAndValue) string {
	id := a.Type.String()
	if s := short[id]; s != "" {
		return s
	}
	return id
}

// NameText writes a name as RFC 2253 says, the last part first: "CN=a,O=b".
func NameText(raw []byte) string {
	name, ok := parts(raw)
	if !ok {
		return ""
	}
	var b strings.Builder
	for i := len(name) - 1; i >= 0; i-- {
		for j, a := range name[i] {
			switch {
			case j > 0:
				b.WriteByte('+')
			case b.Len() > 0:
				b.WriteByte(',')
			}
			b.WriteString(label(a))
			b.WriteByte('=')
			escapeName(&b, fmt.Sprint(a.Value))
		}
	}
	return b.String()
}

// escapeName escapes as XN_FLAG_RFC2253 does: special and control characters, and
// bytes above ASCII.
func escapeName(b *strings.Builder, s string) {
	for i := range len(s) {
		c := s[i]
		switch {
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(b, `\%02X`, c)
		case strings.IndexByte(`,+"\<>;`, c) >= 0, c == '#' && i == 0, c == ' ' && (i == 0 || i == len(s)-1):
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
}

// NameLine writes a name as OpenSSL's X509_NAME_oneline does: "/O=b/CN=a".
func NameLine(raw []byte) string {
	name, ok := parts(raw)
	if !ok {
		return ""
	}
	var b strings.Builder
	for _, set := range name {
		for _, a := range set {
			b.WriteByte('/')
			b.WriteString(label(a))
			b.WriteByte('=')
			for _, c := range []byte(fmt.Sprint(a.Value)) {
				if c < ' ' || c > '~' {
					fmt.Fprintf(&b, `\x%02X`, c)
				} else {
					b.WriteByte(c)
				}
			}
		}
	}
	return b.String()
}
