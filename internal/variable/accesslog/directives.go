package accesslog

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/variable"
)

// Conf is the access logs of one level.
type Conf[S Subject] struct {
	formats []*format                  // only of the outermost level: its log_format directives
	targets []target[S]                // nil: inherited
	off     bool                       // no log, whatever targets says
	cache   conf.Setting[*log.Caching] // nil: none

	// buffers are, only of the outermost level, the buffered files of all levels in it.
	buffers map[string]log.Buffering

	// compiled is made by the first Install of one block; levels that share the
	// Conf share it.
	compiled *Logs[S]
}

// format is one log_format directive, or "combined".
type format struct {
	at     *conf.Directive // nil: "combined"
	name   string
	escape escape
	pieces []piece
}

// target is one access_log directive.
type target[S Subject] struct {
	at     *conf.Directive
	path   string      // absolute, when syslog is nil
	syslog *log.Syslog // instead of path
	format *format
	filter string // of "if=", a text with variables

	variable  bool // path has variables in it
	buffering log.Buffering
}

// A Subject is what access logs need of a request or a session.
type Subject interface{ variable.Subject }

// A Style is how the access logs of a core differ from those of another.
type Style[S Subject] struct {
	Main, In conf.Context // of log_format, and of access_log
	// Combined is the format that needs not be defined, and that an access_log
	// without a format has; "" for none.
	Combined string
	// Syntax and Default are those of access_log.
	Syntax, Default string
	// Writable reports whether a log may be made whose path has variables. Nil:
	// always.
	Writable func(s S) bool
}

// Table lists the directives.
func (y *Style[S]) Table() conf.Table[Conf[S]] {
	formats := ""
	if y.Combined != "" {
		formats = `combined "..."`
	}
	return conf.Table[Conf[S]]{
		{Name: "log_format", In: y.Main, Args: conf.TwoMore, Set: func(c *Conf[S], d *conf.Directive) error { return c.addFormat(y, d) },
			Syntax: "name [escape=default | json | none] string ...", Default: formats},
		{Name: "access_log", In: y.In, Args: conf.OneMore, Variables: logTexts, Set: func(c *Conf[S], d *conf.Directive) error { return c.addTarget(y, d) },
			Syntax: y.Syntax, Default: y.Default},
		{Name: "open_log_file_cache", In: y.In &^ (conf.LocationIf | conf.LimitExcept), Args: conf.Take1234, Set: (*Conf[S]).setCache,
			Syntax: "max=N [inactive=time] [min_uses=N] [valid=time] | off", Default: "off"},
	}
}

// CheckFormats has a format with an unknown variable refused even if no log uses
// it.
func (c *Conf[S]) CheckFormats(m variable.Declarer[S]) error {
	for _, f := range c.formats {
		for _, p := range f.pieces {
			if p.variable == "" {
				continue
			}
			if _, err := m.Lookup(f.at, p.variable); err != nil {
				return err
			}
		}
	}
	return nil
}

// logTexts are the texts of an access_log.
func logTexts(args []string) []string {
	texts := conf.Params("if=")(args)
	if !strings.HasPrefix(args[0], "syslog:") {
		texts = append(texts, args[0])
	}
	return texts
}

// Merge takes over the enclosing level's logs when this one says nothing.
func (c *Conf[S]) Merge(outer *Conf[S]) error {
	c.cache.Inherit(outer.cache, nil)
	if c.targets == nil && !c.off {
		c.targets, c.off = outer.targets, outer.off
	}
	return nil
}

func (c *Conf[S]) addFormat(y *Style[S], d *conf.Directive) error {
	name := d.Args[0]
	if name == "combined" && y.Combined != "" || c.format(name) != nil && c.format(name).name == name {
		return d.Errorf("duplicate \"log_format\" name \"%s\"", name)
	}
	esc, pieces, err := parseFormat(d.Args[1:])
	if err != nil {
		return d.Errorf("%v", err)
	}
	c.formats = append(c.formats, &format{at: d, name: name, escape: esc, pieces: pieces})
	return nil
}

// format finds a format of c by its name, in any case of letters as nginx does.
func (c *Conf[S]) format(name string) *format {
	for _, f := range c.formats {
		if strings.EqualFold(f.name, name) {
			return f
		}
	}
	return nil
}

// combined is the format that needs not be defined.
func (y *Style[S]) combined() *format {
	esc, pieces, _ := parseFormat([]string{y.Combined}) // a constant without errors
	return &format{name: "combined", escape: esc, pieces: pieces}
}

func (c *Conf[S]) addTarget(y *Style[S], d *conf.Directive) error {
	if d.Args[0] == "off" {
		if len(d.Args) > 1 {
			return d.Errorf("invalid parameter \"%s\"", d.Args[1])
		}
		c.off = true
		return nil
	}
	t := target[S]{at: d}
	if err := t.setDestination(d); err != nil {
		return err
	}
	if err := t.setFormat(y, d); err != nil {
		return err
	}
	for _, word := range d.Args[min(2, len(d.Args)):] {
		if err := t.setOption(d, word); err != nil {
			return err
		}
	}
	if err := t.checkBuffering(d); err != nil {
		return err
	}
	c.targets = append(c.targets, t)
	return nil
}

func (t *target[S]) setDestination(d *conf.Directive) error {
	path := d.Args[0]
	if strings.HasPrefix(path, "syslog:") {
		syslog, err := log.ParseSyslog(path, d.Tree().LookupHost)
		if err != nil {
			return d.Errorf("%v", err)
		}
		t.syslog = &syslog
		return nil
	}
	t.variable = strings.IndexByte(path, '$') >= 0
	if path != "" { // else to stderr
		t.path = d.Tree().FullName(path)
	}
	return nil
}

// setFormat finds the format, which has to be defined before.
func (t *target[S]) setFormat(y *Style[S], d *conf.Directive) error {
	name := "combined"
	if len(d.Args) > 1 {
		name = d.Args[1]
	} else if y.Combined == "" {
		return d.Errorf("log format is not specified")
	}
	if strings.EqualFold(name, "combined") && y.Combined != "" {
		t.format = y.combined()
		return nil
	}
	if main := conf.Own[Conf[S]](outermost(d.Level())); main != nil {
		t.format = main.format(name)
	}
	if t.format == nil {
		return d.Errorf("unknown log format \"%s\"", name)
	}
	return nil
}

// outermost is the level of http{} or stream{} around l.
func outermost(l *conf.Level) *conf.Level {
	for l.Context&(conf.Main|conf.StreamMain) == 0 && l.Parent != nil {
		l = l.Parent
	}
	return l
}
