package conf

import (
	"errors"
	"io/fs"
	"reflect"
	"slices"
	"strings"
)

// makeDefaults makes what Get returns for a feature that is not configured.
func (t *Tree) makeDefaults() error {
	t.defaults = make(map[reflect.Type]any, len(t.reg.features))
	for _, f := range t.reg.features {
		c := f.make()
		if err := f.merge(c, f.make()); err != nil {
			return err
		}
		t.defaults[f.conf] = c
	}
	return nil
}

// walk applies statements at level l, in order.
func (t *Tree) walk(statements []*Directive, l *Level) error {
	for _, d := range statements {
		d.level = l
		if err := t.apply(d); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tree) apply(d *Directive) error {
	if d.stop != nil {
		return d.stop
	}
	if d.Name == "include" {
		return t.applyInclude(d)
	}
	e, known := t.reg.find(d.Name, d.level.Context)
	switch {
	case !known:
		return d.Errorf(`unknown directive "%s"`, d.Name)
	case e == nil:
		return d.Errorf(`"%s" directive is not allowed here`, d.Name)
	}
	if err := checkForm(d, e.Args); err != nil {
		return err
	}
	if e.set == nil {
		return nil
	}
	if err := e.set(d.level.make(e.feature), d); err != nil {
		return d.sentence(err)
	}
	if d.IsBlock && !d.read {
		return d.Errorf(`the block of "%s" was not read`, d.Name)
	}
	d.level.noteTexts(d, e.texts)
	return nil
}

// checkForm checks what follows the name: a block or not, and how many words.
func checkForm(d *Directive, want Arity) error {
	switch {
	case want&Block == 0 && d.IsBlock:
		return d.Errorf(`directive "%s" is not terminated by ";"`, d.Name)
	case want&Block != 0 && !d.IsBlock:
		return d.Errorf(`directive "%s" has no opening "{"`, d.Name)
	case !want.allows(len(d.Args)):
		return d.Errorf(`invalid number of arguments in "%s" directive`, d.Name)
	}
	return nil
}

// sentence completes what a Set function returned: an [*Error] is complete,
// anything else is the end of a sentence about the directive.
func (d *Directive) sentence(err error) error {
	var whole *Error
	if errors.As(err, &whole) {
		return err
	}
	return d.Errorf(`"%s" directive %s`, d.Name, err)
}

// each calls f with statements that are no directives, following includes.
func (t *Tree) each(statements []*Directive, l *Level, f func(*Directive) error) error {
	for _, d := range statements {
		d.level = l
		var err error
		switch {
		case d.stop != nil:
			err = d.stop
		case d.IsBlock:
			err = d.Errorf(`unexpected "{"`)
		case d.Name == "include" && len(d.Args) == 1:
			err = t.include(d, func(inner []*Directive) error { return t.each(inner, l, f) })
		default:
			err = f(d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *Tree) applyInclude(d *Directive) error {
	if err := checkForm(d, Take1); err != nil {
		return err
	}
	return t.include(d, func(inner []*Directive) error { return t.walk(inner, d.level) })
}

// include calls f with the statements of each file that d names.
func (t *Tree) include(d *Directive, f func([]*Directive) error) error {
	name := t.ConfName(d.Args[0])
	if !strings.ContainsAny(name, "*?[") {
		return t.readFile(name, d, f)
	}
	names, err := t.src.Glob(name)
	if err != nil {
		return d.Errorf("%s", failed("glob", name, err))
	}
	for _, name := range names {
		if err := t.readFile(name, d, f); err != nil {
			return err
		}
	}
	return nil
}

// readFile calls f with the statements of a file. from is the directive that
// names the file, nil for the main file.
func (t *Tree) readFile(name string, from *Directive, f func([]*Directive) error) error {
	if slices.Contains(t.reading, name) {
		return from.Errorf(`"%s" includes itself`, name)
	}
	text, err := t.open(name)
	if err != nil {
		return fileError(name, from, err)
	}
	t.reading = append(t.reading, name)
	defer func() { t.reading = t.reading[:len(t.reading)-1] }()
	return f(statementsOf(name, text))
}

// open returns the text of a file. One that is included many times is read
// once, and parsed anew each time: its statements stand at different levels.
func (t *Tree) open(name string) ([]byte, error) {
	if text, ok := t.texts[name]; ok {
		return text, nil
	}
	text, err := t.src.ReadFile(name)
	if err != nil {
		return nil, err
	}
	t.Files = append(t.Files, File{Name: name, Text: text})
	t.texts[name] = text
	return text, nil
}

func (t *Tree) readGlobals(globals string) error {
	if globals == "" {
		return nil
	}
	return t.walk(statementsOfGlobals(globals), t.Root)
}

// fileError says in nginx's words that a file could not be read.
func fileError(name string, from *Directive, err error) error {
	var whole *Error
	if errors.As(err, &whole) {
		return err
	}
	call := "open"
	var pe *fs.PathError
	if errors.As(err, &pe) && pe.Op == "read" {
		call = "pread"
	}
	if from == nil {
		return &Error{Msg: failed(call, name, err)}
	}
	return from.Errorf("%s", failed(call, name, err))
}
