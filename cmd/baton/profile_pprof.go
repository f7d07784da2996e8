//go:build pprof

package main

import (
	"fmt"
	"os"
	"runtime/pprof"
)

// profiled writes a CPU profile of a worker's life to the file that BATON_PPROF
// names. The configuration must let the variable through: env BATON_PPROF;
func profiled(life func() int) int {
	path := os.Getenv("BATON_PPROF")
	if path == "" {
		return life()
	}
	f, err := os.Create(path)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "BATON_PPROF: %v\n", err)
		return life()
	}
	exit := life()
	pprof.StopCPUProfile()
	if err := f.Close(); err != nil {
		fmt.Fprintf(os.Stderr, "BATON_PPROF: %v\n", err)
	}
	return exit
}
