package conf

import "strings"

// A Text is an argument of a directive, or a part of one, that has variables in it.
type Text struct {
	At   *Directive
	Text string
}

// Texts picks what may have variables in it out of the arguments of a directive.
type Texts func(args []string) []string

// Arg picks one argument: 0 is the first one, -1 the last one.
func Arg(position int) Texts {
	return func(args []string) []string {
		i := position
		if i < 0 {
			i += len(args)
		}
		if i < 0 || i >= len(args) {
			return nil
		}
		return args[i : i+1]
	}
}

// ArgsFrom picks the argument at position first and all behind it.
func ArgsFrom(first int) Texts {
	return func(args []string) []string { return args[min(first, len(args)):] }
}

// Params picks the values of parameters such as "if=": a prefix names one.
func Params(prefixes ...string) Texts {
	return func(args []string) (texts []string) {
		for _, arg := range args {
			for _, prefix := range prefixes {
				if value, ok := strings.CutPrefix(arg, prefix); ok {
					texts = append(texts, value)
				}
			}
		}
		return texts
	}
}

// Texts are the texts with variables of the directives that stand on this very
// level, in their order, whether or not anything there will use them. Whoever
// knows the variables compiles them all, so that a wrong name is refused at once.
func (l *Level) Texts() []Text { return l.texts }

// noteTexts remembers what of a directive has variables in it.
func (l *Level) noteTexts(d *Directive, pick Texts) {
	if pick == nil {
		return
	}
	for _, text := range pick(d.Args) {
		if strings.IndexByte(text, '$') >= 0 {
			l.texts = append(l.texts, Text{d, text})
		}
	}
}
