package tls

import (
	std "crypto/tls"
	"errors"
	"fmt"
	"strings"
)

// Protocols is a set of versions.
type Protocols uint8

// The words of ssl_protocols. The first two have been accepted by nginx without
// effect since OpenSSL lost them.
const (
	SSLv2 Protocols = 1 << iota
	SSLv3
	TLSv10
	TLSv11
	TLSv12
	TLSv13

	DefaultProtocols = TLSv12 | TLSv13
)

// ProtocolWords are the words by which directives name them.
var ProtocolWords = []struct {
	Word string
	V    Protocols
}{{"SSLv2", SSLv2}, {"SSLv3", SSLv3}, {"TLSv1", TLSv10}, {"TLSv1.1", TLSv11}, {"TLSv1.2", TLSv12}, {"TLSv1.3", TLSv13}}

// Protocol returns the set of one word; zero when there is none.
func Protocol(word string) Protocols {
	for _, p := range ProtocolWords {
		if p.Word == word {
			return p.V
		}
	}
	return 0
}

// limits are the lowest and the highest version of p.
func (p Protocols) limits() (lowest, highest uint16, err error) {
	for i, version := range []uint16{std.VersionTLS10, std.VersionTLS11, std.VersionTLS12, std.VersionTLS13} {
		if p&(TLSv10<<i) == 0 {
			continue
		}
		if lowest == 0 {
			lowest = version
		}
		if highest != 0 && highest != version-1 {
			return 0, 0, errors.New("protocols with a gap between them are not supported")
		}
		highest = version
	}
	if lowest == 0 {
		return 0, 0, errors.New("no protocol of TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3 is left")
	}
	return lowest, highest, nil
}

// VersionName is what OpenSSL calls a version: "TLSv1.3".
func VersionName(version uint16) string {
	switch version {
	case std.VersionTLS10:
		return "TLSv1"
	case std.VersionTLS11:
		return "TLSv1.1"
	case std.VersionTLS12:
		return "TLSv1.2"
	case std.VersionTLS13:
		return "TLSv1.3"
	}
	return fmt.Sprintf("0x%04x", version)
}

// curves are the groups of crypto/tls by the names that OpenSSL knows, in lower
// case.
var curves = map[string]std.CurveID{
	"x25519": std.X25519, "prime256v1": std.CurveP256, "p-256": std.CurveP256, "secp256r1": std.CurveP256,
	"secp384r1": std.CurveP384, "p-384": std.CurveP384, "secp521r1": std.CurveP521, "p-521": std.CurveP521,
	"x25519mlkem768": std.X25519MLKEM768, "secp256r1mlkem768": std.SecP256r1MLKEM768, "secp384r1mlkem1024": std.SecP384r1MLKEM1024,
}

// ParseCurves reads the value of ssl_ecdh_curve. "auto" is nil.
func ParseCurves(list string) ([]std.CurveID, error) {
	if list == "auto" {
		return nil, nil
	}
	var chosen []std.CurveID
	for name := range strings.SplitSeq(list, ":") {
		id, ok := curves[strings.ToLower(name)]
		if !ok {
			return nil, fmt.Errorf(`SSL_CTX_set1_curves_list("%s") failed (SSL: "%s" is not supported)`, list, name)
		}
		chosen = append(chosen, id)
	}
	return chosen, nil
}

// CurveName is what OpenSSL calls a group, as $ssl_curve has it.
func CurveName(id std.CurveID) string {
	switch id {
	case std.CurveP256:
		return "prime256v1"
	case std.CurveP384:
		return "secp384r1"
	case std.CurveP521:
		return "secp521r1"
	case 0:
		return ""
	}
	if name := id.String(); !strings.HasPrefix(name, "CurveID(") {
		return name
	}
	return fmt.Sprintf("0x%04x", uint16(id))
}
