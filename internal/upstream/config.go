package upstream

import (
	"time"

	"github.com/baton-project/baton/internal/conf"
)

// A Server is one server directive, or the address of an implicit upstream.
type Server struct {
	Name      string // as it was written, without the parameters
	Addresses []Address
	Weight    int
	// MaxConns bounds the connections at once; 0: no bound.
	MaxConns int
	// MaxFails is how many failures within FailTimeout, in whole seconds, take
	// the server out for so long; 0: it is never taken out.
	MaxFails    int
	FailTimeout time.Duration
	// SlowStart is how long a server that was taken out needs to get its full
	// weight again.
	SlowStart time.Duration
	Backup    bool
	// Down: nothing is ever sent there. Draining: only what a hint names.
	Down, Draining bool
	// Route is the server's name in a hint; empty: a digest of each address.
	Route string
	// Resolve: Host is looked up at run time, as addresses or, with Service,
	// by SRV records. Port is then that of the addresses.
	Resolve bool
	Host    string
	Port    uint16
	Service string
}

// Method is how the next server is chosen.
type Method uint8

// The methods. With RandomTwo, two are drawn and the one with fewer connections
// is taken.
const (
	RoundRobin Method = iota
	LeastConn
	IPHash
	Hash
	ConsistentHash
	Random
	RandomTwo
	LeastTime
)

// Metric is what least_time goes by.
type Metric uint8

// The metrics: the time until the peer had accepted the connection, until its
// first byte or head had come, until the last byte had.
const (
	NoMetric Metric = iota
	TimeToConnect
	TimeToFirst
	TimeToLast
)

// backups reports whether the method knows of servers for the worst case.
func (m Method) backups() bool { return m == RoundRobin || m == LeastConn || m == LeastTime }

// A Config is an upstream{}, or an address or name that is used like one.
type Config struct {
	Name    string
	At      *conf.Directive // where it first stands
	Servers []Server
	Method  Method
	Metric  Metric
	// Inflight: least_time counts requests that are not done as well.
	Inflight bool
	// HashKey is the text of hash's key, whose value the caller puts into
	// Key.Text, and HashAt its directive.
	HashKey string
	HashAt  *conf.Directive

	Keepalive KeepaliveConfig

	// ZoneName is empty when every worker counts alone. ZoneSize is 0 when
	// another upstream{} gives the size.
	ZoneName string
	ZoneSize int64
	ZoneAt   *conf.Directive

	// Resolver are the arguments of the resolver directive, empty when that of
	// the level around is to be used.
	Resolver        []string
	ResolverAt      *conf.Directive
	ResolverTimeout conf.Setting[time.Duration]

	explicit  bool // upstream{}
	hasMethod bool
	port      uint16 // of an implicit one
	noPort    bool
	group     *Group
}

// KeepaliveConfig is what the keepalive directives say.
type KeepaliveConfig struct {
	// Max is how many unused connections a worker keeps; 0: none.
	Max conf.Setting[int]
	// Local: a connection is used again only by the location that opened it.
	Local    bool
	Requests conf.Setting[int]
	Time     conf.Setting[time.Duration] // since it was opened
	Timeout  conf.Setting[time.Duration] // unused
}

// Explicit reports whether c is an upstream{}.
func (c *Config) Explicit() bool { return c.explicit }

// Group is what c was compiled to; nil before [Set.Compile].
func (c *Config) Group() *Group { return c.group }

// hashes reports whether the method cannot give a server less than its weight.
func (m Method) hashes() bool {
	switch m {
	case IPHash, Hash, ConsistentHash, Random, RandomTwo:
		return true
	}
	return false
}
