package server

import (
	"math"
	"runtime"
	"runtime/debug"
)

// loadRoom is how many bytes a load may use before the collector comes after
// all. A configuration of 2,645 servers needs some 40 MB.
const loadRoom = 256 << 20

// withoutCollector keeps the garbage collector away until the result is called.
// Almost everything that reading a configuration allocates stays, so looking
// for garbage meanwhile finds little and costs a fifth of the time.
func withoutCollector() (done func()) {
	percent := debug.SetGCPercent(-1)
	if percent < 0 { // switched off by somebody else, who will switch it on
		return func() {}
	}
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	limit := debug.SetMemoryLimit(int64(min(now.Sys+loadRoom, math.MaxInt64)))
	return func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	}
}
