package conf

// Entry is one directive of a feature whose settings are a C.
type Entry[C any] struct {
	Name string
	In   Context
	Args Arity
	// Set applies the directive to the C of the level where it stands. An
	// error made with Directive.Errorf is reported as it is; any other is the
	// end of nginx's sentence: "is duplicate" becomes
	// "NAME" directive is duplicate in FILE:LINE. For a block Set has to call
	// Directive.Enter or Directive.Each.
	Set func(*C, *Directive) error
	// Variables picks what of the arguments may have variables in it; nil: nothing.
	// See Level.Texts.
	Variables Texts
	// Syntax describes the arguments and Default the value without the
	// directive, both as in nginx's manual, for the reference: "on | off".
	Syntax, Default string
	// Accepted says why the directive is accepted but changes nothing here,
	// because it tunes something inside nginx that this program does not have.
	// Set may be nil then, or just check the value.
	Accepted string
}

// Table lists the directives of a feature.
type Table[C any] []Entry[C]

// Feature is what a feature folder brings to the configuration.
type Feature[C any] struct {
	Name string
	Doc  string // one or two sentences for the reference
	// Table may be nil for a feature that has no directives of its own.
	Table Table[C]
	// Merge fills what the level c left unset from the enclosing level's outer,
	// else with the default. It is called for outermost levels first, with a
	// zero outer for the outermost. Merging a zero C with a zero C, which makes
	// the defaults, must not fail. Nil: nothing is inherited. After Merge a C is
	// never written again, since levels without directives share it.
	Merge func(c, outer *C) error
}
