package http

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/variable"
)

// What variables are of a request; see package variable.
type (
	// A Getter computes a variable for a request. The string may be a view into
	// the request's memory; what must be built is built in [Request.Scratch].
	Getter = variable.Getter[*Request]
	// VariableFlags say how a variable may be used.
	VariableFlags = variable.Flags
	// A Variable is a name that texts may refer to.
	Variable = variable.Variable[*Request]
	// A Value is a text with variables in it, compiled. A nil Value is "".
	Value = variable.Value[*Request]
	// A Regex is a regular expression of the configuration.
	Regex = variable.Regex[*Request]

	cachedValue = variable.Cached
)

const (
	// Changeable: set, map and the like may take the name over.
	Changeable = variable.Changeable
	// Cacheable: the getter runs once for each request, its value is kept.
	Cacheable = variable.Cacheable
)

// CompileRegex compiles pattern, an argument of d. Letters match without case
// when fold is true.
func CompileRegex(d *conf.Directive, pattern string, fold bool) (*Regex, error) {
	return variable.CompileRegex[*Request](d, pattern, fold)
}

// LiteralValue is a Value without variables.
func LiteralValue(text string) *Value { return variable.Literal[*Request](text) }

// variables is the registry of one http{} block.
type variables struct {
	variable.Registry[*Request]
	slots int // of each request, once all is resolved
}

// Variables is what the request remembers of its variables.
func (r *Request) Variables() *variable.State { return &r.vars }

// Capture is "$n" of the last regular expression that matched; "" when there is
// none.
func (r *Request) Capture(n int) string { return r.vars.Capture(n) }

// VariableNamed is the variable with a name that is not known before the request,
// in lower case; ok is false when there is none or it has no value.
func (r *Request) VariableNamed(name string) (value string, ok bool) {
	return r.conn.worker.main.vars.Value(r, name)
}
