package log

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxTag is RFC 3164's bound on a tag in bytes.
const maxTag = 32

// syslogPort is where a server listens if its port is not given.
const syslogPort = 514

// Syslog is a destination "syslog:server=...". It is comparable: equal ones
// share a socket.
type Syslog struct {
	Server     string         // "127.0.0.1:514" or "unix:/dev/log", for messages
	Addr       netip.AddrPort // where to, unless Path is set
	Path       string         // a datagram socket's path
	Facility   int            // RFC 3164's number; nginx's default is 23, local7
	Severity   int            // of access log lines, 6 (info) by default; error logs use each line's own
	Tag        string         // "nginx" by default
	NoHostname bool
}

var facilities = []string{
	"kern", "user", "mail", "daemon", "auth", "intern", "lpr", "news", "uucp",
	"clock", "authpriv", "ftp", "ntp", "audit", "alert", "cron", "local0",
	"local1", "local2", "local3", "local4", "local5", "local6", "local7",
}

// ParseSyslog reads a destination that starts with "syslog:". A nil lookup asks
// the system. Errors are nginx's sentences without the place.
func ParseSyslog(target string, lookup Lookup) (Syslog, error) {
	s := Syslog{Facility: 23, Severity: 6, Tag: "nginx"}
	given := make(map[string]bool)
	for word := range strings.SplitSeq(strings.TrimPrefix(target, "syslog:"), ",") {
		if word == "nohostname" {
			s.NoHostname = true
			continue
		}
		name, value, ok := strings.Cut(word, "=")
		if !ok || !slices.Contains([]string{"server", "facility", "severity", "tag"}, name) {
			return Syslog{}, fmt.Errorf("unknown syslog parameter \"%s\"", word)
		}
		if given[name] {
			return Syslog{}, fmt.Errorf("duplicate syslog \"%s\"", name)
		}
		given[name] = true
		if err := s.set(name, value, lookup); err != nil {
			return Syslog{}, err
		}
	}
	if !given["server"] {
		return Syslog{}, errors.New("no syslog server specified")
	}
	return s, nil
}

func (s *Syslog) set(name, value string, lookup Lookup) error {
	switch name {
	case "server":
		if err := s.setServer(value, lookup); err != nil {
			return fmt.Errorf("%w in syslog server \"%s\"", err, value)
		}
	case "facility":
		if s.Facility = slices.Index(facilities, value); s.Facility < 0 {
			return fmt.Errorf("unknown syslog facility \"%s\"", value)
		}
	case "severity": // error_log's words, not RFC 3164's "err" and "warning"
		level, ok := ParseLevel(value)
		if !ok {
			return fmt.Errorf("unknown syslog severity \"%s\"", value)
		}
		s.Severity = int(level) - 1
	case "tag":
		s.Tag = value
		return checkTag(value)
	}
	return nil
}

func checkTag(tag string) error {
	if len(tag) > maxTag {
		return fmt.Errorf("syslog tag length exceeds %d", maxTag)
	}
	for _, c := range []byte(tag) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && !('0' <= c && c <= '9') && c != '_' {
			return errors.New("syslog \"tag\" only allows alphanumeric characters and underscore")
		}
	}
	return nil
}

// setServer reads "unix:/path", "host", "host:port", "[::1]" or "[::1]:port".
func (s *Syslog) setServer(text string, lookup Lookup) error {
	if len(text) >= 5 && strings.EqualFold(text[:5], "unix:") {
		s.Path = text[5:]
		s.Server = text
		if s.Path == "" {
			return errors.New("no path in the unix domain socket")
		}
		if len(s.Path) >= len(unix.RawSockaddrUnix{}.Path) {
			return errors.New("too long path in the unix domain socket")
		}
		return nil
	}
	host, port, err := splitHostPort(text)
	if err != nil {
		return err
	}
	addr, err := findHost(host, lookup)
	if err != nil {
		return err
	}
	s.Addr = netip.AddrPortFrom(addr, port)
	s.Server = s.Addr.String()
	return nil
}

// splitHostPort keeps the brackets of an IPv6 address on the host.
func splitHostPort(text string) (host string, port uint16, err error) {
	end := strings.IndexByte(text, ':')
	if strings.HasPrefix(text, "[") {
		end = strings.IndexByte(text, ']') + 1
		if end == 0 || end < len(text) && text[end] != ':' {
			return "", 0, errors.New("invalid host")
		}
	} else if strings.ContainsAny(text, "/?") {
		return "", 0, errors.New("invalid host")
	}
	if end < 0 || end == len(text) {
		end, port = len(text), syslogPort
	} else {
		n, err := strconv.ParseUint(text[end+1:], 10, 16)
		if err != nil || n == 0 {
			return "", 0, errors.New("invalid port")
		}
		port = uint16(n)
	}
	if host = text[:end]; host == "" || host == "[]" {
		return "", 0, errors.New("no host")
	}
	return host, port, nil
}

func findHost(host string, lookup Lookup) (netip.Addr, error) {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return netip.Addr{}, errors.New("invalid IPv6 address")
		}
		return addr, nil
	}
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is4() {
		return addr, nil
	}
	if lookup == nil {
		lookup = systemLookup
	}
	found, err := lookup(host)
	if err != nil || len(found) == 0 {
		return netip.Addr{}, errors.New("host not found")
	}
	return found[0].Unmap(), nil
}

func systemLookup(host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(context.Background(), "ip", host)
}

// sockaddr returns the address family and the address to connect to.
func (s *Syslog) sockaddr() (family int, addr unix.Sockaddr) {
	switch {
	case s.Path != "":
		return unix.AF_UNIX, &unix.SockaddrUnix{Name: s.Path}
	case s.Addr.Addr().Is4():
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(s.Addr.Port()), Addr: s.Addr.Addr().As4()}
	}
	return unix.AF_INET6, &unix.SockaddrInet6{Port: int(s.Addr.Port()), Addr: s.Addr.Addr().As16()}
}
