package log

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// A Lookup turns a host name into addresses, in the order of preference. A
// worker's answers from what the master found, so that both see the same.
type Lookup func(host string) ([]netip.Addr, error)

// A Spec is one error_log directive: where to, and down to which level.
type Spec struct {
	Level  Level
	Path   string  // a file as written in the configuration; empty for the other two
	Stderr bool    // "stderr", or "" as nginx has it
	Syslog *Syslog // "syslog:..."
}

// ParseErrorLog reads the arguments of one error_log directive; args[0] is
// where to, the rest are levels. A nil lookup asks the system. Errors are
// nginx's sentences without the place.
func ParseErrorLog(args []string, lookup Lookup) (Spec, error) {
	if len(args) == 0 {
		return Spec{}, errors.New(`invalid number of arguments in "error_log" directive`)
	}
	var s Spec
	switch target := args[0]; {
	case target == "stderr" || target == "":
		s.Stderr = true
	case strings.HasPrefix(target, "memory:"):
		return Spec{}, errors.New(`"memory:" error logs are not supported`)
	case strings.HasPrefix(target, "syslog:"):
		y, err := ParseSyslog(target, lookup)
		if err != nil {
			return Spec{}, err
		}
		s.Syslog = &y
	default:
		s.Path = target
	}
	level, err := parseLevels(args[1:])
	s.Level = level
	return s, err
}

// debugLevels choose parts of nginx's debug log. Ours is one: each of them
// turns all of it on.
var debugLevels = []string{
	"debug_core", "debug_alloc", "debug_mutex", "debug_event",
	"debug_http", "debug_mail", "debug_stream",
}

func parseLevels(words []string) (Level, error) {
	if len(words) == 0 {
		return Error, nil
	}
	var plain, parts bool // an ordinary level was seen; one of debugLevels was
	var level Level
	for _, w := range words {
		if l, ok := ParseLevel(w); ok {
			if plain || parts {
				return 0, fmt.Errorf("duplicate log level \"%s\"", w)
			}
			level, plain = l, true
			continue
		}
		if plain || !slices.Contains(debugLevels, w) {
			return 0, fmt.Errorf("invalid log level \"%s\"", w)
		}
		level, parts = Debug, true
	}
	return level, nil
}

// WithDefault adds the file that nginx adds to the outermost error_log
// directives when none of them names a file or stderr: path, at level error.
func WithDefault(specs []Spec, path string) []Spec {
	for _, s := range specs {
		if s.Syslog == nil {
			return specs
		}
	}
	return append(slices.Clip(specs), Spec{Level: Error, Path: path})
}
