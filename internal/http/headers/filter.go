package headers

import (
	"strings"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/wire/h1"
)

// filter is the header filter of one location.
type filter struct {
	lines    []compiledLine
	trailers []compiledLine
	expires  compiledExpires
}

type compiledLine struct {
	name   string
	kind   lineKind
	value  *http.Value
	always bool
}

// lineKind tells the lines that are not simply added: they are fields of the
// response that the core knows.
type lineKind uint8

const (
	plainLine lineKind = iota
	lastModifiedLine
	etagLine
)

type compiledExpires struct {
	fixed    expires
	variable *http.Value // read at run time instead of fixed when not nil
	modified bool
}

func hasVariables(text string) bool { return strings.IndexByte(text, '$') >= 0 }

// install adds the filter where there is something to add.
func (c *Conf) install(b *http.Builder) error {
	f := new(filter)
	var err error
	if f.lines, err = compile(b, c.lines); err != nil {
		return err
	}
	if f.trailers, err = compile(b, c.trailers); err != nil {
		return err
	}
	if e := c.expires.V; e.at != nil {
		f.expires.fixed, f.expires.modified = e.fixed, e.modified
		if hasVariables(e.text) {
			value, err := b.Compile(e.at, e.text)
			if err != nil {
				return err
			}
			f.expires.variable = value
		}
	}
	if len(f.lines) > 0 || len(f.trailers) > 0 || f.expires != (compiledExpires{}) {
		b.ClientFilter(f.apply)
	}
	return nil
}

func compile(b *http.Builder, lines []line) ([]compiledLine, error) {
	compiled := make([]compiledLine, 0, len(lines))
	for _, l := range lines {
		value, err := b.Compile(l.at, l.at.Args[1])
		if err != nil {
			return nil, err
		}
		compiled = append(compiled, compiledLine{name: l.at.Args[0], kind: kindOf(l.at.Args[0]), value: value, always: l.always})
	}
	return compiled, nil
}

func kindOf(name string) lineKind {
	switch {
	case strings.EqualFold(name, "Last-Modified"):
		return lastModifiedLine
	case strings.EqualFold(name, "ETag"):
		return etagLine
	}
	return plainLine
}

// apply adds the lines that fit the response's status.
func (f *filter) apply(r *http.Request) http.Result {
	ordinary := isOrdinary(r.Out.Status)
	if ordinary {
		f.expires.apply(r)
	}
	for i := range f.lines {
		if l := &f.lines[i]; ordinary || l.always {
			l.apply(r)
		}
	}
	f.expectTrailers(r, ordinary)
	return http.Declined
}

// isOrdinary tells the responses that get every line from the errors, which get
// only those that are added "always".
func isOrdinary(status int) bool {
	switch status {
	case 200, 201, 204, 206, 301, 302, 303, 304, 307, 308:
		return true
	}
	return false
}

func (l *compiledLine) apply(r *http.Request) {
	value := l.value.Eval(r)
	switch l.kind {
	case lastModifiedLine:
		r.Out.LastModified, _ = h1.ParseDate(value)
		if value != "" {
			r.Out.Headers.Set(l.name, value)
		}
	case etagLine:
		r.Out.ETag = value
	default:
		if value != "" {
			r.Out.Headers.Add(l.name, value)
		}
	}
}

// apply sets Expires and Cache-Control.
func (c *compiledExpires) apply(r *http.Request) {
	e := c.fixed
	if c.variable != nil {
		var err error
		if e, err = parseExpires(c.variable.Eval(r), c.modified); err != nil {
			return // as nginx: a value that is no time adds nothing
		}
	}
	if e.kind == expiresOff {
		return
	}
	when, age := e.at(r.Time(), r.Out.LastModified)
	replace(&r.Out.Headers, "Expires", http.View(h1.AppendDate(r.Scratch(h1.DateLen), when)))
	control := "no-cache"
	if age >= 0 {
		const directive = "max-age="
		control = http.View(h1.AppendInt(append(r.Scratch(len(directive)+20), directive...), age))
	}
	replace(&r.Out.Headers, "Cache-Control", control)
}

// replace gives the first line with that name a new value, and drops the
// others; without one it adds a line.
func replace(lines *http.Headers, name, value string) {
	kept, found := (*lines)[:0], false
	for _, line := range *lines {
		if !strings.EqualFold(line.Name, name) {
			kept = append(kept, line)
			continue
		}
		if !found {
			found = true
			kept = append(kept, http.Field{Name: line.Name, Value: value})
		}
	}
	if !found {
		kept = append(kept, http.Field{Name: name, Value: value})
	}
	*lines = kept
}
