package pcre

import (
	"fmt"
	"strings"
)

// A set is a set of bytes.
type set [4]uint64

func (s *set) add(c byte)      { s[c>>6] |= 1 << (c & 63) }
func (s *set) has(c byte) bool { return s[c>>6]&(1<<(c&63)) != 0 }

func (s *set) addRange(low, high byte) {
	for c := int(low); c <= int(high); c++ {
		s.add(byte(c))
	}
}

func (s *set) addSet(t set) {
	for i := range s {
		s[i] |= t[i]
	}
}

func (s set) negated() set { return set{^s[0], ^s[1], ^s[2], ^s[3]} }

// fold adds the other case of every ASCII letter.
func (s *set) fold() {
	for c := byte('a'); c <= 'z'; c++ {
		if s.has(c) || s.has(c-0x20) {
			s.add(c)
			s.add(c - 0x20)
		}
	}
}

// setOf holds the bytes of text, in which "a-z" is a range.
func setOf(text string) (s set) {
	for i := 0; i < len(text); i++ {
		if i+2 < len(text) && text[i+1] == '-' {
			s.addRange(text[i], text[i+2])
			i += 2
			continue
		}
		s.add(text[i])
	}
	return s
}

// only returns the single byte of the set, if it has one.
func (s set) only() (c byte, ok bool) {
	n := 0
	for i := range 256 {
		if s.has(byte(i)) {
			c = byte(i)
			n++
		}
	}
	return c, n == 1
}

// text writes the set as a class that every engine reads alike.
func (s set) text() string {
	if c, ok := s.only(); ok {
		return literal(c)
	}
	if s == (set{}) {
		return `[^\x{0}-\x{10ffff}]`
	}
	var b strings.Builder
	b.WriteByte('[')
	for low := 0; low < 256; low++ {
		if !s.has(byte(low)) {
			continue
		}
		high := low
		for high < 255 && s.has(byte(high+1)) {
			high++
		}
		fmt.Fprintf(&b, `\x%02x`, low)
		if high > low {
			fmt.Fprintf(&b, `-\x%02x`, high)
		}
		low = high
	}
	b.WriteByte(']')
	return b.String()
}

func literal(c byte) string {
	if '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
		return string(rune(c))
	}
	return fmt.Sprintf(`\x%02x`, c)
}

// named is the set of "\d" and the like.
func named(c byte) (s set, ok bool) {
	switch c {
	case 'd', 'D':
		s = setOf("0-9")
	case 'w', 'W':
		s = setOf("a-zA-Z0-9_")
	case 's', 'S':
		s = setOf("\t-\r ")
	case 'h', 'H':
		s = setOf("\t \xa0")
	case 'v', 'V':
		s = setOf("\n-\r\x85")
	default:
		return s, false
	}
	if c < 'a' {
		s = s.negated()
	}
	return s, true
}

// posix is the set of "[:alpha:]" and the like.
func posix(name string) (s set, ok bool) {
	switch name {
	case "alpha":
		s = setOf("a-zA-Z")
	case "lower":
		s = setOf("a-z")
	case "upper":
		s = setOf("A-Z")
	case "alnum":
		s = setOf("a-zA-Z0-9")
	case "ascii":
		s.addRange(0, 0x7f)
	case "blank":
		s = setOf("\t ")
	case "cntrl":
		s.addRange(0, 0x1f)
		s.add(0x7f)
	case "digit":
		s = setOf("0-9")
	case "graph":
		s.addRange('!', '~')
	case "print":
		s.addRange(' ', '~')
	case "punct":
		s.addRange('!', '~')
		alnum := setOf("a-zA-Z0-9")
		for i := range s {
			s[i] &^= alnum[i]
		}
	case "space":
		s = setOf("\t-\r ")
	case "word":
		s = setOf("a-zA-Z0-9_")
	case "xdigit":
		s = setOf("0-9a-fA-F")
	default:
		return s, false
	}
	return s, true
}

// class reads a class; the "[" is read already.
func (t *translator) class() (set, error) {
	var s set
	negated := t.take("^")
	for first := true; ; first = false {
		if t.at >= len(t.pattern) {
			return s, t.fail("missing terminating ] for character class")
		}
		if t.pattern[t.at] == ']' && !first {
			t.at++
			break
		}
		if err := t.classItem(&s); err != nil {
			return s, err
		}
	}
	if t.flags.fold {
		s.fold()
	}
	if negated {
		s = s.negated()
	}
	return s, nil
}

// classItem adds a byte, a range or a named set to s.
func (t *translator) classItem(s *set) error {
	low, whole, err := t.classAtom(s)
	if err != nil {
		return err
	}
	rest := t.pattern[t.at:]
	ranged := len(rest) > 1 && rest[0] == '-' && rest[1] != ']'
	if whole {
		if ranged {
			return t.fail("invalid range in character class")
		}
		return nil
	}
	if !ranged {
		s.add(low)
		return nil
	}
	t.at++
	var ignored set
	start := t.at
	high, whole, err := t.classAtom(&ignored)
	switch {
	case err != nil:
		return err
	case whole:
		return t.fail("invalid range in character class")
	case high < low:
		t.at = start
		return t.fail("range out of order in character class")
	}
	s.addRange(low, high)
	return nil
}

// classAtom reads one byte, or a set that it adds to s; whole is then true.
func (t *translator) classAtom(s *set) (c byte, whole bool, err error) {
	rest := t.pattern[t.at:]
	if strings.HasPrefix(rest, "[:") {
		if end := strings.Index(rest, ":]"); end > 0 && !strings.ContainsAny(rest[2:end], "]\\") {
			name, not := strings.CutPrefix(rest[2:end], "^")
			p, ok := posix(name)
			if !ok {
				t.at += 2
				return 0, false, t.fail("unknown POSIX class name")
			}
			if t.flags.fold {
				p.fold()
			}
			if not {
				p = p.negated()
			}
			s.addSet(p)
			t.at += end + 2
			return 0, true, nil
		}
	}
	if rest[0] != '\\' {
		t.at++
		return rest[0], false, nil
	}
	if len(rest) == 1 {
		t.at++
		return 0, false, t.fail(`\ at end of pattern`)
	}
	if p, ok := named(rest[1]); ok {
		s.addSet(p)
		t.at += 2
		return 0, true, nil
	}
	switch rest[1] {
	case 'b':
		t.at += 2
		return '\b', false, nil
	case 'p', 'P':
		t.at += 2
		p, err := t.property(rest[1] == 'P')
		s.addSet(p)
		return 0, true, err
	case 'Q', 'E':
		t.at += 2
		return 0, true, nil // quoting changes nothing for what classes are made of
	}
	t.at++
	c, err = t.character()
	return c, false, err
}
