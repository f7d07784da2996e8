package pcre

import (
	"strconv"
	"strings"
)

// character reads what stands for one byte behind a backslash that is read
// already.
func (t *translator) character() (byte, error) {
	c := t.pattern[t.at]
	t.at++
	switch c {
	case 'a':
		return '\a', nil
	case 'e':
		return 0x1b, nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'c':
		if t.at >= len(t.pattern) {
			return 0, t.fail(`\c at end of pattern`)
		}
		t.at++
		c = t.pattern[t.at-1]
		if 'a' <= c && c <= 'z' {
			c -= 0x20
		}
		return c ^ 0x40, nil
	case 'x':
		return t.hexadecimal()
	case 'o':
		return t.braced(8, "non-octal character in \\o{} (closing brace missing?)")
	case '0', '1', '2', '3', '4', '5', '6', '7':
		n := int(c - '0')
		for i := 0; i < 2 && t.at < len(t.pattern) && '0' <= t.pattern[t.at] && t.pattern[t.at] <= '7'; i++ {
			n = n*8 + int(t.pattern[t.at]-'0')
			t.at++
		}
		return byte(n), nil
	case 'N', 'u', 'U', 'l', 'L', 'F':
		return 0, t.fail(`PCRE2 does not support \F, \L, \l, \N{name}, \U, or \u`)
	}
	if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' {
		t.at--
		return 0, t.fail(`unrecognized character follows \`)
	}
	return c, nil
}

func (t *translator) hexadecimal() (byte, error) {
	if strings.HasPrefix(t.pattern[t.at:], "{") {
		return t.braced(16, "non-hex character in \\x{} (closing brace missing?)")
	}
	end := t.at
	for end < len(t.pattern) && end < t.at+2 && isHex(t.pattern[end]) {
		end++
	}
	n, _ := strconv.ParseUint("0"+t.pattern[t.at:end], 16, 16)
	t.at = end
	return byte(n), nil
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// braced reads a number in braces.
func (t *translator) braced(base int, problem string) (byte, error) {
	if !t.take("{") {
		return 0, t.fail(problem)
	}
	digits, _, ok := strings.Cut(t.pattern[t.at:], "}")
	n, err := strconv.ParseUint(digits, base, 32)
	if !ok || err != nil {
		return 0, t.fail(problem)
	}
	if n > 0xff {
		return 0, t.fail(`character code point value in \x{} or \o{} is too large`)
	}
	t.at += len(digits) + 1
	return byte(n), nil
}

// escape translates a backslash, which is read already, and what follows,
// outside of a class.
func (t *translator) escape() error {
	if t.at >= len(t.pattern) {
		return t.fail(`\ at end of pattern`)
	}
	c := t.pattern[t.at]
	if s, ok := named(c); ok {
		t.at++
		t.atom(s.text())
		return nil
	}
	switch c {
	case 'A', 'G':
		t.assertion(`\A`)
	case 'Z':
		t.assertion(endText)
	case 'z':
		t.backtracks = true
		t.assertion(`\z`)
	case 'b', 'B':
		t.wordBoundary(c == 'b')
	case 'K', 'E': // what is kept in group 0 does not matter to anybody here
		t.at++
	case 'Q':
		t.quoted()
	case 'N':
		if strings.HasPrefix(t.pattern[t.at+1:], "{") {
			t.at++
			return t.fail(`PCRE2 does not support \F, \L, \l, \N{name}, \U, or \u`)
		}
		t.at++
		t.atom(setOf("\n").negated().text())
	case 'R':
		t.at++
		t.backtracks = true
		t.atom(`(?>\r\n|` + setOf("\n-\r\x85").text() + `)`)
	case 'C', 'X':
		t.at++
		t.atom(set{}.negated().text())
	case 'p', 'P':
		t.at++
		s, err := t.property(c == 'P')
		if err != nil {
			return err
		}
		t.atom(s.text())
	case 'k', 'g':
		return t.namedReference()
	default:
		if '1' <= c && c <= '9' {
			if n, length := number(t.pattern[t.at:]); n < 10 || n <= t.groups {
				t.reference(n)
				t.at += length
				return nil
			}
			if c > '7' {
				return t.fail("reference to non-existent subpattern")
			}
		}
		c, err := t.character()
		if err != nil {
			return err
		}
		t.literal(c)
	}
	return nil
}

// assertion adds a test that takes no bytes; one byte of the pattern is read.
func (t *translator) assertion(text string) {
	t.at++
	t.out = append(t.out, text...)
	t.last = -1
}

// wordBoundary adds "\b" or "\B", by ASCII letters.
func (t *translator) wordBoundary(is bool) {
	if is {
		t.assertion(boundary)
		return
	}
	t.assertion(noBoundary)
}

// quoted reads literal text up to "\E" or the end.
func (t *translator) quoted() {
	t.at++
	for t.at < len(t.pattern) && !t.take(`\E`) {
		t.literal(t.pattern[t.at])
		t.at++
	}
}

// number reads the decimal digits that text starts with.
func number(text string) (n, length int) {
	for length < len(text) && '0' <= text[length] && text[length] <= '9' {
		n = min(n*10+int(text[length]-'0'), 1<<20)
		length++
	}
	return n, length
}

// namedReference reads a back reference of the forms \k<name>, \k'name',
// \k{name}, \g{name}, \g1, \g{1} and \g{-1}.
func (t *translator) namedReference() error {
	letter := t.pattern[t.at]
	t.at++
	rest := t.pattern[t.at:]
	if letter == 'g' {
		if _, length := number(rest); length > 0 {
			n, _ := number(rest)
			t.reference(n)
			t.at += length
			return nil
		}
	}
	closing := ""
	switch {
	case strings.HasPrefix(rest, "{"):
		closing = "}"
	case letter == 'k' && strings.HasPrefix(rest, "<"):
		closing = ">"
	case letter == 'k' && strings.HasPrefix(rest, "'"):
		closing = "'"
	case letter == 'g':
		return t.fail("recursion is not supported")
	default:
		return t.fail(`\k is not followed by a braced, angle-bracketed, or quoted name`)
	}
	name, _, ok := strings.Cut(rest[1:], closing)
	if !ok {
		return t.fail("syntax error in subpattern name (missing terminator?)")
	}
	t.at += len(name) + 2
	if n, err := strconv.Atoi(name); err == nil && letter == 'g' {
		if n < 0 {
			n += t.groups + 1
		}
		t.reference(n)
		return nil
	}
	return t.referenceTo(name)
}

// referenceTo adds a back reference to a group that stands further left.
func (t *translator) referenceTo(name string) error {
	for _, n := range t.names {
		if n.Name == name {
			t.reference(n.Group)
			return nil
		}
	}
	return t.fail("reference to non-existent subpattern")
}
