// Package fd owns file descriptors and passes them between processes.
//
// A descriptor is a number that anybody can close and the kernel hands out
// again at once, so a stray close hits a stranger. Here each one is an [Owned]
// value with exactly one owner, whose Close works once and reports the second
// time. A [Channel] carries messages and descriptors between two processes of
// one machine; [Memfd] and [ReadSealed] carry bytes that nobody can change on
// the way.
//
// The package imports nothing but the standard library and x/sys, and knows
// nothing of who uses it.
package fd
