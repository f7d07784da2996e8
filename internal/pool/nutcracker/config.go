// Package nutcracker reads nutcracker.yml, twemproxy's configuration, as
// twemproxy does, and says what is wrong with it and where.
package nutcracker

import (
	"time"

	"github.com/baton-project/baton/internal/pool/hashkit"
)

// A Pool is one pool of the file.
type Pool struct {
	Name string
	Line int // where it begins

	Listen       Address // where clients come
	Servers      []Server
	HashName     string
	Hash         hashkit.Hash
	HashTag      string // empty or two bytes
	Distribution hashkit.Distribution

	Timeout           time.Duration // zero: none
	Backlog           int
	ClientConnections int // zero: no bound
	ServerConnections int
	RetryTimeout      time.Duration // server_retry_timeout
	FailureLimit      int           // server_failure_limit

	Redis          bool
	RedisAuth      string
	RedisDB        int
	Preconnect     bool
	AutoEjectHosts bool
	TCPKeepalive   bool
	ReusePort      bool

	TLS         TLS
	ServerTLS   ServerTLS
	RedisUser   string        // whom we are for servers; "": the default user
	RedisUsers  []User        // whom clients may log in as, beside redis_auth
	HealthCheck time.Duration // server_health_check; zero: there is none
	Slowlog     time.Duration // requests that take so long are logged; zero: none

	lines map[string]int // of the keys that stand there
}

// An Address is a host and a port as they were written, or a path.
type Address struct {
	Text string // as it was written
	Host string
	Port int
	Path string // not empty: a unix socket
	Mode int    // of a socket's file; -1: what the umask leaves
}

// A Server is one entry of servers. They are sorted by their names.
type Server struct {
	Address
	Name   string // its identity in the ring and in statistics
	Weight int
}

// Ring are the pool's servers as a ring knows them.
func (p *Pool) Ring() []hashkit.Server {
	servers := make([]hashkit.Server, len(p.Servers))
	for i, s := range p.Servers {
		servers[i] = hashkit.Server{Name: s.Name, Weight: s.Weight}
	}
	return servers
}

// The defaults of twemproxy.
const (
	defaultBacklog      = 512
	defaultRetryTimeout = 30 * time.Second
	defaultFailureLimit = 2
	defaultHash         = "fnv1a_64"
)

// MaxServers is how many servers a pool may have: there is a line of counters
// for each in shared memory.
const MaxServers = 500

func newPool(name string, line int) *Pool {
	return &Pool{
		Name: name, Line: line,
		Backlog: defaultBacklog, ServerConnections: 1,
		RetryTimeout: defaultRetryTimeout, FailureLimit: defaultFailureLimit,
		HashName: defaultHash, Hash: hashkit.FNV1a64,
		HealthCheck: defaultHealthCheck, lines: make(map[string]int),
	}
}
