package variable

import (
	"fmt"
	"strings"

	"github.com/baton-project/baton/internal/conf"
)

// A Registry is the variables of one http{} or stream{} block. The zero value is
// not ready; see NewRegistry.
//
// A name may be used before it is declared: what is declared by a block further
// down, or by an expression, is known when everything has been read. See Resolve.
type Registry[S Subject] struct {
	byName   map[string]*Variable[S]
	prefixes []prefixVariable[S]
	slots    int
	texts    map[string]*Value[S] // see Compile
	used     []use[S]             // before they were declared, in the order of their use
	kept     []*Variable[S]       // those with a slot
}

// A use is where a variable is wanted; at may be nil.
type use[S Subject] struct {
	variable *Variable[S]
	at       *conf.Directive
}

type prefixVariable[S Subject] struct {
	prefix string
	make   func(rest string) Getter[S]
}

// NewRegistry returns an empty registry.
func NewRegistry[S Subject]() Registry[S] {
	return Registry[S]{byName: make(map[string]*Variable[S], 128), texts: make(map[string]*Value[S])}
}

// Slots is how many values a subject has to remember.
func (r *Registry[S]) Slots() int { return r.slots }

// Declare declares a variable. It fails with nginx's `the duplicate "x" variable`
// when the name is taken by one that is not Changeable.
func (r *Registry[S]) Declare(name string, get Getter[S], flags Flags) (*Variable[S], error) {
	if name == "" {
		return nil, errNoName
	}
	v := r.named(name)
	if v.get != nil && v.flags&Changeable == 0 {
		return nil, fmt.Errorf("the duplicate \"%s\" variable", name)
	}
	v.get, v.flags = get, flags
	if flags != 0 { // kept, assigned, or asking itself in a circle
		r.reserve(v)
	}
	return v, nil
}

// DeclarePrefix declares a family such as "arg_": for each name in use with that
// prefix make is called once with the rest of the name.
func (r *Registry[S]) DeclarePrefix(prefix string, make func(rest string) Getter[S]) {
	r.prefixes = append(r.prefixes, prefixVariable[S]{prefix, make})
}

// Settable is the variable that "set" assigns to, declared with get when it is
// new. It has a slot even when it is not Cacheable: an assignment stays, a
// computed value does not.
func (r *Registry[S]) Settable(name string, get Getter[S]) (*Variable[S], error) {
	v := r.named(name)
	if v.get == nil {
		v.get, v.flags = get, Changeable
	}
	if v.flags&Changeable == 0 {
		return nil, fmt.Errorf("the duplicate \"%s\" variable", name)
	}
	if v.set == nil {
		r.reserve(v)
	}
	return v, nil
}

// Lookup finds a variable that d uses, or the program when d is nil. It may be
// declared later.
func (r *Registry[S]) Lookup(d *conf.Directive, name string) (*Variable[S], error) {
	if name == "" {
		return nil, errNoName
	}
	v := r.named(name)
	if v.get == nil {
		r.used = append(r.used, use[S]{v, d})
	}
	return v, nil
}

// Resolve gives the variables that were used and never declared the getter of
// the family that they belong to: that with the longest prefix.
func (r *Registry[S]) Resolve() error {
	for _, u := range r.used {
		v := u.variable
		if v.get != nil {
			continue
		}
		best := r.family(v.Name)
		switch {
		case best.make != nil:
		case u.at != nil:
			return u.at.Errorf("unknown \"%s\" variable", v.Name)
		default:
			return fmt.Errorf("unknown \"%s\" variable", v.Name)
		}
		v.get = best.make(v.Name[len(best.prefix):])
	}
	r.used = nil
	return nil
}

// Family is the getter that the family of a name, such as "http_", has for it; nil
// when it belongs to none.
func (r *Registry[S]) Family(name string) Getter[S] {
	name = strings.ToLower(name)
	f := r.family(name)
	if f.make == nil {
		return nil
	}
	return f.make(name[len(f.prefix):])
}

// Named is the variable of a name in lower case that was declared; else nil.
func (r *Registry[S]) Named(name string) *Variable[S] { return r.byName[name] }

// Seal forgets what only compiling needs.
func (r *Registry[S]) Seal() { r.texts = nil }

// Value is the value of the variable with a name that is not known before, in
// lower case; ok is false when there is none or it has no value.
func (r *Registry[S]) Value(s S, name string) (value string, ok bool) {
	if v := r.byName[name]; v != nil {
		return v.Get(s)
	}
	if family := r.family(name); family.make != nil {
		return family.make(name[len(family.prefix):])(s)
	}
	return "", false
}

// named finds or makes the variable of a name; without a getter it is not
// declared yet.
func (r *Registry[S]) named(name string) *Variable[S] {
	name = strings.ToLower(name)
	v, known := r.byName[name]
	if !known {
		v = &Variable[S]{Name: name, slot: -1}
		r.byName[name] = v
	}
	return v
}

// reserve gives v a place in every subject.
func (r *Registry[S]) reserve(v *Variable[S]) {
	if v.slot < 0 {
		v.slot = r.slots
		r.slots++
		r.kept = append(r.kept, v)
	}
}

// family is the one with the longest prefix that name has; its make is nil when
// there is none.
func (r *Registry[S]) family(name string) prefixVariable[S] {
	best := prefixVariable[S]{}
	for _, p := range r.prefixes {
		if strings.HasPrefix(name, p.prefix) && len(p.prefix) > len(best.prefix) {
			best = p
		}
	}
	return best
}
