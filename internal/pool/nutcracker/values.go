package nutcracker

import (
	"errors"
	"math"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/pool/hashkit"
)

// The ends of sentences about a value.
var (
	errNumber = errors.New("is not a number")
	errBool   = errors.New("is neither \"true\" nor \"false\"")
	errPort   = errors.New("has an invalid port")
	errColon  = errors.New("has no port")
	errWeight = errors.New("has an invalid weight")
	errForm   = errors.New("is not \"host:port:weight\" or \"/path:weight\"")
	errPath   = errors.New("has a path that is too long")
)

// maxPath is the longest path of a unix socket.
const maxPath = 107

// keys are what a pool may have; servers is read by itself.
var keys = map[string]func(p *Pool, text string) error{
	"servers":              nil,
	"listen":               func(p *Pool, text string) (err error) { p.Listen, err = parseListen(text); return err },
	"hash":                 (*Pool).setHash,
	"hash_tag":             (*Pool).setTag,
	"distribution":         (*Pool).setDistribution,
	"timeout":              duration(func(p *Pool) *time.Duration { return &p.Timeout }),
	"server_retry_timeout": duration(func(p *Pool) *time.Duration { return &p.RetryTimeout }),
	"backlog":              number(func(p *Pool) *int { return &p.Backlog }),
	"client_connections":   number(func(p *Pool) *int { return &p.ClientConnections }),
	"server_connections":   (*Pool).setServerConnections,
	"server_failure_limit": number(func(p *Pool) *int { return &p.FailureLimit }),
	"redis_db":             number(func(p *Pool) *int { return &p.RedisDB }),
	"redis_auth":           func(p *Pool, text string) error { p.RedisAuth = text; return nil },
	"redis":                boolean(func(p *Pool) *bool { return &p.Redis }),
	"preconnect":           boolean(func(p *Pool) *bool { return &p.Preconnect }),
	"auto_eject_hosts":     boolean(func(p *Pool) *bool { return &p.AutoEjectHosts }),
	"tcpkeepalive":         boolean(func(p *Pool) *bool { return &p.TCPKeepalive }),
	"reuseport":            boolean(func(p *Pool) *bool { return &p.ReusePort }),
}

func (p *Pool) setHash(text string) error {
	h, known := hashkit.Names[text]
	if !known {
		return errors.New("is not a hash function")
	}
	p.HashName, p.Hash = text, h
	return nil
}

func (p *Pool) setTag(text string) error {
	if len(text) != 2 {
		return errors.New("is not two bytes long")
	}
	p.HashTag = text
	return nil
}

func (p *Pool) setDistribution(text string) error {
	d, known := hashkit.Distributions[text]
	if !known {
		return errors.New("is not a distribution")
	}
	p.Distribution = d
	return nil
}

func (p *Pool) setServerConnections(text string) error {
	n, err := digits(text)
	if err != nil {
		return err
	}
	if n == 0 {
		return errors.New("must not be zero")
	}
	p.ServerConnections = n
	return nil
}

func number(field func(*Pool) *int) func(*Pool, string) error {
	return func(p *Pool, text string) error {
		n, err := digits(text)
		*field(p) = n
		return err
	}
}

func duration(field func(*Pool) *time.Duration) func(*Pool, string) error {
	return func(p *Pool, text string) error {
		n, err := digits(text)
		*field(p) = time.Duration(n) * time.Millisecond
		return err
	}
}

func boolean(field func(*Pool) *bool) func(*Pool, string) error {
	return func(p *Pool, text string) error {
		*field(p) = text == "true"
		if text != "true" && text != "false" {
			return errBool
		}
		return nil
	}
}

// digits reads a number without a sign.
func digits(text string) (n int, err error) {
	if text == "" {
		return 0, errNumber
	}
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, errNumber
		}
		if n = n*10 + int(c-'0'); n > math.MaxInt32 {
			return 0, errors.New("is too large")
		}
	}
	return n, nil
}

func port(text string) (int, error) {
	n, err := digits(text)
	if err != nil || n < 1 || n > 65535 {
		return 0, errPort
	}
	return n, nil
}

// parseListen reads "host:port" or "/path [mode]".
func parseListen(text string) (Address, error) {
	a := Address{Text: text, Mode: -1}
	if strings.HasPrefix(text, "/") {
		path, mode, given := strings.Cut(text, " ")
		a.Path = path
		if len(path) > maxPath {
			return a, errPath
		}
		if given {
			return a, a.setMode(mode)
		}
		return a, nil
	}
	at := strings.LastIndexByte(text, ':')
	if at < 0 {
		return a, errColon
	}
	var err error
	a.Host = text[:at]
	a.Port, err = port(text[at+1:])
	return a, err
}

// setMode reads an octal mode; what is none counts as none was given.
func (a *Address) setMode(text string) error {
	mode := 0
	for i, c := range []byte(text) {
		if c < '0' || c > '7' {
			if i > 0 {
				break
			}
			return nil
		}
		if mode = mode*8 + int(c-'0'); mode > 0o777 {
			return errors.New("has a mode over 0777")
		}
	}
	if mode != 0 {
		a.Mode = mode
	}
	return nil
}

// parseServer reads "host:port:weight[ name]" or "/path:weight[ name]".
func parseServer(text string) (Server, error) {
	place, name, named := strings.Cut(text, " ")
	s := Server{Name: name, Address: Address{Text: text, Mode: -1}}
	at := strings.LastIndexByte(place, ':')
	if at < 0 {
		return s, errForm
	}
	weight, err := digits(place[at+1:])
	if err != nil || weight == 0 {
		return s, errWeight
	}
	s.Weight = weight
	place = place[:at]
	if strings.HasPrefix(place, "/") {
		if s.Path = place; len(place) > maxPath {
			return s, errPath
		}
		if !named {
			s.Name = place + ":"
		}
		return s, nil
	}
	if at = strings.LastIndexByte(place, ':'); at < 0 {
		return s, errForm
	}
	if s.Port, err = port(place[at+1:]); err != nil {
		return s, err
	}
	s.Host = place[:at]
	if s.Name == "" {
		if s.Name = place; s.Port == 11211 {
			s.Name = s.Host
		}
	}
	return s, nil
}
