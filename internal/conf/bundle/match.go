package bundle

import "strings"

// match compares a name with a pattern of fnmatch(3), byte by byte as in the C
// locale: "*", "?", "[a-z]", "[!a-z]", "[[:digit:]]", and "\" before a byte
// that stands for itself.
func match(pattern, name string) bool {
	behindStar, retry := "", "" // where to go on when a star has to take one byte more
	star := false
	for {
		switch {
		case strings.HasPrefix(pattern, "*"):
			pattern = pattern[1:]
			behindStar, retry, star = pattern, name, true
			continue
		case name == "" && pattern == "":
			return true
		case name != "" && pattern != "":
			if ok, size := matchByte(pattern, name[0]); ok {
				pattern, name = pattern[size:], name[1:]
				continue
			}
		}
		if !star || retry == "" {
			return false
		}
		retry = retry[1:]
		pattern, name = behindStar, retry
	}
}

// matchByte compares ch with the first element of pattern, size bytes long.
func matchByte(pattern string, ch byte) (ok bool, size int) {
	switch first := pattern[0]; {
	case first == '?':
		return true, 1
	case first == '\\' && len(pattern) > 1:
		return pattern[1] == ch, 2
	case first == '[':
		if ok, size, closed := matchSet(pattern, ch); closed {
			return ok, size
		}
	}
	return pattern[0] == ch, 1
}

// matchSet compares ch with the set "[...]" at the start of pattern. A "]"
// right at the beginning belongs to the set. A set that is not closed is none.
func matchSet(pattern string, ch byte) (ok bool, size int, closed bool) {
	i := 1
	negated := i < len(pattern) && (pattern[i] == '!' || pattern[i] == '^')
	if negated {
		i++
	}
	for first := i; i < len(pattern); {
		if pattern[i] == ']' && i > first {
			return ok != negated, i + 1, true
		}
		if in, size := matchClass(pattern[i:], ch); size > 0 {
			ok = ok || in
			i += size
			continue
		}
		low, n := setByte(pattern[i:])
		i += n
		high := low
		if len(pattern) > i+1 && pattern[i] == '-' && pattern[i+1] != ']' {
			high, n = setByte(pattern[i+1:])
			i += 1 + n
		}
		ok = ok || low <= ch && ch <= high
	}
	return false, 0, false
}

// setByte returns the byte at the start of s and how many bytes spell it.
func setByte(s string) (byte, int) {
	if s[0] == '\\' && len(s) > 1 {
		return s[1], 2
	}
	return s[0], 1
}

// matchClass compares ch with the class "[:name:]" at the start of s. The
// size is 0 when none is there.
func matchClass(s string, ch byte) (ok bool, size int) {
	name, _, found := strings.Cut(strings.TrimPrefix(s, "[:"), ":]")
	if !found || !strings.HasPrefix(s, "[:") {
		return false, 0
	}
	upper, lower, digit := 'A' <= ch && ch <= 'Z', 'a' <= ch && ch <= 'z', '0' <= ch && ch <= '9'
	graph := '!' <= ch && ch <= '~'
	switch name {
	case "alpha":
		ok = upper || lower
	case "digit":
		ok = digit
	case "alnum":
		ok = upper || lower || digit
	case "upper":
		ok = upper
	case "lower":
		ok = lower
	case "xdigit":
		ok = digit || 'a' <= ch|0x20 && ch|0x20 <= 'f'
	case "space":
		ok = ch == ' ' || '\t' <= ch && ch <= '\r'
	case "blank":
		ok = ch == ' ' || ch == '\t'
	case "punct":
		ok = graph && !upper && !lower && !digit
	case "graph":
		ok = graph
	case "print":
		ok = graph || ch == ' '
	case "cntrl":
		ok = ch < ' ' || ch == 0x7f
	default:
		return false, 0
	}
	return ok, len("[:") + len(name) + len(":]")
}
