package http

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
)

// locationKind is how a location's name is compared with a path.
type locationKind uint8

const (
	prefixLocation   locationKind = iota // location /x
	noRegexLocation                      // location ^~ /x
	exactLocation                        // location = /x
	regexLocation                        // location ~ x, location ~* x
	namedLocation                        // location @x
	namelessLocation                     // server, if, limit_except
)

// A parsedName is the head of a location block taken apart.
type parsedName struct {
	kind locationKind
	text string
	fold bool // regex: letters match without case
}

// locationName is the name of the location whose block l is; of any other block
// it is nameless.
func locationName(l *conf.Level) parsedName {
	if l == nil || l.Directive == nil || l.Directive.Name != "location" {
		return parsedName{kind: namelessLocation}
	}
	args := l.Directive.Args
	if len(args) == 2 {
		switch args[0] {
		case "=":
			return parsedName{kind: exactLocation, text: args[1]}
		case "^~":
			return parsedName{kind: noRegexLocation, text: args[1]}
		case "~":
			return parsedName{kind: regexLocation, text: args[1]}
		case "~*":
			return parsedName{kind: regexLocation, text: args[1], fold: true}
		}
		return parsedName{kind: namelessLocation, text: args[0]}
	}
	name := args[0]
	switch {
	case strings.HasPrefix(name, "="):
		return parsedName{kind: exactLocation, text: name[1:]}
	case strings.HasPrefix(name, "^~"):
		return parsedName{kind: noRegexLocation, text: name[2:]}
	case strings.HasPrefix(name, "~*"):
		return parsedName{kind: regexLocation, text: name[2:], fold: true}
	case strings.HasPrefix(name, "~"):
		return parsedName{kind: regexLocation, text: name[1:]}
	case strings.HasPrefix(name, "@"):
		return parsedName{kind: namedLocation, text: name}
	}
	return parsedName{kind: prefixLocation, text: name}
}

// checkLocation refuses a location block that cannot be where it is, before
// its content is read.
func checkLocation(l *conf.Level) error {
	d := l.Directive
	name := locationName(l)
	if name.kind == namelessLocation {
		return d.Errorf(`invalid location modifier "%s"`, name.text)
	}
	if l.Parent.Context != conf.Location {
		return nil
	}
	outer := locationName(l.Parent)
	switch {
	case outer.kind == exactLocation:
		return d.Errorf(`location "%s" cannot be inside the exact location "%s"`, name.text, outer.text)
	case outer.kind == namedLocation:
		return d.Errorf(`location "%s" cannot be inside the named location "%s"`, name.text, outer.text)
	case name.kind == namedLocation:
		return d.Errorf(`named location "%s" can be on the server level only`, name.text)
	case name.kind != regexLocation && !strings.HasPrefix(name.text, outer.text):
		return d.Errorf(`location "%s" is outside location "%s"`, name.text, outer.text)
	}
	return nil
}
