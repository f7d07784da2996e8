// Command baton takes nginx's place: the same nginx.conf, flags and signals.
// See docs/operating.md.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/baton-project/baton/internal/server"
	"github.com/baton-project/baton/process"
)

func main() {
	title := process.TakeTitle()
	if w, ok := process.WorkerFromEnv(title); ok {
		runtime.GOMAXPROCS(1) // one reactor; worker_processes of them are the parallelism
		os.Exit(profiled(func() int { return w.Run(server.NewRole()) }))
	}
	launched, _ := process.LaunchedFromEnv()
	os.Exit(run(title, launched))
}

// run is a whole life other than a worker's; the result is the exit code.
func run(title *process.Title, launched *process.Launched) int {
	if args, ok := asNutcracker(os.Args); ok {
		return runNutcracker(args, title, launched)
	}
	f, err := parseFlags(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "nginx: %v\n", err)
		return 1
	}
	name := programName(os.Args[0])
	places := defaultPaths(name)
	if f.version {
		showVersion(os.Stderr, name, f, places)
		if !f.test {
			return 0
		}
	}
	site, err := newSite(name, f, places)
	if err != nil {
		fmt.Fprintf(os.Stderr, "nginx: [emerg] %v\n", err)
		return 1
	}
	switch {
	case f.test:
		return site.Test(os.Stdout, os.Stderr, f.dump, f.quiet)
	case f.signal != "":
		return site.Signal(f.signal, os.Stdout, os.Stderr)
	}
	return site.Serve(title, launched)
}

// newSite completes paths as nginx does: the prefix starts at the working
// directory, everything else at the prefix.
func newSite(name string, f flags, places paths) (*server.Site, error) {
	if f.prefixSet {
		places.prefix = f.prefix
	}
	if f.fileSet {
		places.conf = f.file
	}
	if f.errorLogSet {
		places.errorLog = f.errorLog
	}
	dir, err := filepath.Abs(places.prefix)
	if err != nil {
		return nil, err
	}
	dir = strings.TrimSuffix(dir, "/") + "/"
	under := func(path string) string {
		if strings.HasPrefix(path, "/") {
			return path
		}
		return dir + path
	}
	site := &server.Site{
		Program:   name,
		Version:   version,
		Prefix:    dir,
		File:      under(places.conf),
		PIDFile:   under(places.pid),
		Globals:   f.globals,
		Welcome:   !f.prefixSet && !f.fileSet,
		ErrorLog:  places.errorLog,
		AccessLog: under(places.accessLog),
	}
	if site.ErrorLog != "stderr" {
		site.ErrorLog = under(site.ErrorLog)
	}
	return site, nil
}
