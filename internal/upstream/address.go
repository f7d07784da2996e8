package upstream

import (
	"errors"
	"net/netip"
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/poll"
)

// An Address is where a server listens. It is comparable; the zero value is no
// address.
type Address struct {
	poll.Endpoint
	// Name is the address in logs and $upstream_addr: "127.0.0.1:80",
	// "[::1]:80", "unix:/run/x.sock".
	Name string
}

// TCP returns the address of an IP address and port.
func TCP(ip netip.AddrPort) Address {
	return Address{Endpoint: poll.Endpoint{IP: ip}, Name: ip.String()}
}

// Unix returns the address of a unix socket.
func Unix(path string) Address {
	return Address{Endpoint: poll.Endpoint{Path: path}, Name: "unix:" + path}
}

// A URL is what stands for a server in a configuration, or in a variable:
// "host", "host:port", "1.2.3.4:port", "[::1]:port", "unix:/path".
type URL struct {
	Text string
	Host string // without port; of a unix socket its path
	Port uint16 // the default when NoPort; 0 of a unix socket
	// NoPort: no port was given.
	NoPort bool
	// Addresses is empty when Host is a name that was not looked up.
	Addresses []Address
}

// IsUnix reports whether the URL is a unix socket's.
func (u *URL) IsUnix() bool { return len(u.Addresses) == 1 && u.Addresses[0].Path != "" }

// ParseURL reads a server's address and does not look up names. Errors are
// nginx's: "invalid port", "no host".
func ParseURL(text string, defaultPort uint16) (URL, error) {
	u := URL{Text: text}
	switch {
	case len(text) >= 5 && strings.EqualFold(text[:5], "unix:"):
		return u, u.parseUnix(text[5:])
	case strings.HasPrefix(text, "["):
		return u, u.parseIPv6(text, defaultPort)
	}
	return u, u.parseHost(text, defaultPort)
}

// maxUnixPath is what fits into a sockaddr_un with its final zero.
const maxUnixPath = 107

func (u *URL) parseUnix(path string) error {
	switch {
	case path == "":
		return errors.New("no path in the unix domain socket")
	case len(path) > maxUnixPath:
		return errors.New("too long path in the unix domain socket")
	}
	u.Host = path
	u.Addresses = []Address{{Endpoint: poll.Endpoint{Path: path}, Name: u.Text}}
	return nil
}

var (
	errHost = errors.New("invalid host")
	errPort = errors.New("invalid port")
)

func (u *URL) parseIPv6(text string, defaultPort uint16) error {
	end := strings.IndexByte(text, ']')
	if end < 0 || strings.IndexByte(text[end:], '/') >= 0 {
		return errHost
	}
	if err := u.parsePort(text[end+1:], defaultPort); err != nil {
		return err
	}
	if end == 1 {
		return errors.New("no host")
	}
	u.Host = text[:end+1]
	ip, err := netip.ParseAddr(text[1:end])
	if err != nil || !ip.Is6() || ip.Zone() != "" {
		return errors.New("invalid IPv6 address")
	}
	u.Addresses = []Address{TCP(netip.AddrPortFrom(ip, u.Port))}
	return nil
}

// parsePort reads "" or ":port".
func (u *URL) parsePort(text string, defaultPort uint16) error {
	if text == "" {
		u.NoPort, u.Port = true, defaultPort
		return nil
	}
	if text[0] != ':' {
		return errHost
	}
	n, err := conf.ParseNumber(text[1:])
	if err != nil || n < 1 || n > 65535 {
		return errPort
	}
	u.Port = uint16(n)
	return nil
}

func (u *URL) parseHost(text string, defaultPort uint16) error {
	if strings.ContainsAny(text, "/?") {
		return errHost
	}
	colon := strings.IndexByte(text, ':')
	if colon < 0 {
		colon = len(text)
	}
	if err := u.parsePort(text[colon:], defaultPort); err != nil {
		return err
	}
	if colon == 0 {
		return errors.New("no host")
	}
	u.Host = text[:colon]
	if ip, err := netip.ParseAddr(u.Host); err == nil && ip.Is4() {
		u.Addresses = []Address{TCP(netip.AddrPortFrom(ip, u.Port))}
	}
	return nil
}

// lookUp finds the addresses of a name.
func (u *URL) lookUp(lookup func(string) ([]netip.Addr, error)) error {
	if len(u.Addresses) > 0 {
		return nil
	}
	found, err := lookup(u.Host)
	if err != nil || len(found) == 0 {
		return errors.New("host not found")
	}
	for _, ip := range found {
		u.Addresses = append(u.Addresses, TCP(netip.AddrPortFrom(ip.WithZone(""), u.Port)))
	}
	return nil
}

// CutURI splits "host:port/path?args", or "unix:/path:/path?args", into the
// address and the rest.
func CutURI(text string) (address, uri string) {
	from := 0
	switch {
	case len(text) >= 5 && strings.EqualFold(text[:5], "unix:"):
		if i := strings.IndexByte(text[5:], ':'); i >= 0 {
			return text[:5+i], text[5+i+1:]
		}
		return text, ""
	case strings.HasPrefix(text, "["):
		from = strings.IndexByte(text, ']') + 1
		if i := strings.IndexByte(text[from:], '/'); i >= 0 {
			return text[:from+i], text[from+i:]
		}
		return text, ""
	}
	if i := strings.IndexAny(text, "/?"); i >= 0 {
		return text[:i], text[i:]
	}
	return text, ""
}
