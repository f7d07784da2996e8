package variable

import "github.com/baton-project/baton/internal/conf"

// A Declarer is what a core lets its features declare variables with.
type Declarer[S Subject] interface {
	// Variable is [Registry.Declare].
	Variable(name string, get Getter[S], flags Flags) error
	// PrefixVariable is [Registry.DeclarePrefix].
	PrefixVariable(prefix string, make func(rest string) Getter[S])
	// SettableOr is [Registry.Settable].
	SettableOr(name string, get Getter[S]) (*Variable[S], error)
	// Compile is [Registry.Compile].
	Compile(d *conf.Directive, text string) (*Value[S], error)
	// Lookup is [Registry.Lookup].
	Lookup(d *conf.Directive, name string) (*Variable[S], error)
}
