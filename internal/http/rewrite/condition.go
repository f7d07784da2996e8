package rewrite

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// condition is what stands between the parentheses of if.
type condition struct {
	test     conditionTest
	negative bool        // "!" before the test
	subject  string      // the variable's name, or the text of a file test
	operand  string      // what isEqual compares with
	regex    *http.Regex // of matches
}

type conditionTest uint8

const (
	isTrue       conditionTest = iota // a variable neither empty nor "0"
	isEqual                           // = !=
	matches                           // ~ ~* !~ !~*
	isFile                            // -f
	isDirectory                       // -d
	exists                            // -e
	isExecutable                      // -x
)

// parseCondition reads the arguments of an if directive.
func parseCondition(d *conf.Directive) (condition, error) {
	words, err := conditionWords(d)
	if err != nil {
		return condition{}, err
	}
	first := words[0]
	invalid := d.Errorf("invalid condition \"%s\"", first)
	switch {
	case len(first) > 1 && first[0] == '$':
		c := condition{subject: first[1:]}
		switch len(words) {
		case 1:
			return c, nil
		case 3:
			return c.compare(d, words[1], words[2])
		}
		return condition{}, invalid
	case len(first) == 2 && first[0] == '-', len(first) == 3 && first[:2] == "!-":
		if len(words) != 2 {
			return condition{}, invalid
		}
		return fileTest(first, words[1], invalid)
	}
	return condition{}, invalid
}

// conditionWords takes the parentheses off, which may be words of their own.
func conditionWords(d *conf.Directive) ([]string, error) {
	words := append([]string(nil), d.Args...)
	rest, ok := strings.CutPrefix(words[0], "(")
	if !ok {
		return nil, d.Errorf("invalid condition \"%s\"", words[0])
	}
	if words[0] = rest; rest == "" {
		words = words[1:]
	}
	if len(words) == 0 {
		return nil, d.Errorf("invalid condition \"%s\"", d.Args[0])
	}
	last := len(words) - 1
	rest, ok = strings.CutSuffix(words[last], ")")
	if !ok {
		return nil, d.Errorf("invalid condition \"%s\"", words[last])
	}
	if words[last] = rest; rest == "" {
		words = words[:last]
	}
	if len(words) == 0 {
		return nil, d.Errorf("invalid condition \")\"")
	}
	return words, nil
}

func (c condition) compare(d *conf.Directive, operator, operand string) (condition, error) {
	test, negative := strings.CutPrefix(operator, "!")
	c.negative = negative
	switch test {
	case "=":
		c.test, c.operand = isEqual, operand
		return c, nil
	case "~", "~*":
		regex, err := http.CompileRegex(d, operand, test == "~*")
		c.test, c.regex = matches, regex
		return c, err
	}
	return condition{}, d.Errorf("unexpected \"%s\" in condition", operator)
}

func fileTest(operator, text string, invalid error) (condition, error) {
	test, negative := strings.CutPrefix(operator, "!")
	c := condition{subject: text, negative: negative}
	switch test {
	case "-f":
		c.test = isFile
	case "-d":
		c.test = isDirectory
	case "-e":
		c.test = exists
	case "-x":
		c.test = isExecutable
	default:
		return condition{}, invalid
	}
	return c, nil
}
