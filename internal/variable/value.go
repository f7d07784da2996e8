package variable

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
)

// A Value is a text with variables in it, compiled. A nil Value is "".
type Value[S Subject] struct {
	literal string // all of it when parts is nil
	parts   []valuePart[S]
}

// A valuePart is a literal, a variable or a capture ("$1").
type valuePart[S Subject] struct {
	literal  string
	variable *Variable[S]
	capture  int // 1 to 9; 0: none
}

// Literal returns the text and true when no variable is in it.
func (v *Value[S]) Literal() (text string, ok bool) {
	if v == nil {
		return "", true
	}
	return v.literal, v.parts == nil
}

// Eval is the text for s, valid as long as s. A literal, and a single
// variable, cost no copy.
func (v *Value[S]) Eval(s S) string {
	switch {
	case v == nil:
		return ""
	case v.parts == nil:
		return v.literal
	case len(v.parts) == 1:
		return v.parts[0].text(s)
	}
	return v.join(s)
}

// join measures first, so that the text is built once, in the subject's own
// memory. Parts are few; those past the array are asked twice.
func (v *Value[S]) join(s S) string {
	var texts [8]string
	size := 0
	for i := range v.parts {
		text := v.parts[i].text(s)
		if i < len(texts) {
			texts[i] = text
		}
		size += len(text)
	}
	dst := s.Scratch(size)
	for i := range v.parts {
		if i < len(texts) {
			dst = append(dst, texts[i]...)
		} else {
			dst = append(dst, v.parts[i].text(s)...)
		}
	}
	return view(dst)
}

// Append appends the text for s to dst.
func (v *Value[S]) Append(dst []byte, s S) []byte {
	if v == nil {
		return dst
	}
	if v.parts == nil {
		return append(dst, v.literal...)
	}
	for i := range v.parts {
		dst = append(dst, v.parts[i].text(s)...)
	}
	return dst
}

func (p *valuePart[S]) text(s S) string {
	switch {
	case p.variable != nil:
		text, _ := p.variable.Get(s)
		return text
	case p.capture > 0:
		return s.Variables().Capture(p.capture)
	}
	return p.literal
}

// Compile parses text; d is the directive it is an argument of, for the place
// in errors. Equal texts share one Value.
func (r *Registry[S]) Compile(d *conf.Directive, text string) (*Value[S], error) {
	if v, ok := r.texts[text]; ok {
		return v, nil
	}
	v := &Value[S]{literal: text}
	if strings.IndexByte(text, '$') >= 0 {
		parts, err := r.split(d, text)
		if err != nil {
			return nil, err
		}
		v = &Value[S]{parts: parts}
	}
	r.texts[text] = v
	return v, nil
}

// CompileAll compiles texts so that Resolve refuses the unknown variables in them.
func (r *Registry[S]) CompileAll(texts []conf.Text) error {
	for _, t := range texts {
		if _, err := r.Compile(t.At, t.Text); err != nil {
			return err
		}
	}
	return nil
}

func (r *Registry[S]) split(d *conf.Directive, text string) ([]valuePart[S], error) {
	var parts []valuePart[S]
	for rest := text; rest != ""; {
		dollar := strings.IndexByte(rest, '$')
		if dollar < 0 {
			return append(parts, valuePart[S]{literal: rest}), nil
		}
		if dollar > 0 {
			parts = append(parts, valuePart[S]{literal: rest[:dollar]})
		}
		rest = rest[dollar+1:]
		if rest != "" && '1' <= rest[0] && rest[0] <= '9' { // "$12" is "$1" and a "2"
			parts = append(parts, valuePart[S]{capture: int(rest[0] - '0')})
			rest = rest[1:]
			continue
		}
		name, after, closed := cutName(rest)
		switch {
		case !closed:
			return nil, d.Errorf("the closing bracket in \"%s\" variable is missing", name)
		case name == "":
			return nil, d.Errorf("invalid variable name")
		}
		rest = after
		variable, err := r.Lookup(d, name)
		if err != nil {
			return nil, err
		}
		parts = append(parts, valuePart[S]{variable: variable})
	}
	return parts, nil
}

// cutName takes the name off the front of what follows a "$"; closed is false
// when it stands behind a "{" and no "}" follows it.
func cutName(s string) (name, rest string, closed bool) {
	inside, braced := strings.CutPrefix(s, "{")
	if braced && inside == "" {
		return "", "", true
	}
	end := 0
	for end < len(inside) && isNameByte(inside[end]) {
		end++
	}
	name, rest = inside[:end], inside[end:]
	if braced {
		rest, closed = strings.CutPrefix(rest, "}")
		return name, rest, closed
	}
	return name, rest, true
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// Literal is a Value without variables.
func Literal[S Subject](text string) *Value[S] { return &Value[S]{literal: text} }
