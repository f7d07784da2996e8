// Package pcre matches Perl-compatible regular expressions as nginx's
// configurations use them: over bytes, with the first match that a backtracking
// search would find.
//
// An expression is translated first; the translation has its cases folded, its
// classes spelled out byte by byte, and its groups without names. What a finite
// automaton can do runs in time linear in the subject, without allocation. For
// the rest (assertions, back references, atomic groups, possessive quantifiers)
// the translation goes to regexp2, with a limit on the time of a match.
//
//	regexp.go      compiling and matching
//	translate.go   the parser of patterns
//	escape.go      what stands behind a backslash
//	class.go       sets of bytes
//	property.go    sets by Unicode property
//	program.go     the linear matcher
//	shortcut.go    what cannot match, at a glance
//
// Refused are recursion, conditions, branch reset and verbs, which are not met in
// configurations.
package pcre
