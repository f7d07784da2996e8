// Package cidr reads blocks of addresses as nginx's configuration writes them,
// and lists of rules that allow or deny them. It knows no protocol.
package cidr

import (
	"errors"
	"net/netip"
	"strings"
)

// ErrInvalid is returned for what is no block of addresses.
var ErrInvalid = errors.New("invalid address block")

// Parse reads "192.0.2.0/24", "2001:db8::/32", or a single address, which is a
// block of its own. exact is false when bits of the address behind the prefix
// are set; they are cleared in block. An IPv4 address in its IPv6 form is IPv6.
// As in nginx an IPv4 number may have zeros in front, and may be empty for 0.
func Parse(text string) (block netip.Prefix, exact bool, err error) {
	address, length, masked := strings.Cut(text, "/")
	ip, ok := parseIPv4(address)
	if !ok {
		if ip, err = netip.ParseAddr(address); err != nil || !ip.Is6() || ip.Zone() != "" {
			return netip.Prefix{}, false, ErrInvalid
		}
	}
	bits := ip.BitLen()
	if masked {
		if bits, ok = parseLength(length, bits); !ok {
			return netip.Prefix{}, false, ErrInvalid
		}
	}
	block = netip.PrefixFrom(ip, bits).Masked()
	return block, block.Addr() == ip, nil
}

// parseLength reads a number up to most.
func parseLength(text string, most int) (n int, ok bool) {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
		if n = 10*n + int(text[i]-'0'); n > most {
			return 0, false
		}
	}
	return n, text != ""
}

func parseIPv4(text string) (ip netip.Addr, ok bool) {
	var octets [4]byte
	at, octet := 0, 0
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			if octet = 10*octet + int(c-'0'); octet > 255 {
				return ip, false
			}
		case c == '.' && at < 3:
			octets[at] = byte(octet)
			at, octet = at+1, 0
		default:
			return ip, false
		}
	}
	octets[at] = byte(octet)
	// nginx's mark of failure is this very address, which is therefore none.
	return netip.AddrFrom4(octets), at == 3 && octets != [4]byte{255, 255, 255, 255}
}
