package referer

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

const (
	shortest = len("http://i.ru") // what is shorter has no host in it
	longest  = 256                // bytes of a host
)

// invalid is $invalid_referer.
func invalid(r *http.Request) (string, bool) {
	if conf.Get[Conf](r.Location().Level()).allows(r) {
		return "", true
	}
	return "1", true
}

func (c *Conf) allows(r *http.Request) bool {
	if !c.named && len(c.regexes) == 0 && len(c.hostRegexes) == 0 {
		return true // nothing is configured
	}
	referer, ok := r.HeaderNamed("referer")
	if !ok {
		return c.none
	}
	address, ok := cutScheme(referer)
	if !ok {
		return c.blocked
	}
	return c.listed(address)
}

// cutScheme returns what follows "http://" or "https://".
func cutScheme(referer string) (address string, ok bool) {
	if len(referer) < shortest {
		return "", false
	}
	for _, scheme := range [...]string{"http://", "https://"} {
		if strings.EqualFold(referer[:len(scheme)], scheme) {
			return referer[len(scheme):], true
		}
	}
	return "", false
}

// listed reports whether an address, "host:port/path", is among the valid ones.
func (c *Conf) listed(address string) bool {
	host, rest := address, ""
	if end := strings.IndexAny(address, "/:"); end >= 0 {
		host, rest = address[:end], address[end:]
	}
	if len(host) > longest {
		return false
	}
	if path, ok := c.hosts.Find(host); ok {
		return path == "" || strings.HasPrefix(rest[max(strings.IndexByte(rest, '/'), 0):], path)
	}
	if len(c.hostRegexes) > 0 {
		low := strings.ToLower(host)
		for _, regex := range c.hostRegexes {
			if regex.Matches(low) {
				return true
			}
		}
	}
	for _, regex := range c.regexes {
		if regex.Matches(address) {
			return true
		}
	}
	return false
}
