// Package limitconn bounds how many requests are handled at once, per key. Package
// variable/limitconn does the work.
package limitconn
