// Package limitrate slows answers down.
//
//	limit_rate_after 10m;
//	limit_rate 500k;
//
// The rate is of one request, in bytes per second. $limit_rate, when it is set,
// takes its place; 0 is no limit. What is sent is counted from the start of the
// request, one second in advance.
//
// See limit_rate in nginx's core module reference.
package limitrate
