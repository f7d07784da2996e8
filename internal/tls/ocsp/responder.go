package ocsp

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// A Responder is where to ask.
type Responder struct {
	Host  string // as the URL has it
	Path  string // begins and ends with "/"
	port  uint16
	addrs []netip.Addr // known from the configuration
}

// Reasons why a URL is not one of a responder, in nginx's words.
var (
	errPrefix  = errors.New("invalid URL prefix")
	errNoHost  = errors.New("no host")
	errPort    = errors.New("invalid port")
	errHost    = errors.New("invalid host")
	errUnknown = errors.New("host not found")
)

// ParseResponder reads the URL of a responder. lookup finds the addresses of a host
// name; without it names are left to the resolver.
func ParseResponder(url string, lookup func(string) ([]netip.Addr, error)) (*Responder, error) {
	const scheme = "http://"
	if len(url) <= len(scheme) || !strings.EqualFold(url[:len(scheme)], scheme) {
		return nil, errPrefix
	}
	url = url[len(scheme):]
	if strings.ContainsFunc(url, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return nil, errHost
	}
	end := strings.IndexAny(url, "/?")
	if end < 0 {
		end = len(url)
	}
	r := &Responder{Path: url[end:], port: 80}
	if !strings.HasPrefix(r.Path, "/") {
		r.Path = "/" + r.Path
	}
	if !strings.HasSuffix(r.Path, "/") {
		r.Path += "/"
	}
	host, port := url[:end], ""
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host, port = host[:i], host[i+1:]
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return nil, errPort
		}
		r.port = uint16(n)
	}
	r.Host = host
	bare, bracketed := strings.CutPrefix(host, "[")
	ip, err := netip.ParseAddr(strings.TrimSuffix(bare, "]"))
	switch {
	case host == "":
		return nil, errNoHost
	case err == nil && ip.Zone() == "" && ip.Is6() == bracketed:
		r.addrs = []netip.Addr{ip}
	case bracketed || strings.ContainsAny(host, ":[]"):
		return nil, errHost
	case lookup != nil:
		if r.addrs, err = lookup(host); err != nil || len(r.addrs) == 0 {
			return nil, errUnknown
		}
	}
	return r, nil
}
