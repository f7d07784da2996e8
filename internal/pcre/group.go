package pcre

import (
	"strings"
)

const maxName = 32 // bytes in the name of a group

// group reads a "(" and what follows it up to the group's content.
func (t *translator) group() error {
	rest := t.pattern[t.at:]
	t.at++
	if strings.HasPrefix(rest, "(*") {
		return t.fail("(*VERB) not recognized or malformed")
	}
	if !strings.HasPrefix(rest, "(?") {
		t.groups++
		t.enter("(")
		return nil
	}
	for _, kind := range []string{"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>"} {
		if strings.HasPrefix(rest, kind) {
			t.at += len(kind) - 1
			t.backtracks = t.backtracks || kind != "(?:"
			t.enter(kind)
			return nil
		}
	}
	t.at++
	switch {
	case t.take("#"):
		end := strings.IndexByte(t.pattern[t.at:], ')')
		if end < 0 {
			t.at = len(t.pattern)
			return t.fail("missing ) after (?# comment")
		}
		t.at += end + 1
		return nil
	case t.take("<"), t.take("P<"):
		return t.namedGroup('>')
	case t.take("'"):
		return t.namedGroup('\'')
	case t.take("P="):
		name, _, ok := strings.Cut(t.pattern[t.at:], ")")
		if !ok {
			return t.fail("syntax error in subpattern name (missing terminator?)")
		}
		t.at += len(name) + 1
		return t.referenceTo(name)
	case t.take("P>"), t.take("&"), t.take("R"), t.at < len(t.pattern) && '0' <= t.pattern[t.at] && t.pattern[t.at] <= '9':
		return t.fail("recursion is not supported")
	case t.take("P"):
		return t.fail("unrecognized character after (?P")
	case t.take("("):
		return t.fail("conditional groups are not supported")
	case t.take("|"):
		return t.fail("branch reset is not supported")
	case t.take("C"):
		return t.fail("callouts are not supported")
	}
	return t.options()
}

// enter opens a group.
func (t *translator) enter(text string) {
	t.open = append(t.open, openGroup{flags: t.flags, start: len(t.out)})
	t.out = append(t.out, text...)
	t.last = -1
}

func (t *translator) closeGroup() error {
	if len(t.open) == 0 {
		return t.fail("unmatched closing parenthesis")
	}
	g := t.open[len(t.open)-1]
	t.open = t.open[:len(t.open)-1]
	t.at++
	t.out = append(t.out, ')')
	t.flags, t.last = g.flags, g.start
	return nil
}

// namedGroup reads a name up to its terminator, and opens the group.
func (t *translator) namedGroup(terminator byte) error {
	start := t.at
	for t.at < len(t.pattern) && isWord(t.pattern[t.at]) {
		t.at++
	}
	name := t.pattern[start:t.at]
	switch {
	case name == "":
		return t.fail("subpattern name expected")
	case '0' <= name[0] && name[0] <= '9':
		t.at = start
		return t.fail("subpattern name must start with a non-digit")
	case len(name) > maxName:
		return t.fail("subpattern name is too long (maximum 32 code units)")
	case t.at == len(t.pattern) || t.pattern[t.at] != terminator:
		return t.fail("syntax error in subpattern name (missing terminator?)")
	}
	t.at++
	for _, n := range t.names {
		if n.Name == name {
			return t.fail("two named subpatterns have the same name (PCRE2_DUPNAMES not set)")
		}
	}
	t.groups++
	t.names = append(t.names, Name{Name: name, Group: t.groups})
	t.enter("(")
	return nil
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// options reads "i)" or "i-s:" behind "(?".
func (t *translator) options() error {
	changed, on := t.flags, true
	if t.take("^") {
		changed = flags{}
	}
	for t.at < len(t.pattern) {
		c := t.pattern[t.at]
		switch c {
		case 'i':
			changed.fold = on
		case 'm':
			changed.multiline = on
		case 's':
			changed.dotAll = on
		case 'x':
			changed.extended = on
		case 'U':
			changed.ungreedy = on
		case '-':
			on = false
		case ')':
			t.at++
			t.flags, t.last = changed, -1
			return nil
		case ':':
			t.at++
			t.enter("(?:")
			t.flags = changed
			return nil
		default:
			return t.fail("unrecognized character after (? or (?-")
		}
		t.at++
	}
	return t.fail("missing closing parenthesis")
}
