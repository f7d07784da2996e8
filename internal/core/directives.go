package core

import (
	"net/netip"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
)

// Conf holds the directives outside every block.
type Conf struct {
	Daemon, Master   conf.Setting[bool]
	Workers          conf.Setting[workers]
	Nofile           conf.Setting[int]
	CoreSize         conf.Setting[int64]
	Priority         conf.Setting[int]
	Affinity         conf.Setting[affinity]
	ShutdownTimeout  conf.Setting[time.Duration]
	Handover         conf.Setting[bool]
	Objects          conf.Setting[bool]
	Orphans          conf.Setting[orphans]
	User             conf.Setting[*User]
	PIDFile          conf.Setting[string]
	WorkingDirectory conf.Setting[string]
	Env              []string
	ErrorLog         []log.Spec

	events  *conf.Directive // the events block, nil if there is none
	lock    conf.Setting[string]
	timer   conf.Setting[time.Duration]
	debug   conf.Setting[struct{}]
	pcreJIT conf.Setting[bool]
	pools   map[string]bool
}

// Feature is the main context.
var Feature = conf.Feature[Conf]{
	Name:  "core",
	Doc:   "The master process, its workers, and the main error log.",
	Merge: (*Conf).merge,
	Table: conf.Table[Conf]{
		{Name: "daemon", In: conf.Global, Args: conf.Flag, Syntax: "on | off", Default: "on",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.Daemon })},
		{Name: "master_process", In: conf.Global, Args: conf.Flag, Syntax: "on | off", Default: "on",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.Master })},
		{Name: "worker_processes", In: conf.Global, Args: conf.Take1, Syntax: "number | auto", Default: "1",
			Set: (*Conf).setWorkers},
		{Name: "worker_rlimit_nofile", In: conf.Global, Args: conf.Take1, Syntax: "number",
			Set: conf.Num(func(c *Conf) *conf.Setting[int] { return &c.Nofile })},
		{Name: "worker_rlimit_core", In: conf.Global, Args: conf.Take1, Syntax: "size",
			Set: conf.Offset(func(c *Conf) *conf.Setting[int64] { return &c.CoreSize })},
		{Name: "worker_priority", In: conf.Global, Args: conf.Take1, Syntax: "number", Default: "0",
			Set: (*Conf).setPriority},
		{Name: "worker_cpu_affinity", In: conf.Global, Args: conf.OneMore, Syntax: "cpumask ... | auto [cpumask]",
			Set: (*Conf).setAffinity},
		{Name: "worker_shutdown_timeout", In: conf.Global, Args: conf.Take1, Syntax: "time",
			Set: conf.Msec(func(c *Conf) *conf.Setting[time.Duration] { return &c.ShutdownTimeout })},
		{Name: "handover", In: conf.Global, Args: conf.Flag, Syntax: "on | off", Default: "on",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.Handover })},
		{Name: "ssl_object_cache_inheritable", In: conf.Global, Args: conf.Flag, Syntax: "on | off", Default: "on",
			Set: conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.Objects })},
		{Name: "handover_orphans", In: conf.Global, Args: conf.Take12, Syntax: "keep | close [time]", Default: "keep",
			Set: (*Conf).setOrphans},
		{Name: "user", In: conf.Global, Args: conf.Take12, Syntax: "user [group]", Default: "nobody nobody",
			Set: (*Conf).setUser},
		{Name: "pid", In: conf.Global, Args: conf.Take1, Syntax: "file",
			Set: conf.Str(func(c *Conf) *conf.Setting[string] { return &c.PIDFile })},
		{Name: "error_log", In: conf.Global, Args: conf.OneMore, Syntax: "file [level]", Default: "logs/error.log error",
			Set: (*Conf).addErrorLog},
		{Name: "env", In: conf.Global, Args: conf.Take1, Syntax: "variable[=value]", Default: "TZ",
			Set: (*Conf).addEnv},
		{Name: "working_directory", In: conf.Global, Args: conf.Take1, Syntax: "directory",
			Set: conf.Str(func(c *Conf) *conf.Setting[string] { return &c.WorkingDirectory })},
		{Name: "events", In: conf.Global, Args: conf.NoArgs | conf.Block, Syntax: "{ ... }",
			Set: (*Conf).enterEvents},
		{Name: "load_module", In: conf.Global, Args: conf.Take1, Syntax: "file",
			Set: (*Conf).loadModule,
			Accepted: "A module of nginx is built in here or missing. Loading one of nginx's own changes nothing; " +
				"the directives of a missing one are unknown. A module of somebody else is refused."},

		{Name: "lock_file", In: conf.Global, Args: conf.Take1, Syntax: "file", Default: "logs/nginx.lock",
			Set:      conf.Str(func(c *Conf) *conf.Setting[string] { return &c.lock }),
			Accepted: "There is no accept mutex that would need a file."},
		{Name: "timer_resolution", In: conf.Global, Args: conf.Take1, Syntax: "interval",
			Set:      conf.Msec(func(c *Conf) *conf.Setting[time.Duration] { return &c.timer }),
			Accepted: "Reading the clock costs no system call here."},
		{Name: "debug_points", In: conf.Global, Args: conf.Take1, Syntax: "abort | stop",
			Set: conf.Enum([]conf.Choice[struct{}]{{Word: "stop"}, {Word: "abort"}},
				func(c *Conf) *conf.Setting[struct{}] { return &c.debug }),
			Accepted: "The points are inside nginx."},
		{Name: "pcre_jit", In: conf.Global, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set:      conf.OnOff(func(c *Conf) *conf.Setting[bool] { return &c.pcreJIT }),
			Accepted: "Patterns are not compiled by PCRE."},
		{Name: "thread_pool", In: conf.Global, Args: conf.Take23, Syntax: "name threads=number [max_queue=number]",
			Default: "default threads=32 max_queue=65536", Set: (*Conf).addThreadPool,
			Accepted: "Blocking file operations run on threads that come and go by need."},
	},
}

