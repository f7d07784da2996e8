package upstream

import (
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/zone"
)

// Compile makes the group of each upstream. It is called once, when all of the
// configuration is read.
func (s *Set) Compile(env Env) error {
	if env.Now == nil {
		env.Now = time.Now
	}
	places := make(map[*zone.Zone]*place)
	for _, c := range s.configs {
		if err := c.compile(&env, places); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) compile(env *Env, places map[*zone.Zone]*place) error {
	if !c.explicit && len(c.Servers) == 0 {
		if err := c.lookUp(c.At.Tree()); err != nil {
			return err
		}
	}
	g := &Group{name: c.Name, method: c.Method, metric: c.Metric, inflight: c.Inflight, now: env.Now}
	if c.explicit {
		c.setIdle(&g.idle, env.Keepalive)
	}
	if c.ZoneName != "" {
		if err := c.setPlace(g, env, places); err != nil {
			return err
		}
	}
	if err := c.setSources(g, env); err != nil {
		return err
	}
	g.ordinary, g.backup = c.peers(false), c.peers(true)
	if len(g.ordinary)+len(g.sources) == 0 {
		return at(c.At, `no servers in upstream "%s"`, c.Name)
	}
	if c.ZoneName != "" && len(g.ordinary)+len(g.backup) > maxShared {
		return at(c.At, `more than %d servers in upstream "%s" with a zone are not supported`, maxShared, c.Name)
	}
	g.rebuild()
	c.group = g
	return nil
}

// setPlace declares the zone.
func (c *Config) setPlace(g *Group, env *Env, places map[*zone.Zone]*place) error {
	if env.Zone == nil {
		return at(c.ZoneAt, "there is no shared memory for zones")
	}
	z, err := env.Zone(c.ZoneAt, zone.Spec{Name: c.ZoneName, Tag: "upstream", Size: c.ZoneSize})
	if err != nil {
		return err
	}
	if places[z] == nil {
		places[z] = &place{zone: z}
	}
	g.shared.place = places[z]
	return nil
}

// setIdle applies the keepalive directives.
func (c *Config) setIdle(k *cache, most int) {
	own := &c.Keepalive
	k.max, k.local = own.Max.V, own.Local
	if !own.Max.IsSet() {
		k.max, k.local = most, true
	}
	own.Requests.Inherit(conf.Setting[int]{}, 1000)
	own.Time.Inherit(conf.Setting[time.Duration]{}, time.Hour)
	own.Timeout.Inherit(conf.Setting[time.Duration]{}, time.Minute)
	k.requests, k.time, k.timeout = own.Requests.V, own.Time.V, own.Timeout.V
}

// lookUp finds the addresses of a name that no upstream{} has.
func (c *Config) lookUp(tree *conf.Tree) error {
	if c.port == 0 {
		return at(c.At, `no port in upstream "%s"`, c.Name)
	}
	u := URL{Host: c.Name, Port: c.port}
	if err := u.lookUp(tree.LookupHost); err != nil {
		return at(c.At, `%v in upstream "%s"`, err, c.Name)
	}
	c.Servers = []Server{{Name: c.Name, Addresses: u.Addresses, Weight: 1, MaxFails: 1, FailTimeout: 10 * time.Second}}
	return nil
}

// peers makes the peers whose addresses are known.
func (c *Config) peers(backup bool) []*Peer {
	var peers []*Peer
	for i := range c.Servers {
		if s := &c.Servers[i]; s.Backup == backup && !s.Resolve {
			peers = append(peers, newPeers(s, s.Addresses)...)
		}
	}
	return peers
}
