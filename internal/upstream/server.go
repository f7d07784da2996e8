package upstream

import (
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
)

// addServer is the server directive. defaultPort is 0 in stream{}, where the port
// must be given and there are no hints.
func (c *Config) addServer(d *conf.Directive, defaultPort uint16) error {
	s := Server{Name: d.Args[0], Weight: 1, MaxFails: 1, FailTimeout: 10 * time.Second}
	for _, arg := range d.Args[1:] {
		if err := c.parseParameter(d, &s, arg, defaultPort != 0); err != nil {
			return err
		}
	}
	if s.Service != "" && !s.Resolve {
		return d.Errorf(`service upstream "%s" requires "resolve" parameter`, s.Name)
	}
	u, err := ParseURL(s.Name, defaultPort)
	if err == nil && !s.Resolve {
		err = u.lookUp(d.Tree().LookupHost)
	}
	switch {
	case err != nil:
		return d.Errorf(`%v in upstream "%s"`, err, s.Name)
	case s.Service != "" && !u.NoPort:
		return d.Errorf(`service upstream "%s" may not have port`, s.Name)
	case s.Service != "" && len(u.Addresses) > 0:
		return d.Errorf(`service upstream "%s" requires domain name`, s.Name)
	case defaultPort == 0 && u.Port == 0 && !u.IsUnix() && s.Service == "":
		return d.Errorf(`no port in upstream "%s"`, s.Name)
	}
	s.Addresses = u.Addresses
	if s.Resolve = s.Resolve && len(u.Addresses) == 0; s.Resolve {
		s.Host, s.Port = u.Host, u.Port
	}
	c.Servers = append(c.Servers, s)
	return nil
}

// parseParameter reads one word behind a server's address.
func (c *Config) parseParameter(d *conf.Directive, s *Server, arg string, hints bool) error {
	name, value, hasValue := strings.Cut(arg, "=")
	if hasValue {
		name += "="
	}
	ok := true
	switch name {
	case "weight=":
		ok = parseInt(value, &s.Weight) && s.Weight != 0
	case "max_conns=":
		ok = parseInt(value, &s.MaxConns)
	case "max_fails=":
		ok = parseInt(value, &s.MaxFails)
	case "fail_timeout=":
		ok = parseTime(value, conf.ParseSec, &s.FailTimeout)
	case "slow_start=":
		if c.Method.hashes() {
			return unsupported(d, arg)
		}
		ok = parseTime(value, conf.ParseMsec, &s.SlowStart)
	case "backup":
		if !c.Method.backups() {
			return unsupported(d, arg)
		}
		s.Backup = true
	case "down":
		s.Down = true
	case "drain":
		s.Draining, ok = true, hints
	case "resolve":
		s.Resolve = true
	case "service=":
		if s.Service = value; value == "" {
			return d.Errorf("service is empty")
		}
	case "route=":
		if ok = hints; ok {
			return s.setRoute(d, value)
		}
	default:
		ok = false
	}
	if !ok {
		return d.Errorf(`invalid parameter "%s"`, arg)
	}
	return nil
}

func unsupported(d *conf.Directive, arg string) error {
	return d.Errorf(`balancing method does not support parameter "%s"`, arg)
}

// maxRoute is the length of a digest.
const maxRoute = 32

func (s *Server) setRoute(d *conf.Directive, route string) error {
	switch {
	case route == "":
		return d.Errorf("route is empty")
	case len(route) > maxRoute:
		return d.Errorf("route is longer than %d", maxRoute)
	}
	s.Route = route
	return nil
}

func parseInt(text string, n *int) bool {
	v, err := conf.ParseNumber(text)
	*n = int(v)
	return err == nil
}

func parseTime(text string, parse func(string) (time.Duration, error), to *time.Duration) (ok bool) {
	v, err := parse(text)
	*to = v
	return err == nil
}
