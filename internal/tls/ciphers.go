package tls

import (
	std "crypto/tls"
	"fmt"
	"slices"
	"strings"
)

// A cipherSuite is one of TLS 1.2 and below that crypto/tls has.
type cipherSuite struct {
	id   uint16
	name string // OpenSSL's
	tags string // what OpenSSL calls groups that it is in
}

// ciphers are in the order of preference.
var ciphers = []cipherSuite{
	{std.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE ECDSA AES AES256 AESGCM SHA384 HIGH TLSv1.2"},
	{std.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE aRSA AES AES256 AESGCM SHA384 HIGH TLSv1.2"},
	{std.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE ECDSA CHACHA20 HIGH TLSv1.2"},
	{std.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-RSA-CHACHA20-POLY1305", "ECDHE aRSA CHACHA20 HIGH TLSv1.2"},
	{std.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE ECDSA AES AES128 AESGCM SHA256 HIGH TLSv1.2"},
	{std.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE aRSA AES AES128 AESGCM SHA256 HIGH TLSv1.2"},
	{std.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, "ECDHE-ECDSA-AES128-SHA256", "ECDHE ECDSA AES AES128 SHA256 HIGH TLSv1.2 CBC weak"},
	{std.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, "ECDHE-RSA-AES128-SHA256", "ECDHE aRSA AES AES128 SHA256 HIGH TLSv1.2 CBC weak"},
	{std.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, "ECDHE-ECDSA-AES256-SHA", "ECDHE ECDSA AES AES256 SHA1 HIGH TLSv1 CBC"},
	{std.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, "ECDHE-RSA-AES256-SHA", "ECDHE aRSA AES AES256 SHA1 HIGH TLSv1 CBC"},
	{std.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, "ECDHE-ECDSA-AES128-SHA", "ECDHE ECDSA AES AES128 SHA1 HIGH TLSv1 CBC"},
	{std.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, "ECDHE-RSA-AES128-SHA", "ECDHE aRSA AES AES128 SHA1 HIGH TLSv1 CBC"},
	{std.TLS_RSA_WITH_AES_256_GCM_SHA384, "AES256-GCM-SHA384", "kRSA aRSA AES AES256 AESGCM SHA384 HIGH TLSv1.2"},
	{std.TLS_RSA_WITH_AES_128_GCM_SHA256, "AES128-GCM-SHA256", "kRSA aRSA AES AES128 AESGCM SHA256 HIGH TLSv1.2"},
	{std.TLS_RSA_WITH_AES_128_CBC_SHA256, "AES128-SHA256", "kRSA aRSA AES AES128 SHA256 HIGH TLSv1.2 CBC weak"},
	{std.TLS_RSA_WITH_AES_256_CBC_SHA, "AES256-SHA", "kRSA aRSA AES AES256 SHA1 HIGH SSLv3 CBC"},
	{std.TLS_RSA_WITH_AES_128_CBC_SHA, "AES128-SHA", "kRSA aRSA AES AES128 SHA1 HIGH SSLv3 CBC"},
	{std.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA, "ECDHE-RSA-DES-CBC3-SHA", "ECDHE aRSA 3DES SHA1 MEDIUM SSLv3 CBC weak"},
	{std.TLS_RSA_WITH_3DES_EDE_CBC_SHA, "DES-CBC3-SHA", "kRSA aRSA 3DES SHA1 MEDIUM SSLv3 CBC weak"},
}

// groupNames are OpenSSL's other names of groups.
var groupNames = map[string]string{
	"kECDHE": "ECDHE", "kEECDH": "ECDHE", "EECDH": "ECDHE", "aECDSA": "ECDSA", "RSA": "kRSA", "SHA": "SHA1",
	"TLSv1.0": "TLSv1", "ECDH": "ECDHE",
}

// CipherName is what OpenSSL calls a suite, of TLS 1.3 too.
func CipherName(id uint16) string {
	for i := range ciphers {
		if ciphers[i].id == id {
			return ciphers[i].name
		}
	}
	if name := std.CipherSuiteName(id); strings.HasPrefix(name, "TLS_") {
		return name
	}
	return fmt.Sprintf("0x%04x", id)
}

// An errNoCipher is a list of ciphers of which none can be had.
type errNoCipher struct{ list string }

func (e errNoCipher) Error() string {
	return fmt.Sprintf(`SSL_CTX_set_cipher_list("%s") failed (SSL: error:0A0000B9:SSL routines::no cipher match)`, e.list)
}

// ParseCiphers reads a list such as "HIGH:!aNULL:!MD5"; see openssl-ciphers(1).
// Names of ciphers that crypto/tls does not have select nothing. The order
// decides nothing, as crypto/tls has one of its own; nor has TLS 1.3 anything to
// choose.
func ParseCiphers(list string) ([]uint16, error) {
	var chosen []uint16
	barred := make(map[uint16]bool)
	for _, word := range strings.FieldsFunc(list, func(c rune) bool { return c == ':' || c == ',' || c == ' ' || c == ';' }) {
		op, name := byte(0), word
		if strings.IndexByte("!-+", word[0]) >= 0 {
			op, name = word[0], word[1:]
		}
		if strings.HasPrefix(name, "@") || op == '+' {
			continue // a matter of order
		}
		for i := range ciphers {
			c := &ciphers[i]
			if !c.matches(name) {
				continue
			}
			switch {
			case op != 0:
				chosen = slices.DeleteFunc(chosen, func(id uint16) bool { return id == c.id })
				barred[c.id] = barred[c.id] || op == '!'
			case !barred[c.id] && !slices.Contains(chosen, c.id):
				chosen = append(chosen, c.id)
			}
		}
	}
	if len(chosen) == 0 {
		return nil, errNoCipher{list}
	}
	return chosen, nil
}

// matches reports whether a word of a list means c: its name, or groups that it is
// in all of, joined by "+".
func (c *cipherSuite) matches(word string) bool {
	if word == c.name || word == std.CipherSuiteName(c.id) {
		return true
	}
	tags := strings.Fields(c.tags)
	for part := range strings.SplitSeq(word, "+") {
		if other := groupNames[part]; other != "" {
			part = other
		}
		if part == "ALL" || part == "DEFAULT" || part == "COMPLEMENTOFDEFAULT" {
			if (part == "COMPLEMENTOFDEFAULT") == slices.Contains(tags, "3DES") {
				continue
			}
			return false
		}
		if !slices.Contains(tags, part) {
			return false
		}
	}
	return word != ""
}