// Events holds the directives of the events block.
type Events struct {
	Connections      conf.Setting[int]
	AcceptMutexDelay conf.Setting[time.Duration]

	method      conf.Setting[string]
	multiAccept conf.Setting[bool]
	acceptMutex conf.Setting[bool]
	aioRequests conf.Setting[int]
	epollEvents conf.Setting[int]

	debugNetworks []netip.Prefix
	debugUnix     bool
}

// EventsFeature is the events context.
var EventsFeature = conf.Feature[Events]{
	Name:  "events",
	Doc:   "How a worker processes connections.",
	Merge: (*Events).merge,
	Table: conf.Table[Events]{
		{Name: "worker_connections", In: conf.Events, Args: conf.Take1, Syntax: "number", Default: "512",
			Set: (*Events).setConnections},
		{Name: "accept_mutex_delay", In: conf.Events, Args: conf.Take1, Syntax: "time", Default: "500ms",
			Set: conf.Msec(func(c *Events) *conf.Setting[time.Duration] { return &c.AcceptMutexDelay })},

		{Name: "use", In: conf.Events, Args: conf.Take1, Syntax: "method", Default: "epoll",
			Set:      (*Events).setMethod,
			Accepted: "There is one method, epoll; any other is refused."},
		{Name: "multi_accept", In: conf.Events, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set:      conf.OnOff(func(c *Events) *conf.Setting[bool] { return &c.multiAccept }),
			Accepted: "How many connections are accepted at once is the reactor's own decision."},
		{Name: "accept_mutex", In: conf.Events, Args: conf.Flag, Syntax: "on | off", Default: "off",
			Set:      conf.OnOff(func(c *Events) *conf.Setting[bool] { return &c.acceptMutex }),
			Accepted: "The kernel wakes one worker for a connection (EPOLLEXCLUSIVE)."},
		{Name: "worker_aio_requests", In: conf.Events, Args: conf.Take1, Syntax: "number", Default: "32",
			Set:      conf.Num(func(c *Events) *conf.Setting[int] { return &c.aioRequests }),
			Accepted: "Files are not read with the kernel's asynchronous requests."},
		{Name: "epoll_events", In: conf.Events, Args: conf.Take1, Syntax: "number", Default: "512",
			Set:      conf.Num(func(c *Events) *conf.Setting[int] { return &c.epollEvents }),
			Accepted: "How many events are taken at once is the reactor's own decision."},
		{Name: "debug_connection", In: conf.Events, Args: conf.Take1, Syntax: "address | CIDR | unix:",
			Set: (*Events).addDebugConnection},
	},
}

// Register brings the directives of this package into r.
func Register(r *conf.Registry) {
	conf.Register(r, Feature)
	conf.Register(r, EventsFeature)
}

func (c *Conf) merge(outer *Conf) error {
	c.Daemon.Inherit(outer.Daemon, true)
	c.Master.Inherit(outer.Master, true)
	c.Workers.Inherit(outer.Workers, workers{n: 1})
	c.Handover.Inherit(outer.Handover, true)
	c.Objects.Inherit(outer.Objects, true)
	c.CoreSize.Inherit(outer.CoreSize, -1)
	return nil
}

func (c *Events) merge(outer *Events) error {
	c.Connections.Inherit(outer.Connections, 512)
	c.AcceptMutexDelay.Inherit(outer.AcceptMutexDelay, 500*time.Millisecond)
	return nil
}
