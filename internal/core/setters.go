package core

import (
	"math"
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/baton-project/baton/internal/cidr"
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
)

// workers is how many there should be.
type workers struct {
	n    int
	auto bool // as many as there are processors
}

func (c *Conf) setWorkers(d *conf.Directive) error {
	if c.Workers.IsSet() {
		return conf.ErrDuplicate
	}
	if d.Args[0] == "auto" {
		return c.Workers.Set(workers{auto: true})
	}
	n, err := conf.ParseNumber(d.Args[0])
	if err != nil || n == 0 { // nginx takes 0, and then serves nobody
		return conf.ErrInvalidValue
	}
	return c.Workers.Set(workers{n: int(n)})
}

func (c *Conf) setPriority(d *conf.Directive) error {
	if c.Priority.IsSet() {
		return conf.ErrDuplicate
	}
	word := d.Args[0]
	digits := strings.TrimPrefix(word, "-")
	if digits == word {
		digits = strings.TrimPrefix(word, "+")
	}
	n, err := conf.ParseNumber(digits)
	if err != nil || n > math.MaxInt32 {
		return conf.ErrInvalidNumber
	}
	if strings.HasPrefix(word, "-") {
		n = -n
	}
	return c.Priority.Set(int(n))
}

func (c *Conf) addErrorLog(d *conf.Directive) error {
	spec, err := log.ParseErrorLog(d.Args, d.Tree().LookupHost)
	if err != nil {
		return d.Errorf("%s", err)
	}
	if spec.Path != "" {
		spec.Path = d.Tree().FullName(spec.Path)
	}
	c.ErrorLog = append(c.ErrorLog, spec)
	return nil
}

func (c *Conf) addEnv(d *conf.Directive) error {
	c.Env = append(c.Env, d.Args[0])
	return nil
}

func (c *Conf) enterEvents(d *conf.Directive) error {
	if c.events != nil {
		return conf.ErrDuplicate
	}
	c.events = d
	_, err := d.Enter(conf.Events, func(l *conf.Level) error {
		conf.Make[Events](l)
		return nil
	})
	return err
}

// nginxModules are the modules of nginx itself that can be loaded. Debian's
// packages load some of them from the stock nginx.conf.
var nginxModules = []string{
	"ngx_http_geoip_module", "ngx_http_image_filter_module", "ngx_http_perl_module",
	"ngx_http_xslt_filter_module", "ngx_mail_module", "ngx_stream_geoip_module", "ngx_stream_module",
}

func (c *Conf) loadModule(d *conf.Directive) error {
	if len(d.Level().Children) > 0 {
		return d.Errorf(`"%s" directive is specified too late`, d.Name)
	}
	name := strings.TrimSuffix(path.Base(d.Args[0]), ".so")
	if !slices.Contains(nginxModules, name) {
		return d.Errorf(`"%s" is not a module of nginx itself and cannot be loaded`, d.Args[0])
	}
	return nil
}

func (c *Conf) addThreadPool(d *conf.Directive) error {
	name := d.Args[0]
	if c.pools[name] {
		return d.Errorf(`duplicate thread pool "%s"`, name)
	}
	threads := int64(0)
	for _, word := range d.Args[1:] {
		var err error
		if number, ok := strings.CutPrefix(word, "threads="); ok {
			if threads, err = conf.ParseNumber(number); err != nil || threads == 0 {
				return d.Errorf(`invalid threads value "%s"`, word)
			}
		} else if number, ok := strings.CutPrefix(word, "max_queue="); ok {
			if _, err = conf.ParseNumber(number); err != nil {
				return d.Errorf(`invalid max_queue value "%s"`, word)
			}
		} else {
			return d.Errorf(`invalid parameter "%s"`, word)
		}
	}
	if threads == 0 {
		return d.Errorf(`"%s" must have "threads" parameter`, d.Name)
	}
	if c.pools == nil {
		c.pools = make(map[string]bool)
	}
	c.pools[name] = true
	return nil
}

func (c *Events) setConnections(d *conf.Directive) error {
	if c.Connections.IsSet() {
		return conf.ErrDuplicate
	}
	n, err := conf.ParseNumber(d.Args[0])
	if err != nil {
		return d.Errorf(`invalid number "%s"`, d.Args[0])
	}
	return c.Connections.Set(int(n))
}

func (c *Events) setMethod(d *conf.Directive) error {
	if c.method.IsSet() {
		return conf.ErrDuplicate
	}
	if d.Args[0] != "epoll" {
		return d.Errorf(`invalid event type "%s"`, d.Args[0])
	}
	return c.method.Set(d.Args[0])
}

// addDebugConnection takes networks, single addresses and names of hosts.
func (c *Events) addDebugConnection(d *conf.Directive) error {
	text := d.Args[0]
	if text == "unix:" {
		c.debugUnix = true
		return nil
	}
	if network, exact, err := cidr.Parse(text); err == nil {
		if !exact {
			d.Warnf("low address bits of %s are meaningless", text)
		}
		c.debugNetworks = append(c.debugNetworks, network)
		return nil
	}
	addresses, err := d.Tree().LookupHost(text)
	if err != nil || len(addresses) == 0 {
		return d.Errorf(`host not found in debug_connection "%s"`, text)
	}
	for _, address := range addresses {
		c.debugNetworks = append(c.debugNetworks, netip.PrefixFrom(address, address.BitLen()))
	}
	return nil
}
