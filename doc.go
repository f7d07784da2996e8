// Package baton holds the checks that concern the whole tree; the program is
// in cmd/baton. See README.md.
package baton
