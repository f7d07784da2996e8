package conf

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
)

// Directive is one statement of the configuration: a name, its arguments, and
// perhaps a block. The Set function of a table entry gets it, and may keep it
// to say later where something was configured. It must not be changed.
type Directive struct {
	Name string
	// Args are the words after the name, quotes removed and escapes resolved.
	Args []string
	// File is the absolute path as nginx prints it; "command line" for -g.
	File string
	// Line is where the ";" or "{" stands, which is the line nginx names. Zero
	// on the command line.
	Line int
	// Block holds the statements between "{" and "}", unchecked. Read it with
	// Enter or Each.
	Block   []*Directive
	IsBlock bool

	level *Level
	at    int // the line that Errorf names: Line, and end once the block was read
	end   int // the line of "}"
	read  bool
	stop  *Error // the reader could not go on here; the rest is empty
}

// Error is what is wrong with a configuration, in nginx's words.
type Error struct {
	Msg string
	// File and Line say where. Without a file the sentence stands alone;
	// without a line it names the file only.
	File string
	Line int

	// Merging says that the error came up when a level inherited. Merge places
	// it where nginx does that: at the end of the outermost block.
	Merging bool
}

// Error returns "MSG in FILE:LINE".
func (e *Error) Error() string {
	switch {
	case e.File == "":
		return e.Msg
	case e.Line == 0:
		return e.Msg + " in " + e.File
	}
	return fmt.Sprintf("%s in %s:%d", e.Msg, e.File, e.Line)
}

// Errorf returns an [*Error] that points at the directive. Once its block was
// read it points at the closing brace, as nginx does.
func (d *Directive) Errorf(format string, args ...any) error {
	return &Error{Msg: fmt.Sprintf(format, args...), File: d.File, Line: d.at}
}

// Warnf tells the administrator of something that is odd but works. It goes
// to Options.Warn.
func (d *Directive) Warnf(format string, args ...any) {
	if warn := d.level.tree.opt.Warn; warn != nil {
		warn(&Error{Msg: fmt.Sprintf(format, args...), File: d.File, Line: d.at})
	}
}

// Level returns the level where the directive stands. Inside Set it is being
// read: only what stands before the directive has been seen.
func (d *Directive) Level() *Level {
	return d.level
}

// Tree returns the tree that the directive belongs to.
func (d *Directive) Tree() *Tree {
	return d.level.tree
}

// Enter reads the directive's block as a child of the level where the
// directive stands, in context ctx. The functions in prepare run on the new
// level before its first directive does. On failure the error is the one to
// return from Set.
func (d *Directive) Enter(ctx Context, prepare ...func(*Level) error) (*Level, error) {
	l := &Level{Parent: d.level, Directive: d, Context: ctx, tree: d.level.tree}
	d.level.Children = append(d.level.Children, l)
	d.read = true
	for _, f := range prepare {
		if err := f(l); err != nil {
			return nil, err
		}
	}
	if err := l.tree.walk(d.Block, l); err != nil {
		return nil, err
	}
	d.at = d.end
	return l, nil
}

// Each calls f with the statements of a block that holds no directives, such
// as those of types, map and geo. "include FILE;" in it is followed, so f sees
// what the file contains; an include with another number of arguments goes to
// f, since each of nginx's blocks has its own words for that. A block inside
// is refused, as nginx does.
func (d *Directive) Each(f func(*Directive) error) error {
	d.read = true
	if err := d.level.tree.each(d.Block, d.level, f); err != nil {
		return err
	}
	d.at = d.end
	return nil
}

// failed turns the error of a system call on path into nginx's sentence:
// open() "/etc/x" failed (2: No such file or directory).
func failed(call, path string, err error) string {
	return fmt.Sprintf("%s() \"%s\" failed%s", call, path, Errno(err))
}

// Errno returns the end of nginx's sentence about a system call that failed,
// " (2: No such file or directory)", or "" when err holds no error number.
func Errno(err error) string {
	var n syscall.Errno
	if !errors.As(err, &n) || n == 0 {
		return ""
	}
	text := n.Error() // as the C library's, but for the first letter
	return fmt.Sprintf(" (%d: %s%s)", int(n), strings.ToUpper(text[:1]), text[1:])
}
