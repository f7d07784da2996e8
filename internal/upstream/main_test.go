package upstream

import (
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"go.uber.org/goleak"
)

// In the test of dead processes this program is also the other process.
func TestMain(m *testing.M) {
	if os.Getenv("UPSTREAM_TEST_OTHER") != "" {
		other()
		return
	}
	goleak.VerifyTestMain(m)
}

// onefile is a configuration of one file, and hosts.
type onefile struct {
	text  string
	hosts map[string][]netip.Addr
}

func (s onefile) ReadFile(string) ([]byte, error) { return []byte(s.text), nil }
func (s onefile) Glob(string) ([]string, error)   { return nil, nil }
func (s onefile) LookupHost(n string) ([]netip.Addr, error) {
	if a := s.hosts[n]; a != nil {
		return a, nil
	}
	return nil, fs.ErrNotExist
}

var hosts = map[string][]netip.Addr{
	"localhost": {netip.MustParseAddr("127.0.0.1")},
	"two.test":  {netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")},
}

type (
	httpConf   struct{ set Set }
	httpUps    struct{ c *Config }
	streamConf struct{ set Set }
	streamUps  struct{ c *Config }
)

// read parses a configuration and returns the upstreams of its http{} and
// stream{}, and what was warned of.
func read(text string) (http, stream *Set, warnings []string, err error) {
	reg := conf.NewRegistry()
	enter := func(in conf.Context) func(*struct{}, *conf.Directive) error {
		return func(_ *struct{}, d *conf.Directive) error {
			_, err := d.Enter(in)
			return err
		}
	}
	conf.Register(reg, conf.Feature[struct{}]{Name: "top", Table: conf.Table[struct{}]{
		{Name: "http", In: conf.Global, Args: conf.NoArgs | conf.Block, Set: enter(conf.Main)},
		{Name: "server", In: conf.Main, Args: conf.NoArgs | conf.Block, Set: enter(conf.Server)},
		{Name: "location", In: conf.Server, Args: conf.Take1 | conf.Block, Set: enter(conf.Location)},
		{Name: "stream", In: conf.Global, Args: conf.NoArgs | conf.Block, Set: enter(conf.StreamMain)},
	}})
	conf.Register(reg, conf.Feature[httpConf]{Name: "http", Table: conf.Table[httpConf]{
		{Name: "upstream", In: conf.Main, Args: conf.Take1 | conf.Block, Set: func(c *httpConf, d *conf.Directive) error {
			http = &c.set
			return c.set.Block(d, conf.Upstream, func(l *conf.Level, u *Config) { conf.Make[httpUps](l).c = u })
		}},
		{Name: "proxy_pass", In: conf.Location, Args: conf.Take1, Set: func(_ *httpConf, d *conf.Directive) error {
			c := conf.Make[httpConf](d.Level().Parent.Parent)
			http = &c.set
			_, _, err := c.set.Refer(d, strings.TrimPrefix(d.Args[0], "http://"), 80)
			return err
		}},
	}})
	conf.Register(reg, conf.Feature[httpUps]{Name: "http upstream",
		Table: Table(conf.Upstream, func(c *httpUps) *Config { return c.c })})
	conf.Register(reg, conf.Feature[streamConf]{Name: "stream", Table: conf.Table[streamConf]{
		{Name: "upstream", In: conf.StreamMain, Args: conf.Take1 | conf.Block, Set: func(c *streamConf, d *conf.Directive) error {
			stream = &c.set
			return c.set.Block(d, conf.StreamUpstream, func(l *conf.Level, u *Config) { conf.Make[streamUps](l).c = u })
		}},
	}})
	conf.Register(reg, conf.Feature[streamUps]{Name: "stream upstream",
		Table: Table(conf.StreamUpstream, func(c *streamUps) *Config { return c.c })})
	_, err = conf.Parse("/etc/n.conf", onefile{text, hosts}, reg, conf.Options{
		Warn: func(w *conf.Error) { warnings = append(warnings, w.Error()) },
	})
	return http, stream, warnings, err
}

// clock is a wall clock that stands still.
type clock struct{ t time.Time }

func newClock() *clock                { return &clock{time.Unix(1_700_000_000, 0)} }
func (c *clock) now() time.Time       { return c.t }
func (c *clock) pass(d time.Duration) { c.t = c.t.Add(d) }

// group compiles one upstream{} of http{}.
func group(t testing.TB, body string, env Env) *Group {
	t.Helper()
	set, _, _, err := read("http { upstream u {" + body + "} }")
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Compile(env); err != nil {
		t.Fatal(err)
	}
	return set.All()[0].Group()
}
