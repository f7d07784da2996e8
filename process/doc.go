// Package process is the engine under a server that runs as a master and
// workers: it starts, supervises, reloads, upgrades and stops them, under
// nginx's signals, pid file and NGINX= protocol. It has never heard of a
// configuration language or of HTTP.
//
// A program brings two things. For the master it is [Program].Build, which
// turns whatever the program calls a configuration into a [Cycle]: listeners,
// logs, and for each worker a [Handout]. For the worker it is a [Role]: Start
// returns once every listener accepts, Drain once no connection is left.
//
//	              signals, control socket, exits of children, timers
//	                                   |
//	+----------------------------------v------------------+
//	| master: one goroutine owns all state; a reload or   |  USR2
//	| an upgrade runs beside it, one at a time            |-------> new binary,
//	+----+----------------+-------------------------------+         NGINX=3;4;
//	     | channel: start, files, reopen, quit, terminate
//	     v                v        ready, failed, reopen ^
//	  worker 0         worker 1    (same program, from /proc/self/exe)
//
// A program's main looks like this:
//
//	title := process.TakeTitle()                 // before flags are parsed
//	if w, ok := process.WorkerFromEnv(title); ok {
//		os.Exit(w.Run(newRole()))
//	}
//	... parse flags, read the configuration ...
//	p := &process.Program{Name: "baton", Title: title, ...}
//	launched, ok := process.LaunchedFromEnv()
//	if daemon && !ok && !process.Inherits() {
//		exit, err := p.Launch(bundle)
//		...
//	}
//	exit, err := p.RunMaster(ctx, launched)
//
// The package owns the process it runs in: it reaps every child, and takes all
// signals that it names. Two masters may live in one process only in its own
// tests, with fakes for what is the process's.
package process
