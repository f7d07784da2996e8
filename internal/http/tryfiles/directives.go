package tryfiles

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// Conf is one try_files directive.
type Conf struct {
	at    *conf.Directive // nil: none
	names []name          // the last one is the fallback
	code  int             // of the fallback "=code", else -1
}

// name is one argument.
type name struct {
	text string // without the slash that makes it a directory
	dir  bool
}

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[Conf]{
	Name: "try_files",
	Doc:  "serves the first file of a list that is there",
	Directives: conf.Table[Conf]{
		{Name: "try_files", In: conf.Server | conf.Location, Args: conf.TwoMore, Variables: conf.ArgsFrom(0), Set: (*Conf).setNames,
			Syntax: "file ... uri | file ... =code"},
	},
	Install: (*Conf).install,
}

func (c *Conf) setNames(d *conf.Directive) error {
	if c.at != nil {
		return conf.ErrDuplicate
	}
	c.at = d
	last := len(d.Args) - 1
	for _, arg := range d.Args[:last] {
		text, dir := strings.CutSuffix(arg, "/")
		c.names = append(c.names, name{text: text, dir: dir})
	}
	fallback := d.Args[last]
	c.names = append(c.names, name{text: fallback})
	c.code = -1
	if digits, ok := strings.CutPrefix(fallback, "="); ok {
		code, ok := parseCode(digits)
		if !ok {
			return d.Errorf("invalid code \"%s\"", fallback)
		}
		c.code = code
	}
	return nil
}

// parseCode reads one to many digits with a value of at most 999.
func parseCode(digits string) (code int, ok bool) {
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, false
		}
		if code = code*10 + int(digits[i]-'0'); code > 999 {
			return 0, false
		}
	}
	return code, digits != ""
}

// install adds the handler in the block where the directive stands, and in none
// below it.
func (c *Conf) install(b *http.Builder) error {
	if c.at == nil || conf.Own[Conf](b.Level()) != c {
		return nil
	}
	h := &handler{code: http.Result(c.code)}
	for _, n := range c.names {
		value, err := b.Compile(c.at, n.text)
		if err != nil {
			return err
		}
		_, literal := value.Literal()
		h.tries = append(h.tries, try{value: value, dir: n.dir, literal: literal})
	}
	b.Phase(http.Precontent, h.serve)
	return nil
}
