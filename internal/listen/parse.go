package listen

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
)

// Options are the parameters of a listen directive that concern the socket.
type Options struct {
	Backlog   int  // DefaultBacklog unless given
	RcvBuf    int  // bytes; -1 leaves the kernel's
	SndBuf    int  // bytes; -1 leaves the kernel's
	FastOpen  int  // length of the queue; -1 leaves the kernel's
	Deferred  bool // accept when data has come (TCP_DEFER_ACCEPT)
	IPv6Only  bool // on unless given
	ReusePort bool // one socket per worker
	Multipath bool // MPTCP
	KeepAlive KeepAlive
	Bind      bool // a socket of its own even if *:port is listened on
	Set       bool // any of these was given

	// Of a unix socket's file: Mode is its mode, 0 for nginx's 0666 and -1 for
	// what the umask leaves; Replace removes a socket that is there already.
	Mode    int
	Replace bool
}

// KeepAlive is so_keepalive. Zero values leave the kernel's.
type KeepAlive struct {
	Mode     KeepAliveMode
	Idle     time.Duration // whole seconds
	Interval time.Duration // whole seconds
	Count    int
}

// KeepAliveMode is whether accepted sockets have SO_KEEPALIVE.
type KeepAliveMode uint8

// The zero value leaves the kernel's default.
const (
	KeepAliveUnset KeepAliveMode = iota
	KeepAliveOn
	KeepAliveOff
)

// DefaultBacklog is nginx's on Linux.
const DefaultBacklog = 511

// DefaultOptions are those of a listen directive without parameters.
func DefaultOptions() Options {
	return Options{Backlog: DefaultBacklog, RcvBuf: -1, SndBuf: -1, FastOpen: -1, IPv6Only: true}
}

// Directive is one parsed listen directive.
type Directive struct {
	Addresses []Address // at least one; several for a port range or a host name; none twice
	Options   Options
	Words     []string // parameters that are not the socket's, in order: default_server, ssl, ...

	backlog bool // was given
}

// Parse reads the arguments of a listen directive. defaultPort is used when the
// address has none; 0 makes that an error. A nil lookup asks the system. Errors
// are nginx's sentences without the place. A word that its caller does not know
// either is the caller's to refuse: invalid parameter "x".
func Parse(args []string, defaultPort uint16, lookup Lookup) (*Directive, error) {
	if len(args) == 0 {
		return nil, errors.New(`invalid number of arguments in "listen" directive`)
	}
	found, err := parseAddresses(args[0], defaultPort, lookup)
	if err != nil {
		return nil, fmt.Errorf("%w in \"%s\" of the \"listen\" directive", err, args[0])
	}
	d := &Directive{Options: DefaultOptions()}
	seen := make(map[Address]bool, len(found))
	for _, a := range found {
		if !seen[a] {
			seen[a] = true
			d.Addresses = append(d.Addresses, a)
		}
	}
	for _, word := range args[1:] {
		d.backlog = d.backlog || strings.HasPrefix(word, "backlog=")
		mine, err := d.Options.parse(word)
		if err != nil {
			return nil, err
		}
		if !mine {
			d.Words = append(d.Words, word)
		}
	}
	return d, nil
}

// parse takes one parameter, if it is the socket's.
func (o *Options) parse(word string) (mine bool, err error) {
	name, value, hasValue := strings.Cut(word, "=")
	if hasValue {
		mine, err = o.parseValue(name, value, word)
	} else {
		mine = o.parseFlag(word)
	}
	if mine {
		o.Set, o.Bind = true, true
	}
	return mine, err
}

func (o *Options) parseFlag(word string) (mine bool) {
	switch word {
	case "bind": // as every parameter of the socket does
	case "deferred":
		o.Deferred = true
	case "reuseport":
		o.ReusePort = true
	case "multipath":
		o.Multipath = true
	default:
		return false
	}
	return true
}

func (o *Options) parseValue(name, value, word string) (mine bool, err error) {
	switch name {
	case "backlog":
		o.Backlog, err = number(conf.ParseNumber(value))
		if o.Backlog == 0 {
			err = conf.ErrInvalidNumber
		}
	case "rcvbuf":
		o.RcvBuf, err = number(conf.ParseSize(value))
	case "sndbuf":
		o.SndBuf, err = number(conf.ParseSize(value))
	case "fastopen":
		o.FastOpen, err = number(conf.ParseNumber(value))
	case "so_keepalive":
		return true, o.KeepAlive.parse(value)
	case "ipv6only":
		return o.parseIPv6Only(value)
	case "accept_filter":
		return true, fmt.Errorf("accept filters \"%s\" are not supported on this platform", word)
	default:
		return false, nil
	}
	if err != nil {
		return true, fmt.Errorf("invalid %s \"%s\"", name, word)
	}
	return true, nil
}

// number is for setsockopt, which takes no more than 31 bits.
func number(n int64, err error) (int, error) { return int(min(n, math.MaxInt32)), err }

func (o *Options) parseIPv6Only(value string) (mine bool, err error) {
	switch {
	case value == "on":
		o.IPv6Only = true
	case value == "off":
		o.IPv6Only = false
	case strings.HasPrefix(value, "o"):
		return true, fmt.Errorf("invalid ipv6only flags \"%s\"", value)
	default:
		return false, nil
	}
	return true, nil
}

// parse reads on, off, or idle:interval:count with any of them left out.
func (k *KeepAlive) parse(value string) error {
	*k = KeepAlive{Mode: KeepAliveOn}
	switch value {
	case "on":
		return nil
	case "off":
		k.Mode = KeepAliveOff
		return nil
	}
	parts := strings.SplitN(value, ":", 3)
	parts = append(parts, "", "")
	var err error
	if parts[0] != "" {
		k.Idle, err = conf.ParseSec(parts[0])
	}
	if parts[1] != "" && err == nil {
		k.Interval, err = conf.ParseSec(parts[1])
	}
	if parts[2] != "" && err == nil {
		k.Count, err = number(conf.ParseNumber(parts[2]))
	}
	if err != nil || *k == (KeepAlive{Mode: KeepAliveOn}) {
		return fmt.Errorf("invalid so_keepalive value: \"%s\"", value)
	}
	return nil
}
