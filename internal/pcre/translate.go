package pcre

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A SyntaxError is what is wrong with a pattern, in the words of PCRE.
type SyntaxError struct {
	Reason  string
	Pattern string
	Rest    string // of the pattern, from where it is wrong on
}

func (e *SyntaxError) Error() string {
	if e.Rest == "" {
		return fmt.Sprintf("%s in \"%s\"", e.Reason, e.Pattern)
	}
	return fmt.Sprintf("%s in \"%s\" at \"%s\"", e.Reason, e.Pattern, e.Rest)
}

// flags are the options that (?imsxU) set for the rest of a group.
type flags struct{ fold, multiline, dotAll, extended, ungreedy bool }

// What the engines spell differently stands in a translation as one byte, which
// is otherwise not in it; see spell.
const (
	endText    = "\x01" // the end of the subject, or the newline that it ends in
	boundary   = "\x02" // "\b", between a word and what is none
	noBoundary = "\x03"
)

// A translator turns a pattern into one that package syntax and regexp2 read
// alike.
type translator struct {
	pattern string
	at      int // of the next byte
	out     []byte
	flags   flags
	last    int // where in out the atom begins that a quantifier would repeat; -1: none
	open    []openGroup
	groups  int
	names   []Name

	backtracks bool // assertions, references and the like are in it
	highest    int  // group that is referred to
	highestAt  int
}

// openGroup is a group whose ")" is to come.
type openGroup struct {
	flags flags // to go back to
	start int   // in out
}

// A Name is a named group.
type Name struct {
	Name  string
	Group int
}

func (t *translator) fail(reason string) error {
	return &SyntaxError{Reason: reason, Pattern: t.pattern, Rest: t.pattern[min(t.at, len(t.pattern)):]}
}

// take reads text if it is next.
func (t *translator) take(text string) bool {
	if strings.HasPrefix(t.pattern[t.at:], text) {
		t.at += len(text)
		return true
	}
	return false
}

// atom adds something that can be repeated.
func (t *translator) atom(text string) {
	t.last = len(t.out)
	t.out = append(t.out, text...)
}

func (t *translator) literal(c byte) {
	var s set
	s.add(c)
	if t.flags.fold {
		s.fold()
	}
	t.atom(s.text())
}

func (t *translator) translate() error {
	for t.take("(*UTF8)") || t.take("(*UTF)") || t.take("(*UCP)") {
		// Subjects are bytes all the same.
	}
	for t.at < len(t.pattern) {
		if err := t.item(); err != nil {
			return err
		}
	}
	switch {
	case len(t.open) > 0:
		return t.fail("missing closing parenthesis")
	case t.highest > t.groups:
		t.at = t.highestAt
		return t.fail("reference to non-existent subpattern")
	}
	return nil
}

// item translates one element of the pattern.
func (t *translator) item() error {
	c := t.pattern[t.at]
	if t.flags.extended {
		switch {
		case strings.IndexByte(" \t\n\v\f\r", c) >= 0:
			t.at++
			return nil
		case c == '#':
			_, rest, _ := strings.Cut(t.pattern[t.at:], "\n")
			t.at = len(t.pattern) - len(rest)
			return nil
		}
	}
	switch c {
	case '\\':
		t.at++
		return t.escape()
	case '[':
		return t.bracket()
	case '(':
		return t.group()
	case ')':
		return t.closeGroup()
	case '|':
		t.at++
		t.out = append(t.out, '|')
		t.last = -1
	case '.':
		t.at++
		if t.flags.dotAll {
			t.atom(set{}.negated().text())
		} else {
			t.atom(setOf("\n").negated().text())
		}
	case '^':
		if t.flags.multiline {
			t.assertion(`(?m:^)`)
		} else {
			t.assertion(`\A`)
		}
	case '$':
		if t.flags.multiline {
			t.assertion(`(?m:$)`)
		} else {
			t.assertion(endText)
		}
	case '*', '+', '?':
		t.at++
		return t.repeat(string(rune(c)), t.at-1)
	case '{':
		if low, high, length, ok := braces(t.pattern[t.at:]); ok {
			return t.repeatBraces(low, high, length)
		}
		fallthrough
	default:
		t.at++
		t.literal(c)
	}
	return nil
}

func (t *translator) bracket() error {
	if rest := t.pattern[t.at:]; strings.HasPrefix(rest, "[:") && strings.HasSuffix(rest, ":]") && !strings.Contains(rest[1:len(rest)-1], "]") {
		return t.fail("POSIX named classes are supported only within a class")
	}
	t.at++
	s, err := t.class()
	if err != nil {
		return err
	}
	t.atom(s.text())
	return nil
}

// braces reads "{2}", "{2,}" or "{2,3}"; high is -1 for no limit.
func braces(text string) (low, high, length int, ok bool) {
	inside, _, ok := strings.Cut(text[1:], "}")
	if !ok {
		return 0, 0, 0, false
	}
	first, second, ranged := strings.Cut(inside, ",")
	low, n := number(first)
	if n == 0 || n < len(first) {
		return 0, 0, 0, false
	}
	high = low
	if ranged {
		high, n = number(second)
		if n < len(second) {
			return 0, 0, 0, false
		}
		if n == 0 {
			high = -1
		}
	}
	return low, high, len(inside) + 2, true
}

func (t *translator) repeatBraces(low, high, length int) error {
	start := t.at
	t.at += length - 1
	switch {
	case max(low, high) > 65535:
		return t.fail("number too big in {} quantifier")
	case high >= 0 && high < low:
		return t.fail("numbers out of order in {} quantifier")
	}
	t.at++
	return t.repeat(t.pattern[start:t.at], start)
}

// repeat adds a quantifier, which began at start, and the "?" or "+" behind it.
func (t *translator) repeat(quantifier string, start int) error {
	if t.last < 0 {
		t.at = start
		return t.fail("quantifier does not follow a repeatable item")
	}
	lazy, possessive := t.take("?"), false
	if !lazy {
		possessive = t.take("+")
	}
	t.out = append(t.out, quantifier...)
	switch {
	case possessive:
		t.backtracks = true
		t.out = slices.Insert(t.out, t.last, []byte("(?>")...)
		t.out = append(t.out, ')')
	case lazy != t.flags.ungreedy:
		t.out = append(t.out, '?')
	}
	t.last = -1
	return nil
}

// reference adds a back reference to group n.
func (t *translator) reference(n int) {
	t.backtracks = true
	if n > t.highest {
		t.highest, t.highestAt = n, t.at
	}
	text := `\` + strconv.Itoa(n)
	if t.flags.fold {
		text = `(?i:` + text + `)`
	}
	t.atom(`(?:` + text + `)`)
}
