//go:build race

package pcre

// raceEnabled: the race detector makes pools forget, which costs allocations.
const raceEnabled = true
