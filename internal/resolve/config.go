package resolve

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
)

// Config is a resolver directive.
type Config struct {
	Servers []netip.AddrPort // asked in turn; at least one
	Valid   time.Duration    // how long answers are good; 0: as long as they say
	NoIPv4  bool             // ipv4=off: A is not asked for
	NoIPv6  bool             // ipv6=off: AAAA is not asked for
}

// Parse reads args, those of a resolver directive, for the directive d. Errors are
// nginx's sentences.
func Parse(d *conf.Directive, args []string) (*Config, error) {
	c := &Config{}
	for _, arg := range args {
		if err := c.parse(d, arg); err != nil {
			return nil, err
		}
	}
	switch {
	case c.NoIPv4 && c.NoIPv6:
		return nil, d.Errorf(`"ipv4" and "ipv6" cannot both be "off"`)
	case len(c.Servers) == 0:
		return nil, d.Errorf("no name servers defined")
	}
	return c, nil
}

func (c *Config) parse(d *conf.Directive, arg string) error {
	name, value, _ := strings.Cut(arg, "=")
	switch name + "=" {
	case "valid=":
		valid, err := conf.ParseSec(value)
		if err != nil || !strings.Contains(arg, "=") {
			break
		}
		c.Valid = valid
		return nil
	case "ipv4=":
		return setOff(d, arg, value, &c.NoIPv4)
	case "ipv6=":
		return setOff(d, arg, value, &c.NoIPv6)
	case "status_zone=":
		return d.Errorf(`the "status_zone" parameter is not supported`)
	default:
		servers, err := parseServer(d, arg)
		c.Servers = append(c.Servers, servers...)
		return err
	}
	return d.Errorf("invalid parameter: %s", arg)
}

// setOff reads "on" or "off".
func setOff(d *conf.Directive, arg, value string, off *bool) error {
	if value != "on" && value != "off" {
		return d.Errorf("invalid parameter: %s", arg)
	}
	*off = value == "off"
	return nil
}

// parseServer reads the address of a name server: an IP address or a host name,
// and perhaps a port.
func parseServer(d *conf.Directive, arg string) ([]netip.AddrPort, error) {
	host, port, why := splitServer(arg)
	if why != "" {
		return nil, d.Errorf(`%s in resolver "%s"`, why, arg)
	}
	var addrs []netip.Addr
	if ip, err := netip.ParseAddr(host); err == nil && ip.Zone() == "" {
		addrs = append(addrs, ip)
	} else if addrs, err = d.Tree().LookupHost(host); err != nil || len(addrs) == 0 {
		return nil, d.Errorf(`host not found in resolver "%s"`, arg)
	}
	servers := make([]netip.AddrPort, len(addrs))
	for i, ip := range addrs {
		servers[i] = netip.AddrPortFrom(ip, port)
	}
	return servers, nil
}

// splitServer parts a host from its port, and says what is wrong with them.
func splitServer(arg string) (host string, port uint16, why string) {
	if strings.HasPrefix(strings.ToLower(arg), "unix:") {
		return "", 0, "unsupported unix socket"
	}
	host, number, ported := strings.Cut(arg, ":")
	if inside, bracketed := strings.CutPrefix(arg, "["); bracketed {
		var rest string
		var closed bool
		if host, rest, closed = strings.Cut(inside, "]"); !closed {
			return "", 0, "invalid host"
		}
		if number, ported = strings.CutPrefix(rest, ":"); rest != "" && !ported {
			return "", 0, "invalid host"
		}
		if ip, err := netip.ParseAddr(host); err != nil || !ip.Is6() || ip.Zone() != "" {
			return "", 0, "invalid IPv6 address"
		}
	}
	if host == "" {
		return "", 0, "no host"
	}
	if !ported {
		return host, 53, ""
	}
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n == 0 {
		return "", 0, "invalid port"
	}
	return host, uint16(n), ""
}
