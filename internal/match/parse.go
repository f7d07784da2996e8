package match

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"

	"github.com/baton-project/baton/internal/cidr"
)

// none is the address that stands for "no IPv4 address" in nginx: it is what a
// client without one is looked up as, and no address of a configuration.
const none = 0xffffffff

// ParseAddr reads an address without a port. 255.255.255.255 is none.
func ParseAddr(text string) (addr netip.Addr, ok bool) {
	if strings.IndexByte(text, '/') >= 0 {
		return addr, false
	}
	block, _, err := cidr.Parse(text)
	return block.Addr(), err == nil
}

// parseIPv4 reads an IPv4 address as a number.
func parseIPv4(text string) (uint32, bool) {
	addr, ok := ParseAddr(text)
	if !ok || !addr.Is4() {
		return 0, false
	}
	return narrowOf(addr), true
}

func narrowOf(addr netip.Addr) uint32 {
	bytes := addr.As4()
	return binary.BigEndian.Uint32(bytes[:])
}

// ParseAddrPort reads an address with or without a port: "192.0.2.1:80", "::1",
// "[::1]:80", "[::1]".
//
// The port is 0 when there is none.
func ParseAddrPort(text string) (netip.AddrPort, bool) {
	if addr, ok := ParseAddr(text); ok {
		return netip.AddrPortFrom(addr, 0), true
	}
	host, port, ok := strings.Cut(text, ":")
	if strings.HasPrefix(text, "[") {
		if host, ok = strings.CutSuffix(text[1:], "]"); ok {
			addr, ok := ParseAddr(host)
			return netip.AddrPortFrom(addr, 0), ok
		}
		host, port, ok = strings.Cut(text[1:], "]:")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if !ok || err != nil || n == 0 {
		return netip.AddrPort{}, false
	}
	addr, ok := ParseAddr(host)
	return netip.AddrPortFrom(addr, uint16(n)), ok
}
