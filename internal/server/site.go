package server

import (
	"os"
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/conf/bundle"
	"github.com/baton-project/baton/internal/cycle"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/server/welcome"
)

// said is the name before nginx's sentences on the terminal. It is nginx's
// whatever the program is called, because scripts look for it.
const said = "nginx"

// A Site is what the command line says about a server: who it is and where its
// configuration is. All paths are absolute.
type Site struct {
	Program  string // "baton" or "nginx": the name in ps
	Version  string // for -s status
	File     string // the main configuration file
	Prefix   string // with a slash at the end
	ErrorLog string // until the configuration names one; "stderr" is possible
	Globals  string // -g

	// Where these are unless the configuration says so.
	AccessLog, PIDFile string

	// Text, when not nil, is the configuration, and File only a name for it.
	Text []byte

	// Welcome lets the built-in page stand in for a File that does not exist.
	Welcome bool
}

// settle decides whether the built-in page is served.
func (s *Site) settle() {
	s.Welcome = s.Welcome && welcome.Missing(s.File)
	if s.Welcome {
		s.ErrorLog, s.PIDFile = "stderr", welcome.PIDFile()
	}
}

// read reads the configuration from src. On failure the tree of the plan holds
// what was read so far.
func (s *Site) read(src conf.Source, logger *log.Logger) (*cycle.Plan, error) {
	hostname, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	defer withoutCollector()()
	logs := log.NewFiles()
	p, err := cycle.Read(cycle.Site{
		File: s.File, Prefix: s.Prefix, Globals: s.Globals,
		ErrorLog: s.ErrorLog, AccessLog: s.AccessLog, PIDFile: s.PIDFile,
		Hostname:   strings.ToLower(hostname),
		Privileged: os.Geteuid() == 0,
	}, src, logs, func(e *conf.Error) { logger.Log(log.Warn, 0, e.Error()) })
	if err != nil {
		logs.Close()
	}
	return p, err
}

// source is where the configuration is read from, with the recorder that
// remembers what was read.
func (s *Site) source() (conf.Source, *bundle.Recorder) {
	r := new(bundle.Recorder)
	if s.Text != nil {
		r.Preset(s.File, s.Text)
	}
	if s.Welcome {
		r.Preset(s.File, welcome.Text(s.PIDFile))
	}
	return r, r
}

// console returns the logger of everything that happens before, or without, a
// cycle: the terminal and the error log of the command line, and what to call
// when it is no longer used.
func (s *Site) console() (logger *log.Logger, done func()) {
	if s.ErrorLog == "stderr" {
		return log.NewConsole(said, log.Notice), func() {}
	}
	files := log.NewFiles()
	logger, err := files.Logger([]log.Spec{{Level: log.Notice, Path: s.ErrorLog}})
	if err == nil {
		err = files.Open()
	}
	if err != nil {
		logger = log.NewConsole(said, log.Notice)
		logger.Logf(log.Alert, 0, "could not open error log file: %v", err)
		return logger, files.Close
	}
	return logger.WithConsole(said), files.Close
}
