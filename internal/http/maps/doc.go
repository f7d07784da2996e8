// Package maps is nginx's map module: variables that depend on others. Package
// variable/maps does the work.
package maps
