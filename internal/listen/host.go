package listen

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"golang.org/x/sys/unix"
)

// A Lookup turns a host name into addresses, in the order of preference. A
// worker's answers from what the master found, so that both see the same.
type Lookup func(host string) ([]netip.Addr, error)

// maxPath is the longest path of a unix socket in bytes: one byte is the
// terminating zero's.
const maxPath = len(unix.RawSockaddrUnix{}.Path) - 1

// The ends of nginx's sentences about an address.
var (
	errNoHost      = errors.New("no host")
	errHost        = errors.New("invalid host")
	errPort        = errors.New("invalid port")
	errPortRange   = errors.New("invalid port range")
	errNoPort      = errors.New("no port")
	errIPv6        = errors.New("invalid IPv6 address")
	errNotFound    = errors.New("host not found")
	errNoPath      = errors.New("no path in the unix domain socket")
	errTooLongPath = errors.New("too long path in the unix domain socket")
)

// ports is a range of ports, first and last included.
type ports struct{ first, last uint16 }

// parseAddresses reads the first argument of a listen directive (ngx_parse_url
// with listen set).
func parseAddresses(text string, defaultPort uint16, lookup Lookup) ([]Address, error) {
	if len(text) >= 5 && strings.EqualFold(text[:5], "unix:") {
		return parseUnix(text[5:])
	}
	var hosts []netip.Addr
	var p ports
	var err error
	if strings.HasPrefix(text, "[") {
		hosts, p, err = parseIPv6(text, defaultPort)
	} else {
		hosts, p, err = parseHost(text, defaultPort, lookup)
	}
	if err != nil {
		return nil, err
	}
	if p.first == 0 {
		return nil, errNoPort
	}
	var found []Address
	for _, h := range hosts {
		for port := int(p.first); port <= int(p.last); port++ {
			found = append(found, TCP(netip.AddrPortFrom(h, uint16(port))))
		}
	}
	return found, nil
}

func parseUnix(path string) ([]Address, error) {
	if path == "" {
		return nil, errNoPath
	}
	if len(path) > maxPath {
		return nil, errTooLongPath
	}
	return []Address{Unix(path)}, nil
}

// parseIPv6 reads "[::1]", "[::1]:80" or "[::1]:80-90".
func parseIPv6(text string, defaultPort uint16) ([]netip.Addr, ports, error) {
	host, rest, ok := strings.Cut(text[1:], "]")
	if !ok || strings.Contains(rest, "/") {
		return nil, ports{}, errHost
	}
	p := ports{defaultPort, defaultPort}
	if rest != "" {
		text, ok := strings.CutPrefix(rest, ":")
		if !ok {
			return nil, ports{}, errHost
		}
		var err error
		if p, err = parsePorts(text); err != nil {
			return nil, ports{}, err
		}
	}
	if host == "" {
		return nil, ports{}, errNoHost
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || !addr.Is6() || addr.Zone() != "" {
		return nil, ports{}, errIPv6
	}
	return []netip.Addr{addr}, p, nil
}

// parseHost reads "80", "80-90", "*", "*:80", "127.0.0.1", "name:80-90".
func parseHost(text string, defaultPort uint16, lookup Lookup) ([]netip.Addr, ports, error) {
	if strings.ContainsAny(text, "/?") {
		return nil, ports{}, errHost
	}
	host, portText, ok := strings.Cut(text, ":")
	p := ports{defaultPort, defaultPort}
	var err error
	switch {
	case ok:
		p, err = parsePorts(portText)
	case isPort(text):
		host = "*"
		p, err = parsePorts(text)
	}
	if err != nil {
		return nil, ports{}, err
	}
	switch {
	case host == "":
		return nil, ports{}, errNoHost
	case host == "*":
		return []netip.Addr{netip.IPv4Unspecified()}, p, nil
	}
	if addr, ok := parseIPv4(host); ok {
		return []netip.Addr{addr}, p, nil
	}
	found, err := find(host, lookup)
	return found, p, err
}

// isPort reports whether text is numbers, "80" or "80-90", rather than a host.
func isPort(text string) bool {
	first, last, ok := strings.Cut(text, "-")
	if _, err := conf.ParseNumber(first); err != nil {
		return false
	}
	if !ok {
		return true
	}
	_, err := conf.ParseNumber(last)
	return err == nil
}

func parsePorts(text string) (ports, error) {
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	to, ok := parsePort(last)
	if !ok {
		return ports{}, errPort
	}
	from, ok := parsePort(first)
	if !ok {
		return ports{}, errPort
	}
	if from > to {
		return ports{}, errPortRange
	}
	return ports{from, to}, nil
}

func parsePort(text string) (uint16, bool) {
	n, err := conf.ParseNumber(text)
	return uint16(n), err == nil && n >= 1 && n <= 65535
}

// parseIPv4 is as lenient as nginx: leading zeros are decimal and an empty
// part is zero. 255.255.255.255 is no address.
func parseIPv4(text string) (netip.Addr, bool) {
	var ip [4]byte
	parts := strings.Split(text, ".")
	if len(parts) != len(ip) {
		return netip.Addr{}, false
	}
	for i, part := range parts {
		if part == "" {
			continue
		}
		n, err := conf.ParseNumber(part)
		if err != nil || n > 255 {
			return netip.Addr{}, false
		}
		ip[i] = byte(n)
	}
	return netip.AddrFrom4(ip), ip != [4]byte{255, 255, 255, 255}
}

func find(host string, lookup Lookup) ([]netip.Addr, error) {
	if lookup == nil {
		lookup = systemLookup
	}
	found, err := lookup(host)
	if err != nil || len(found) == 0 {
		return nil, errNotFound
	}
	addrs := make([]netip.Addr, len(found))
	for i, a := range found {
		addrs[i] = a.Unmap().WithZone("")
	}
	return addrs, nil
}

// systemLookup asks for the families that the machine has addresses of, besides
// the loopback's, as getaddrinfo does under AI_ADDRCONFIG: "localhost" must not
// lead to ::1 where IPv6 is switched off.
func systemLookup(host string) ([]netip.Addr, error) {
	network := "ip"
	own, err := net.InterfaceAddrs()
	if err == nil {
		switch v4, v6 := families(own); {
		case v4 && !v6:
			network = "ip4"
		case v6 && !v4:
			network = "ip6"
		}
	}
	return net.DefaultResolver.LookupNetIP(context.Background(), network, host)
}

func families(own []net.Addr) (v4, v6 bool) {
	for _, a := range own {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil || prefix.Addr().IsLoopback() {
			continue
		}
		if prefix.Addr().Is4() {
			v4 = true
		} else {
			v6 = true
		}
	}
	return v4, v6
}
