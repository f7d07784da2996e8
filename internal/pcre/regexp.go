package pcre

import (
	"errors"
	"strings"
	"time"

	"github.com/dlclark/regexp2/v2"
)

// MatchTime bounds one match of an expression that needs backtracking.
const MatchTime = 100 * time.Millisecond

// ErrTooLong is returned by Match when a match took longer than MatchTime.
var ErrTooLong = errors.New("match limit exceeded")

// A Regexp is a compiled expression. Any number of goroutines may use it.
type Regexp struct {
	names  []Name
	groups int
	linear *program
	search *regexp2.Regexp // when linear is nil
}

// Compile compiles a pattern. Letters match without case when fold is true.
// The error is a [*SyntaxError].
func Compile(pattern string, fold bool) (*Regexp, error) {
	t := &translator{pattern: pattern, last: -1, flags: flags{fold: fold}}
	if err := t.translate(); err != nil {
		return nil, err
	}
	re := &Regexp{names: t.names, groups: t.groups}
	if !t.backtracks {
		var err error
		if re.linear, err = newProgram(spell(t.out, `(?-m:$)`, `\b`, `\B`)); err == nil {
			return re, nil
		}
	}
	const word = `[0-9A-Z_a-z]`
	text := spell(t.out, `(?=\n?\z)`,
		`(?:(?<=`+word+`)(?!`+word+`)|(?<!`+word+`)(?=`+word+`))`,
		`(?:(?<=`+word+`)(?=`+word+`)|(?<!`+word+`)(?!`+word+`))`)
	search, err := regexp2.Compile(strings.ReplaceAll(text, `\x{0}-\x{10ffff}`, `\s\S`))
	if err != nil {
		return nil, &SyntaxError{Reason: err.Error(), Pattern: pattern}
	}
	search.MatchTimeout = MatchTime
	re.search = search
	return re, nil
}

// spell puts an engine's words for what the engines have different ones for.
func spell(translation []byte, end, is, isNot string) string {
	return strings.NewReplacer(endText, end, boundary, is, noBoundary, isNot).Replace(string(translation))
}

// Names are the named groups, from left to right.
func (re *Regexp) Names() []Name { return re.names }

// Groups is the number of groups.
func (re *Regexp) Groups() int { return re.groups }

// Match reports whether subject matches. Then bounds, unless it is nil, holds
// where each group begins and ends, -1 for those that have no part in the match;
// group 0 is the whole match. Its length is 2*(Groups()+1).
func (re *Regexp) Match(subject string, bounds []int) (bool, error) {
	if re.linear != nil {
		return re.linear.search(subject, bounds), nil
	}
	runes := make([]rune, len(subject))
	for i := range len(subject) {
		runes[i] = rune(subject[i])
	}
	found := false
	err := re.search.FindRunesMatches(runes, 0, func(m regexp2.MatchView) bool {
		found = true
		for n := range len(bounds) / 2 {
			bounds[2*n], bounds[2*n+1] = -1, -1
			if start, length, ok := m.GroupRange(n); ok {
				bounds[2*n], bounds[2*n+1] = start, start+length
			}
		}
		return false
	})
	if err != nil {
		return false, ErrTooLong
	}
	return found, nil
}
