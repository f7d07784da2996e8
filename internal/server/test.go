package server

import (
	"context"
	"fmt"
	"io"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/cycle"
	"github.com/baton-project/baton/internal/log"
)

// Test is -t and -T: it says whether the configuration is good, and with dump
// prints every file of it. The result is the exit code.
func (s *Site) Test(stdout, stderr io.Writer, dump, quiet bool) int {
	s.settle()
	logger, done := s.console()
	defer done()
	say := func(format string) {
		if !quiet {
			fmt.Fprintf(stderr, said+": "+format+"\n", s.File)
		}
	}
	plan, err := s.check(logger, say)
	if err != nil {
		logger.Log(log.Emerg, 0, err.Error())
		fmt.Fprintf(stderr, "%s: configuration file %s test failed\n", said, s.File)
		return 1
	}
	say("configuration file %s test is successful")
	if dump {
		writeDump(stdout, plan.Tree.Files)
	}
	return 0
}

// Check reports what is wrong with the configuration. It opens nothing.
func (s *Site) Check() error {
	src, _ := s.source()
	_, err := s.read(src, nil)
	return err
}

// check goes as far as a start does without touching what runs.
func (s *Site) check(logger *log.Logger, say func(format string)) (*cycle.Plan, error) {
	src, _ := s.source()
	plan, err := s.read(src, logger)
	if plan != nil && plan.WellFormed {
		say("the configuration file %s syntax is ok")
	}
	if err != nil {
		return nil, err
	}
	c, err := cycle.Open(context.Background(), plan, cycle.Input{Test: true, Logger: logger})
	if err != nil {
		return nil, err
	}
	c.Abort()
	return plan, nil
}

func writeDump(w io.Writer, files []conf.File) {
	for _, f := range files {
		fmt.Fprintf(w, "# configuration file %s:\n%s\n", f.Name, f.Text)
	}
}
