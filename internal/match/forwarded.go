package match

import (
	"net/netip"
	"slices"
)

// Trusted reports whether addr is in one of the networks. A mapped address is
// an IPv4 address.
func Trusted(addr netip.Addr, networks []netip.Prefix) bool {
	addr = addr.Unmap()
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(addr) })
}

// Forwarded is where a request comes from that reached us from addr with the
// header lines of X-Forwarded-For in the order in which they were received. As
// long as the last address is that of a trusted proxy, the one before it counts;
// without recursive only the last address of the last line does.
func Forwarded(addr netip.Addr, lines []string, trusted []netip.Prefix, recursive bool) netip.Addr {
	from, found := ForwardedFrom(addr, lines, func(a netip.Addr) bool { return Trusted(a, trusted) }, recursive)
	if !found {
		return addr
	}
	return from.Addr()
}

// ForwardedFrom is Forwarded with the port, if the lines name one, for proxies
// that trusts knows. It is asked about a zero Addr when addr is one. found is
// false when nothing but addr is known.
func ForwardedFrom(addr netip.Addr, lines []string, trusts func(netip.Addr) bool, recursive bool) (from netip.AddrPort, found bool) {
	for i := len(lines) - 1; i >= 0; i-- {
		for rest := lines[i]; ; {
			if !trusts(addr) {
				return from, found
			}
			var last string
			rest, last = cutLast(rest)
			parsed, ok := ParseAddrPort(last)
			if !ok {
				return from, found
			}
			from, found = parsed, true
			addr = from.Addr()
			if !recursive {
				return from, true
			}
			if rest == "" {
				break
			}
		}
	}
	return from, found
}

// cutLast takes the last word off a list whose words are separated by spaces and
// commas.
func cutLast(list string) (rest, word string) {
	end := len(list)
	for end > 1 && isSeparator(list[end-1]) {
		end--
	}
	start := end
	for start == 1 || start > 1 && !isSeparator(list[start-1]) { // as nginx: what the list begins with is part of a word
		start--
	}
	return list[:max(start-1, 0)], list[start:end]
}

func isSeparator(c byte) bool { return c == ' ' || c == ',' }
