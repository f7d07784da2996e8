// Package diff compares baton with the real nginx: the same configuration and
// the same request bytes must give the same answer, byte for byte apart from
// Date and Server; the same broken configuration must give the same [emerg]
// line. A case is a name, a piece of configuration, and what is sent: see
// requests_test.go and broken_test.go.
//
// The reference is Debian's nginx 1.22, while baton follows 1.31. Where the two
// differ the case says what 1.31 does and since when.
package diff
