// Package variable is "$name" and the texts made of such names, for whatever
// has variables: a request of http{}, a session of stream{}. S stands for that.
//
//	names      --Registry.Declare, Settable-->  Variable: a getter, perhaps a slot
//	"a $b ${c}" --Registry.Compile-->           Value
//	patterns   --Compile, Regex.Bind-->         Regex: $1 to $9 and named groups
//
// A subject keeps what it remembers of its variables in a [State].
//
// Sentences are nginx's (ngx_http_variables.c, ngx_http_script.c and their twins
// of stream{}).
package variable
