// Package splitclients is nginx's split_clients module: variables that split
// clients into groups. Package variable/splitclients does the work.
package splitclients
