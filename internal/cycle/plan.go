package cycle

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/core"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/modules"
	"github.com/baton-project/baton/internal/pool"
	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/internal/zone"
)

// A Site says where a configuration is and what completes it. All paths are
// absolute.
type Site struct {
	File       string // the main file
	Prefix     string // where relative paths start, with a slash at the end
	ErrorLog   string // the log of a configuration that names none; "stderr" is possible
	AccessLog  string // the access log of an http{} that names none
	PIDFile    string // the same for the pid file
	Globals    string // directives from the command line (-g)
	Hostname   string // $hostname
	Privileged bool   // the master is root
}

// A Plan is a configuration that was read, checked and compiled. Nothing is
// open yet.
type Plan struct {
	Site     Site
	Tree     *conf.Tree
	Settings *core.Settings
	Logs     *log.Files   // in the master, named but not open
	Logger   *log.Logger  // the main error log
	HTTP     *http.Main   // nil without http{}
	Stream   *stream.Main // nil without stream{}
	Pools    *pool.Main   // nil without a nutcracker directive
	Zones    *zone.Set    // in the master, declared but not open

	// WellFormed says that an error, if there is one, is about the whole and not
	// about a line: nginx -t then has said "syntax is ok".
	WellFormed bool
}

// Read reads the configuration of a site. The error is nginx's sentence; the
// tree, for -T, then holds the files that were read. logs are the log files of
// the configuration to be, which is the caller's to close on failure. warn,
// which may be nil, gets what works but is odd.
func Read(site Site, src conf.Source, logs *log.Files, warn func(*conf.Error)) (*Plan, error) {
	p := &Plan{Site: site, Logs: logs, Zones: new(zone.Set)}
	var err error
	p.Tree, err = conf.Parse(site.File, src, modules.Registry(), conf.Options{
		Globals:    site.Globals,
		Prefix:     site.Prefix,
		Privileged: site.Privileged,
		Warn:       warn,
	})
	if err != nil {
		return p, err
	}
	if p.Settings, err = core.New(p.Tree, core.Defaults{PIDFile: site.PIDFile}, warn); err != nil {
		p.WellFormed = true
		return p, err
	}
	if p.Logger, err = logs.Logger(p.errorLog()); err != nil {
		return p, err
	}
	logs.SetMain(p.Logger)
	p.Zones.Notify = func(text string) { p.Logger.Log(log.Alert, 0, text) }
	if err = p.compileHTTP(); err == nil {
		err = p.compileStream()
	}
	if err == nil {
		err = p.compilePools()
	}
	p.WellFormed = err == nil
	return p, err
}

func (p *Plan) compileHTTP() (err error) {
	block := http.Block(p.Tree)
	if block == nil {
		return nil
	}
	p.HTTP, err = http.New(block, modules.HTTP(), http.Env{
		Files:             p.Logs,
		Logger:            p.Logger,
		Prefix:            p.Site.Prefix,
		Hostname:          p.Site.Hostname,
		AccessLog:         p.Site.AccessLog,
		Zones:             p.Zones,
		WorkerConnections: p.Settings.WorkerConnections,
		CloseOrphans:      p.Settings.CloseOrphans, OrphanTime: p.Settings.OrphanTime,
		DebugClients: http.DebugClients{Networks: p.Settings.DebugNetworks, Unix: p.Settings.DebugUnix},
	})
	return err
}

func (p *Plan) compileStream() (err error) {
	block := stream.Block(p.Tree)
	if block == nil {
		return nil
	}
	p.Stream, err = stream.New(block, modules.Stream(), stream.Env{
		Files:             p.Logs,
		Logger:            p.Logger,
		Hostname:          p.Site.Hostname,
		Version:           http.NginxVersion,
		Zones:             p.Zones,
		WorkerConnections: p.Settings.WorkerConnections,
		CloseOrphans:      p.Settings.CloseOrphans, OrphanTime: p.Settings.OrphanTime,
	})
	return err
}

func (p *Plan) compilePools() (err error) {
	p.Pools, err = pool.New(p.Tree, pool.Env{Logger: p.Logger, Hostname: p.Site.Hostname, Zones: p.Zones})
	if err != nil || p.Pools == nil {
		return err
	}
	return p.Pools.Check(p.addresses())
}

// errorLog are the outputs of the main error log.
func (p *Plan) errorLog() []log.Spec {
	if p.Site.ErrorLog != "stderr" {
		return log.WithDefault(p.Settings.ErrorLog, p.Site.ErrorLog)
	}
	if len(p.Settings.ErrorLog) > 0 {
		return p.Settings.ErrorLog
	}
	return []log.Spec{{Level: log.Error, Stderr: true}}
}
