package rewrite

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
)

// Conf holds the statements of one block, in the order of the text.
type Conf struct {
	statements []statement
	log        conf.Setting[bool]
	warn       conf.Setting[bool] // of variables used before they are set
}

// statement is one directive, checked but not yet compiled.
type statement struct {
	kind  statementKind
	at    *conf.Directive
	regex *http.Regex // of rewrite

	status int    // of return: 0 to 999; of rewrite: 301 or 302 for a redirect
	text   string // of return: body or URL; of rewrite: the replacement without the "?" that ends it

	keepArgs bool // of rewrite: the request's arguments are added
	end      bool // of rewrite: the statements behind it do not run
	stay     bool // of rewrite: "break"

	condition condition   // of if
	inner     *conf.Level // of if: its block
}

type statementKind uint8

const (
	returnStatement statementKind = iota
	setStatement
	breakStatement
	rewriteStatement
	ifStatement
)

const blocks = conf.Server | conf.Location | conf.ServerIf | conf.LocationIf

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[Conf]{
	Name: "rewrite",
	Doc:  "return, rewrite, set, if and break",
	Directives: conf.Table[Conf]{
		{Name: "return", In: blocks, Args: conf.Take12, Set: (*Conf).addReturn,
			Syntax: "code [text] | code URL | URL"},
		{Name: "set", In: blocks, Args: conf.Take2, Set: (*Conf).addSet,
			Syntax: "$variable value"},
		{Name: "break", In: blocks, Args: conf.NoArgs, Set: (*Conf).addBreak},
		{Name: "rewrite", In: blocks, Args: conf.Take23, Set: (*Conf).addRewrite,
			Syntax: "regex replacement [last | break | redirect | permanent]"},
		{Name: "if", In: conf.Server | conf.Location, Args: conf.OneMore | conf.Block, Set: (*Conf).addIf,
			Syntax: "(condition) { ... }"},
		{Name: "rewrite_log", In: conf.AnyLevel | conf.ServerIf | conf.LocationIf, Args: conf.Flag,
			Set:    conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.log }),
			Syntax: "on | off", Default: "off"},
		{Name: "uninitialized_variable_warn", In: conf.AnyLevel | conf.ServerIf | conf.LocationIf, Args: conf.Flag,
			Set:    conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.warn }),
			Syntax: "on | off", Default: "on"},
	},
	Merge: func(c, outer *Conf) error {
		c.log.Inherit(outer.log, false)
		c.warn.Inherit(outer.warn, true)
		return nil
	},
	Declare: (*Conf).declare,
	Install: (*Conf).install,
}

// isURL reports whether text is taken for an absolute URL.
func isURL(text string) bool {
	return strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "$scheme")
}

func (c *Conf) addReturn(d *conf.Directive) error {
	s := statement{kind: returnStatement, at: d}
	status, ok := parseStatus(d.Args[0])
	switch {
	case ok && len(d.Args) == 2:
		s.text = d.Args[1]
	case ok:
	case len(d.Args) == 1 && isURL(d.Args[0]):
		status, s.text = 302, d.Args[0]
	default:
		return d.Errorf("invalid return code \"%s\"", d.Args[0])
	}
	s.status = status
	c.statements = append(c.statements, s)
	return nil
}

// parseStatus reads digits with a value of at most 999.
func parseStatus(digits string) (status int, ok bool) {
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, false
		}
		if status = status*10 + int(digits[i]-'0'); status > 999 {
			return 0, false
		}
	}
	return status, digits != ""
}

func (c *Conf) addSet(d *conf.Directive) error {
	if len(d.Args[0]) < 2 || d.Args[0][0] != '$' {
		return d.Errorf("invalid variable name \"%s\"", d.Args[0])
	}
	c.statements = append(c.statements, statement{kind: setStatement, at: d})
	return nil
}

func (c *Conf) addBreak(d *conf.Directive) error {
	c.statements = append(c.statements, statement{kind: breakStatement, at: d})
	return nil
}

func (c *Conf) addRewrite(d *conf.Directive) error {
	pattern, replacement := d.Args[0], d.Args[1]
	if replacement == "" {
		return d.Errorf("empty replacement")
	}
	regex, err := http.CompileRegex(d, pattern, false)
	if err != nil {
		return err
	}
	s := statement{kind: rewriteStatement, at: d, regex: regex}
	text, dropped := strings.CutSuffix(replacement, "?")
	s.text, s.keepArgs = text, !dropped
	if isURL(replacement) {
		s.status, s.end = 302, true
	}
	if len(d.Args) == 3 {
		switch d.Args[2] {
		case "last":
		case "break":
			s.stay = true
		case "redirect":
			s.status = 302
		case "permanent":
			s.status = 301
		default:
			return d.Errorf("invalid parameter \"%s\"", d.Args[2])
		}
		s.end = true
	}
	c.statements = append(c.statements, s)
	return nil
}

func (c *Conf) addIf(d *conf.Directive) error {
	condition, err := parseCondition(d)
	if err != nil {
		return err
	}
	context := conf.LocationIf
	if d.Level().Context == conf.Server {
		context = conf.ServerIf
	}
	inner, err := d.Enter(context)
	if err != nil {
		return err
	}
	c.statements = append(c.statements, statement{kind: ifStatement, at: d, condition: condition, inner: inner})
	return nil
}

// declare makes the variables known that set assigns to and that expressions
// name their captures by.
func (c *Conf) declare(m *http.MainBuilder) error {
	for i := range c.statements {
		s := &c.statements[i]
		if s.kind == setStatement {
			if err := declareSet(m, s.at.Args[0][1:]); err != nil {
				return s.at.Errorf("%v", err)
			}
		}
		for _, regex := range []*http.Regex{s.regex, s.condition.regex} {
			if regex == nil {
				continue
			}
			if err := regex.Bind(m); err != nil {
				return s.at.Errorf("%v", err)
			}
		}
	}
	return nil
}

// declareSet makes the variable known that a set directive assigns to. Where it
// is used without having been set, it is what its family says, or else empty, and
// the error log says so.
func declareSet(m *http.MainBuilder, name string) error {
	if family := m.Family(name); family != nil {
		_, err := m.SettableOr(name, family)
		return err
	}
	var variable *http.Variable
	unset := func(r *http.Request) (string, bool) {
		if conf.Get[Conf](r.Location().Level()).warn.V {
			r.Logf(log.Warn, "using uninitialized \"%s\" variable", name)
		}
		variable.Set(r, "") // said once for each request
		return "", true
	}
	var err error
	variable, err = m.SettableOr(name, unset)
	return err
}
