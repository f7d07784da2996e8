//go:build !pprof

package main

// profiled runs a worker's life. Built with the tag pprof it also records where
// the time goes.
func profiled(life func() int) int { return life() }
