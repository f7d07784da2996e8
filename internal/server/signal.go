package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/process"
)

// controlBound is how long -s reload and -s upgrade wait for an answer. Workers
// that are still draining then go on doing so.
const controlBound = 2 * time.Minute

// Signal is -s: it finds the master by the pid file of the configuration and
// has it do verb. The result is the exit code.
func (s *Site) Signal(verb string, stdout, stderr io.Writer) int {
	s.settle()
	logger, done := s.console()
	defer done()
	src, _ := s.source()
	plan, err := s.read(src, logger)
	if err != nil {
		logger.Log(log.Emerg, 0, err.Error())
		return 1
	}
	pid, err := process.ReadPIDFile(plan.Settings.PIDFile)
	if err != nil {
		logger.Log(log.Error, 0, err.Error())
		return 1
	}
	switch verb {
	case "stop", "quit", "reopen":
		return send(logger, pid, verb)
	}
	return control(logger, pid, verb, stdout, stderr)
}

// send sends the plain signal that nginx has for verb.
func send(logger *log.Logger, pid int, verb string) int {
	if err := process.SignalProcess(pid, verb); err != nil {
		logger.Log(log.Alert, 0, err.Error())
		return 1
	}
	return 0
}

// control asks the master itself, and tells what came of it. An nginx has no
// ears for that: it gets the signal, if there is one.
func control(logger *log.Logger, pid int, verb string, stdout, stderr io.Writer) int {
	ctx, cancel := context.WithTimeout(context.Background(), controlBound)
	defer cancel()
	ok, message, err := process.Control(ctx, pid, verb, progress(stderr))
	if errors.Is(err, process.ErrNoControl) {
		if verb != "reload" {
			logger.Logf(log.Error, 0, "process %d is no baton master, \"-s %s\" needs one", pid, verb)
			return 1
		}
		return send(logger, pid, verb)
	}
	if err != nil {
		logger.Log(log.Error, 0, err.Error())
		return 1
	}
	if !ok {
		fmt.Fprintf(stderr, "%s: %s failed: %s\n", said, verb, message)
		return 1
	}
	fmt.Fprintln(stdout, message)
	return 0
}
