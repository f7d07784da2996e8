package conf

import (
	"errors"
	"fmt"
	"reflect"
)

// Level is one block of directives, such as a server or a location, and what
// the features know about it. The outermost level has no parent and no
// directive.
type Level struct {
	Parent    *Level
	Children  []*Level
	Directive *Directive // the directive whose block this is
	Context   Context

	tree   *Tree
	own    []settings // of the features that have a directive here
	texts  []Text
	merged bool
}

// settings are what one feature knows about one level.
type settings struct {
	of *feature
	c  any // a *C of the feature
}

// Get returns the settings of a level after Merge: the level's own, or those
// of the nearest level around it that has some, or the defaults. They may be
// shared: do not write to them.
func Get[C any](l *Level) *C {
	for at := l; at != nil; at = at.Parent {
		if c := Own[C](at); c != nil {
			return c
		}
	}
	c, ok := l.tree.defaults[reflect.TypeFor[C]()]
	if !ok {
		panic(fmt.Sprintf("conf: no feature has the type %v", reflect.TypeFor[C]()))
	}
	return c.(*C)
}

// Own returns the settings of a level if they are its own, that is if a
// directive of the feature stands right there or [Make] was called, else nil.
func Own[C any](l *Level) *C {
	for _, s := range l.own {
		if c, ok := s.c.(*C); ok {
			return c
		}
	}
	return nil
}

// Make returns the level's own settings, and creates them where no directive
// did. It may be called only before the level is merged.
func Make[C any](l *Level) *C {
	f := l.tree.reg.byType[reflect.TypeFor[C]()]
	if f == nil {
		panic(fmt.Sprintf("conf: no feature has the type %v", reflect.TypeFor[C]()))
	}
	return l.make(f).(*C)
}

// make is [Make] for a feature whose type is known only to itself.
func (l *Level) make(f *feature) any {
	if c := l.find(f); c != nil {
		return c
	}
	if l.merged {
		panic("conf: the level of " + f.name + " is merged already")
	}
	c := f.make()
	l.own = append(l.own, settings{f, c})
	return c
}

func (l *Level) find(f *feature) any {
	for _, s := range l.own {
		if s.of == f {
			return s.c
		}
	}
	return nil
}

// Merge lets every feature inherit, at this level and then at the levels below
// it. Parse calls it for the whole tree when everything is read; a block that
// needs merged settings at its end may call it for itself, once its level is
// read. A level is merged only once.
func (l *Level) Merge() error {
	if !l.merged {
		l.merged = true
		for _, s := range l.own {
			if err := s.of.merge(s.c, l.outer(s.of)); err != nil {
				return l.placed(err)
			}
		}
	}
	for _, child := range l.Children {
		if err := child.Merge(); err != nil {
			return err
		}
	}
	return nil
}

// placed gives an error of merging its place; see [Error].Merging.
func (l *Level) placed(err error) error {
	var e *Error
	if !errors.As(err, &e) || !e.Merging {
		return err
	}
	for l.Parent != nil && l.Parent.Directive != nil {
		l = l.Parent
	}
	if l.Directive == nil {
		return err
	}
	return l.Directive.Errorf("%s", e.Msg)
}

// outer returns the settings to inherit from: those of the nearest level
// around this one that has some, else a zero C.
func (l *Level) outer(f *feature) any {
	for at := l.Parent; at != nil; at = at.Parent {
		if c := at.find(f); c != nil {
			return c
		}
	}
	return f.make()
}

// Tree returns the tree that the level belongs to.
func (l *Level) Tree() *Tree {
	return l.tree
}
