package settings

import (
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/tls"
	"github.com/baton-project/baton/internal/variable"
)

// A Subject is what may speak TLS with its client.
type Subject interface {
	variable.Subject
	// TLS is what the handshake has agreed on; nil: there was none.
	TLS() *tls.Info
	// Time is the time, as of the last turn of the reactor.
	Time() time.Time
}

// DeclareVariables declares "$ssl_*".
func DeclareVariables[S Subject](m interface {
	Variable(name string, get variable.Getter[S], flags variable.Flags) error
}) error {
	for _, v := range []struct {
		name string
		get  variable.Getter[S]
	}{
		{"ssl_protocol", of[S](func(i *tls.Info) string { return tls.VersionName(i.Version) })},
		{"ssl_cipher", of[S](func(i *tls.Info) string { return tls.CipherName(i.Suite) })},
		{"ssl_ciphers", of[S](offeredCiphers)},
		{"ssl_curves", of[S](offeredCurves)},
		{"ssl_curve", of[S](func(i *tls.Info) string { return tls.CurveName(i.Curve) })},
		{"ssl_server_name", of[S](func(i *tls.Info) string { return i.ServerName })},
		{"ssl_alpn_protocol", of[S](func(i *tls.Info) string { return i.Protocol })},
		{"ssl_session_reused", of[S](reused)},
		{"ssl_session_id", of[S](func(i *tls.Info) string { return hex.EncodeToString(i.SessionID) })},
		{"ssl_sigalg", of[S](func(i *tls.Info) string { return tls.SchemeName(i.Scheme) })},
		{"ssl_sigalgs", of[S](offeredSchemes)},
		{"ssl_client_sigalg", of[S](func(i *tls.Info) string { return tls.SchemeName(i.PeerScheme) })},
		{"ssl_early_data", of[S](func(*tls.Info) string { return "" })},
		{"ssl_client_verify", of[S](verified)},
		{"ssl_client_cert", ofPeer[S](tabbed)},
		{"ssl_client_raw_cert", ofPeer[S](func(c *x509.Certificate) string { return text(c) + "\n" })},
		{"ssl_client_escaped_cert", ofPeer[S](func(c *x509.Certificate) string { return escaped(text(c) + "\n") })},
		{"ssl_client_s_dn", ofPeer[S](func(c *x509.Certificate) string { return tls.NameText(c.RawSubject) })},
		{"ssl_client_i_dn", ofPeer[S](func(c *x509.Certificate) string { return tls.NameText(c.RawIssuer) })},
		{"ssl_client_s_dn_legacy", ofPeer[S](func(c *x509.Certificate) string { return tls.NameLine(c.RawSubject) })},
		{"ssl_client_i_dn_legacy", ofPeer[S](func(c *x509.Certificate) string { return tls.NameLine(c.RawIssuer) })},
		{"ssl_client_serial", ofPeer[S](serial)},
		{"ssl_client_fingerprint", ofPeer[S](fingerprint)},
		{"ssl_client_v_start", ofPeer[S](func(c *x509.Certificate) string { return c.NotBefore.UTC().Format(timeFormat) })},
		{"ssl_client_v_end", ofPeer[S](func(c *x509.Certificate) string { return c.NotAfter.UTC().Format(timeFormat) })},
		{"ssl_client_v_remain", remaining[S]},
	} {
		if err := m.Variable(v.name, v.get, 0); err != nil {
			return err
		}
	}
	return nil
}

// timeFormat is that of OpenSSL's ASN1_TIME_print.
const timeFormat = "Jan _2 15:04:05 2006 GMT"

// of makes a getter of something about the handshake.
func of[S Subject](get func(*tls.Info) string) variable.Getter[S] {
	return func(r S) (string, bool) {
		info := r.TLS()
		if info == nil {
			return "", false
		}
		value := get(info)
		return value, value != ""
	}
}

// ofPeer makes a getter of something about the client's certificate.
func ofPeer[S Subject](get func(*x509.Certificate) string) variable.Getter[S] {
	return of[S](func(i *tls.Info) string {
		if len(i.Peer) == 0 {
			return ""
		}
		return get(i.Peer[0])
	})
}

func offeredCiphers(i *tls.Info) string {
	names := make([]string, 0, len(i.Suites))
	for _, id := range i.Suites {
		names = append(names, tls.CipherName(id))
	}
	return strings.Join(names, ":")
}

func offeredCurves(i *tls.Info) string {
	names := make([]string, 0, len(i.Curves))
	for _, id := range i.Curves {
		names = append(names, tls.CurveName(id))
	}
	return strings.Join(names, ":")
}

// offeredSchemes has numbers, as nginx has with OpenSSL before version 4.
func offeredSchemes(i *tls.Info) string {
	numbers := make([]string, 0, len(i.Schemes))
	for _, id := range i.Schemes {
		numbers = append(numbers, fmt.Sprintf("0x%04x", uint16(id)))
	}
	return strings.Join(numbers, ":")
}

func reused(i *tls.Info) string {
	if i.Resumed {
		return "r"
	}
	return "."
}

func verified(i *tls.Info) string {
	switch {
	case len(i.Peer) == 0:
		return "NONE"
	case i.Trust != nil:
		return "FAILED:" + i.Trust.Text
	}
	return "SUCCESS"
}

// text is the certificate as PEM, without the last end of line.
func text(c *x509.Certificate) string {
	return strings.TrimSuffix(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})), "\n")
}

// tabbed is text as the continued lines of a header field.
func tabbed(c *x509.Certificate) string { return strings.ReplaceAll(text(c), "\n", "\n\t") }

func escaped(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func serial(c *x509.Certificate) string {
	digits := strings.ToUpper(c.SerialNumber.Text(16))
	if len(digits)%2 == 1 {
		digits = "0" + digits
	}
	return digits
}

func fingerprint(c *x509.Certificate) string {
	sum := sha1.Sum(c.Raw)
	return hex.EncodeToString(sum[:])
}

// remaining is how many days the client's certificate is still valid.
func remaining[S Subject](r S) (string, bool) {
	info := r.TLS()
	if info == nil || len(info.Peer) == 0 {
		return "", false
	}
	left := max(0, info.Peer[0].NotAfter.Sub(r.Time()))
	return strconv.Itoa(int(left / (24 * time.Hour))), true
}
