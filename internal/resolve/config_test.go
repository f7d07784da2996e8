package resolve

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/google/go-cmp/cmp"
)

// source is the file system, and two hosts.
type source struct{}

func (source) ReadFile(name string) ([]byte, error)  { return os.ReadFile(name) }
func (source) Glob(pattern string) ([]string, error) { return filepath.Glob(pattern) }
func (source) LookupHost(name string) ([]netip.Addr, error) {
	if name == "ns.test" {
		return []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("::1")}, nil
	}
	return nil, errors.New("no such host")
}

// parse reads directives at the outermost level.
func parse(t testing.TB, text string) (*Conf, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	registry := conf.NewRegistry()
	conf.Register(registry, conf.Feature[Conf]{Name: "resolver", Table: Table(conf.Global, func(c *Conf) *Conf { return c }),
		Merge: func(c, outer *Conf) error {
			c.Merge(outer)
			return nil
		}})
	tree, err := conf.Parse(file, source{}, registry, conf.Options{})
	if err != nil {
		return nil, err
	}
	return conf.Get[Conf](tree.Root), nil
}

func TestDirectives(t *testing.T) {
	at := func(list ...string) (servers []netip.AddrPort) {
		for _, text := range list {
			servers = append(servers, netip.MustParseAddrPort(text))
		}
		return servers
	}
	for text, want := range map[string]Config{
		"resolver 127.0.0.1;":                              {Servers: at("127.0.0.1:53")},
		"resolver 127.0.0.1:5353 [::1] [2001:db8::1]:5;":   {Servers: at("127.0.0.1:5353", "[::1]:53", "[2001:db8::1]:5")},
		"resolver ns.test:54 valid=1m ipv6=off ipv4=on;":   {Servers: at("192.0.2.1:54", "[::1]:54"), Valid: time.Minute, NoIPv6: true},
		"resolver valid=30s ipv4=off 127.0.0.1 ipv6=on;":   {Servers: at("127.0.0.1:53"), Valid: 30 * time.Second, NoIPv4: true},
		"resolver 127.0.0.1 ns.test; resolver_timeout 5s;": {Servers: at("127.0.0.1:53", "192.0.2.1:53", "[::1]:53")},
	} {
		c, err := parse(t, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(&want, c.Config, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestRejected(t *testing.T) {
	for text, want := range map[string]string{
		"resolver;":                             `invalid number of arguments in "resolver" directive`,
		"resolver valid=1s;":                    "no name servers defined",
		"resolver 127.0.0.1 valid=x;":           "invalid parameter: valid=x",
		"resolver 127.0.0.1 valid=;":            "invalid parameter: valid=",
		"resolver 127.0.0.1 ipv4=;":             "invalid parameter: ipv4=",
		"resolver 127.0.0.1 ipv6=yes;":          "invalid parameter: ipv6=yes",
		"resolver 127.0.0.1 ipv4=off ipv6=off;": `"ipv4" and "ipv6" cannot both be "off"`,
		"resolver 127.0.0.1 status_zone=a;":     `the "status_zone" parameter is not supported`,
		"resolver unix:/run/dns;":               `unsupported unix socket in resolver "unix:/run/dns"`,
		"resolver 127.0.0.1:x;":                 `invalid port in resolver "127.0.0.1:x"`,
		"resolver 127.0.0.1:0;":                 `invalid port in resolver "127.0.0.1:0"`,
		"resolver 127.0.0.1:65536;":             `invalid port in resolver "127.0.0.1:65536"`,
		"resolver [::1;":                        `invalid host in resolver "[::1"`,
		"resolver [::1]x;":                      `invalid host in resolver "[::1]x"`,
		"resolver [x]:1;":                       `invalid IPv6 address in resolver "[x]:1"`,
		"resolver :53;":                         `no host in resolver ":53"`,
		"resolver nowhere.test;":                `host not found in resolver "nowhere.test"`,
		"resolver 127.0.0.1; resolver ::1;":     `"resolver" directive is duplicate`,
		"resolver_timeout x;":                   `"resolver_timeout" directive invalid value`,
	} {
		_, err := parse(t, text)
		var placed *conf.Error
		switch {
		case err == nil:
			t.Errorf("%s is taken", text)
		case !errors.As(err, &placed) || placed.Msg != want:
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func FuzzSplitServer(f *testing.F) {
	for _, text := range []string{"127.0.0.1", "[::1]:53", "ns.test:1", "[", "[]", "[]:", ":", "unix:", "[::1]]", "a:b:c"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		host, port, why := splitServer(arg)
		if (why == "") != (host != "") || (why == "") != (port != 0) {
			t.Errorf("%q: %q, %d, %q", arg, host, port, why)
		}
	})
}
