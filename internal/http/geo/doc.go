// Package geo is nginx's geo module: variables that depend on an address. Package
// variable/geo does the work.
package geo
