package ssi

import (
	"strings"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/pcre"
)

// escapeHTML is the encoding "entity".
var escapeHTML = strings.NewReplacer("<", "&lt;", ">", "&gt;", "&", "&amp;", `"`, "&quot;")

// evaluate is text with its variables in place and without the backslashes before
// quotes, "$" and backslashes. With relative a text that does not begin with "/"
// is taken to be relative to the page.
func (s *sink) evaluate(text string, relative bool) (string, error) {
	var b strings.Builder
	for rest := text; rest != ""; {
		if rest[0] != '$' {
			rest = literal(&b, rest)
			continue
		}
		name, after, closed := cutName(rest[1:])
		switch {
		case !closed:
			s.complain(`the closing bracket in "%s" variable is missing`, name)
			return "", errCommand
		case name == "":
			s.complain(`invalid variable name in "%s"`, text)
			return "", errCommand
		}
		rest = after
		value, _ := s.page.variable(s.r, strings.ToLower(name))
		if b.Len()+len(value) > maxMemory {
			return "", s.tooMuch()
		}
		b.WriteString(value)
	}
	value := b.String()
	if relative && !strings.HasPrefix(value, "/") && (value != "" || text == "") {
		value = s.r.URI[:strings.LastIndexByte(s.r.URI, '/')+1] + value
	}
	return value, nil
}

// literal appends what stands before the next variable of text, and returns what
// follows.
func literal(b *strings.Builder, text string) (rest string) {
	quoted := false
	for i := range len(text) {
		c := text[i]
		switch {
		case !quoted && c == '\\':
			quoted = true
			continue
		case !quoted && c == '$':
			return text[i:]
		case quoted && strings.IndexByte(`\'"$`, c) < 0:
			b.WriteByte('\\')
		}
		quoted = false
		b.WriteByte(c)
	}
	return ""
}

// cutName takes the name off what follows a "$". It is not closed when a "{" has
// no "}".
func cutName(text string) (name, rest string, closed bool) {
	bracket := strings.HasPrefix(text, "{")
	if bracket {
		text = text[1:]
	}
	n := 0
	for n < len(text) && isNameByte(text[n]) {
		n++
	}
	name, rest = text[:n], text[n:]
	if bracket {
		if text == "" { // "${" at the end has an invalid name
			return "", "", true
		}
		if rest, closed = strings.CutPrefix(rest, "}"); !closed {
			return name, "", false
		}
	}
	return name, rest, true
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// isOperandByte reports whether c, in lower case, may stand left of "=".
func isOperandByte(c byte) bool { return isNameByte(c) || strings.IndexByte(`${}"'`, c) >= 0 }

// holds evaluates an expression: "text", "left = right", "left != right", where
// right may be a /regular expression/.
func (s *sink) holds(expr string) (bool, error) {
	n := 0
	for n < len(expr) && isOperandByte(expr[n]) {
		n++
	}
	left, err := s.evaluate(strings.ToLower(expr[:n]), false)
	if err != nil {
		return false, err
	}
	rest := strings.TrimLeft(expr[n:], " ")
	if rest == "" {
		return left != "", nil
	}
	right, negative := strings.CutPrefix(rest, "!=")
	if !negative {
		var ok bool
		if right, ok = strings.CutPrefix(rest, "="); !ok {
			return false, s.invalid(expr)
		}
	}
	right = strings.TrimLeft(right, " ")
	regex := len(right) > 1 && right[0] == '/'
	switch {
	case regex && right[len(right)-1] != '/':
		return false, s.invalid(expr)
	case regex:
		right = right[1 : len(right)-1]
	case len(right) > 1 && strings.HasPrefix(right, `\/`):
		right = right[1:]
	}
	if right, err = s.evaluate(right, false); err != nil {
		return false, err
	}
	equal := left == right
	if regex {
		if equal, err = s.matches(right, left); err != nil {
			return false, err
		}
	}
	return equal != negative, nil
}

func (s *sink) invalid(expr string) error {
	s.complain(`invalid expression in "%s"`, expr)
	return errCommand
}

// matches reports whether subject matches a regular expression. If so its groups
// are "$0" to "$9", and its named groups variables.
func (s *sink) matches(pattern, subject string) (bool, error) {
	compiled, err := pcre.Compile(pattern, false)
	if err != nil {
		s.complain("pcre2_compile() failed: %v", err)
		return false, errCommand
	}
	bounds := make([]int, 2*(compiled.Groups()+1))
	ok, err := compiled.Match(subject, bounds)
	if err != nil {
		s.r.Logf(log.Alert, `pcre2_match() failed: -47 on "%s" using "%s"`, subject, pattern)
		return false, errCommand
	}
	if !ok {
		return false, nil
	}
	s.page.captured, s.page.captureAt = strings.Clone(subject), bounds
	for _, name := range compiled.Names() {
		value := ""
		if from, to := bounds[2*name.Group], bounds[2*name.Group+1]; from >= 0 {
			value = s.page.captured[from:to]
		}
		if !s.page.set(strings.ToLower(name.Name), value) {
			return false, s.tooMuch()
		}
	}
	return true, nil
}
