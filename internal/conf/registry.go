package conf

import (
	"fmt"
	"reflect"
)

// Registry holds the features that exist. It is filled once at start; after
// that any number of goroutines may parse with it.
type Registry struct {
	features []*feature
	byType   map[reflect.Type]*feature
	byName   map[string][]*entry
	entries  []*entry // in order of registration
}

// feature is a [Feature] without its type.
type feature struct {
	name  string
	conf  reflect.Type
	make  func() any
	merge func(c, outer any) error
}

// entry is an [Entry] without its type.
type entry struct {
	Info
	feature *feature
	set     func(c any, d *Directive) error
	texts   Texts
}

// Info describes a directive for the reference.
type Info struct {
	Name            string
	In              Context
	Args            Arity
	Syntax, Default string
	Accepted        string // why it has no effect, "" if it has
	Variables       bool   // its arguments may have variables in them
	Feature         string
	FeatureDoc      string
}

// NewRegistry returns an empty registry.
func NewRegistry() *Registry {
	return &Registry{byType: make(map[reflect.Type]*feature), byName: make(map[string][]*entry)}
}

// Register adds a feature. It panics when the table is wrong in itself: that
// is for a programmer to see, not for an administrator.
func Register[C any](r *Registry, f Feature[C]) {
	ft := &feature{
		name:  f.Name,
		conf:  reflect.TypeFor[C](),
		make:  func() any { return new(C) },
		merge: func(any, any) error { return nil },
	}
	if other := r.byType[ft.conf]; other != nil {
		panic(fmt.Sprintf("conf: features %s and %s share the type %v", other.name, ft.name, ft.conf))
	}
	r.byType[ft.conf] = ft
	if f.Merge != nil {
		ft.merge = func(c, outer any) error { return f.Merge(c.(*C), outer.(*C)) }
	}
	r.features = append(r.features, ft)
	for _, e := range f.Table {
		r.add(&entry{
			Info: Info{
				Name: e.Name, In: e.In, Args: e.Args,
				Syntax: e.Syntax, Default: e.Default, Accepted: e.Accepted, Variables: e.Variables != nil,
				Feature: f.Name, FeatureDoc: f.Doc,
			},
			feature: ft,
			set:     erase(e.Set),
			texts:   e.Variables,
		})
	}
}

func erase[C any](set func(*C, *Directive) error) func(any, *Directive) error {
	if set == nil {
		return nil
	}
	return func(c any, d *Directive) error { return set(c.(*C), d) }
}

func (r *Registry) add(e *entry) {
	switch {
	case e.Name == "" || e.Name == "include":
		panic(fmt.Sprintf("conf: feature %s has a directive named %q", e.Feature, e.Name))
	case e.In == 0 || e.Args == 0 || e.Args == Block:
		panic(fmt.Sprintf("conf: directive %q can stand nowhere", e.Name))
	case e.set == nil && (e.Accepted == "" || e.Args&Block != 0):
		panic(fmt.Sprintf("conf: directive %q has no Set function", e.Name))
	}
	for _, other := range r.byName[e.Name] {
		if other.In&e.In != 0 {
			panic(fmt.Sprintf("conf: directive %q is in the tables of %s and %s", e.Name, other.Feature, e.Feature))
		}
	}
	r.byName[e.Name] = append(r.byName[e.Name], e)
	r.entries = append(r.entries, e)
}

// All returns every directive that exists, in order of registration, "include"
// first.
func (r *Registry) All() []Info {
	all := make([]Info, 0, len(r.entries)+1)
	all = append(all, Info{
		Name: "include", In: anywhere, Args: Take1, Syntax: "file | mask",
		Feature:    "conf",
		FeatureDoc: "Reading the configuration itself.",
	})
	for _, e := range r.entries {
		all = append(all, e.Info)
	}
	return all
}

// find returns the entry of a directive in a context. known is true when the
// directive exists at all.
func (r *Registry) find(name string, in Context) (e *entry, known bool) {
	entries, known := r.byName[name]
	for _, e := range entries {
		if e.In&in != 0 {
			return e, true
		}
	}
	return nil, known
}
