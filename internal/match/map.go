package match

import (
	"errors"
	"strings"

	"github.com/baton-project/baton/internal/conf"
)

// A Text is a value as it is written in a block, perhaps with variables in it.
type Text struct {
	At   *conf.Directive
	Text string
}

// A Map is a map{} block as it was read. Names gives an index in Values.
type Map struct {
	Values    []Text
	Default   int // index in Values; -1: the empty string
	Hostnames bool
	Volatile  bool // the value is found anew for each use
	Names     Names[int]
	Patterns  []Pattern // asked in this order when Names does not know
}

// A Pattern is a regular expression of a map.
type Pattern struct {
	At    *conf.Directive
	Text  string
	Fold  bool // case does not matter
	Value int  // index in Map.Values
}

// ReadMap reads the block of d. It calls compile for each expression where it
// stands.
func ReadMap(d *conf.Directive, compile func(Pattern) error) (*Map, error) {
	m := &Map{Default: -1}
	known := make(map[string]int)
	err := d.Each(func(entry *conf.Directive) error { return m.read(entry, known, compile) })
	return m, err
}

// read adds one line; known has the index of each value that was there before.
func (m *Map) read(d *conf.Directive, known map[string]int, compile func(Pattern) error) error {
	if len(d.Args) == 0 {
		switch d.Name {
		case "hostnames":
			m.Hostnames = true
			return nil
		case "volatile":
			m.Volatile = true
			return nil
		}
	}
	if len(d.Args) != 1 {
		return d.Errorf("invalid number of the map parameters")
	}
	value, there := known[d.Args[0]]
	if !there {
		value = len(m.Values)
		known[d.Args[0]] = value
		m.Values = append(m.Values, Text{At: d, Text: d.Args[0]})
	}
	if d.Name == "default" {
		if m.Default >= 0 {
			return d.Errorf("duplicate default map parameter")
		}
		m.Default = value
		return nil
	}
	if text, ok := strings.CutPrefix(d.Name, "~"); ok {
		text, fold := strings.CutPrefix(text, "*")
		p := Pattern{At: d, Text: text, Fold: fold, Value: value}
		m.Patterns = append(m.Patterns, p)
		return compile(p)
	}
	name, addName := strings.TrimPrefix(d.Name, `\`), m.Names.AddExact
	if m.Hostnames {
		addName = m.Names.AddHost
	}
	if err := addName(name, value); err != nil {
		if errors.Is(err, ErrConflict) {
			name = strings.ToLower(name)
		}
		return d.Errorf("%v \"%s\"", err, name)
	}
	return nil
}

// Key is what Names and Patterns are asked for a source text.
func (m *Map) Key(text string) string {
	if m.Hostnames {
		return strings.TrimSuffix(text, ".")
	}
	return text
}
