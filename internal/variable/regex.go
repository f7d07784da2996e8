package variable

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/pcre"
)

// A Regex is a regular expression of the configuration. After a match its
// groups are "$1" to "$9" of the subject, and its named groups are variables.
type Regex[S Subject] struct {
	compiled *pcre.Regexp
	pattern  string
	named    []namedGroup[S]
}

type namedGroup[S Subject] struct {
	index    int
	variable *Variable[S]
}

// CompileRegex compiles pattern, an argument of d. Letters match without case
// when fold is true.
func CompileRegex[S Subject](d *conf.Directive, pattern string, fold bool) (*Regex[S], error) {
	compiled, err := pcre.Compile(pattern, fold)
	if err != nil {
		return nil, d.Errorf("pcre2_compile() failed: %v", err)
	}
	return &Regex[S]{compiled: compiled, pattern: pattern}, nil
}

// Bind declares the variables of the named groups, which have no value until the
// expression matches. It is called once.
func (re *Regex[S]) Bind(m Declarer[S]) error {
	for _, name := range re.compiled.Names() {
		v, err := m.SettableOr(name.Name, Missing[S])
		if err != nil {
			return err
		}
		v.get = Missing[S] // as nginx: rather than what else declared the name
		re.named = append(re.named, namedGroup[S]{name.Group, v})
	}
	return nil
}

// Groups is the number of groups in the expression.
func (re *Regex[S]) Groups() int { return re.compiled.Groups() }

// Matches reports whether subject matches, and leaves the captures alone.
func (re *Regex[S]) Matches(subject string) bool {
	ok, err := re.compiled.Match(subject, nil)
	return ok && err == nil
}

// Match reports whether subject matches, and if so makes its groups the
// captures of s. subject must stay valid as long as s. A match that
// takes too long is none, and is logged.
func (re *Regex[S]) Match(s S, subject string) bool {
	size := 2 * (re.compiled.Groups() + 1)
	state := s.Variables()
	bounds := state.CaptureAt[:cap(state.CaptureAt)]
	if len(bounds) < size {
		bounds = make([]int, size)
	}
	bounds = bounds[:size]
	ok, err := re.compiled.Match(subject, bounds)
	if err != nil {
		const matchLimit = -47 // PCRE2_ERROR_MATCHLIMIT
		s.Logf(log.Alert, "pcre2_match() failed: %d on \"%s\" using \"%s\"", matchLimit, subject, re.pattern)
	}
	if !ok {
		return false
	}
	state.Captured, state.CaptureAt = subject, bounds
	for _, g := range re.named {
		g.variable.Set(s, group(subject, bounds, g.index))
	}
	return true
}
