package upstream

import (
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/zone"
)

// declare declares zones in a set of their own.
func declare() func(*conf.Directive, zone.Spec) (*zone.Zone, error) {
	set := new(zone.Set)
	return func(_ *conf.Directive, spec zone.Spec) (*zone.Zone, error) {
		z, _, err := set.Declare(spec)
		return z, err
	}
}

// testdata/errors.json is what nginx 1.31.5 says of these configurations.
func TestErrorsAreNginxs(t *testing.T) {
	text, err := os.ReadFile("testdata/errors.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Conf string
		Want []string
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		http, stream, said, err := read("\n" + c.Conf)
		for i := range said {
			said[i] = "[warn] " + said[i]
		}
		for _, set := range []*Set{http, stream} {
			if err == nil && set != nil {
				err = set.Compile(Env{Zone: declare()})
			}
		}
		if err != nil {
			said = append(said, "[emerg] "+err.Error())
		}
		if !slices.Equal(said, c.Want) {
			t.Errorf("%s:\n%q, nginx:\n%q", c.Conf, said, c.Want)
		}
	}
}

func TestParametersOfOtherMethodsAreRefused(t *testing.T) {
	_, _, _, err := read("http { upstream u { random; server 127.0.0.1 slow_start=3s; } }")
	if err == nil || !strings.HasPrefix(err.Error(), `balancing method does not support parameter "slow_start=3s"`) {
		t.Error(err)
	}
}

func TestServerParameters(t *testing.T) {
	http, _, _, err := read(`http { upstream u { server two.test:81 weight=5 max_conns=6 max_fails=7 fail_timeout=1m
		slow_start=2s backup down route=r; server [::1] drain; server unix:/s; } }`)
	if err != nil {
		t.Fatal(err)
	}
	s := http.All()[0].Servers
	if a := s[0].Addresses; len(a) != 2 || a[0].Name != "127.0.0.1:81" || a[1].Name != "[::1]:81" {
		t.Errorf("%v", a)
	}
	if s[0].Weight != 5 || s[0].MaxConns != 6 || s[0].MaxFails != 7 || s[0].FailTimeout != time.Minute ||
		s[0].SlowStart != 2*time.Second || !s[0].Backup || !s[0].Down || s[0].Route != "r" {
		t.Errorf("%+v", s[0])
	}
	if !s[1].Draining || s[1].Addresses[0].Name != "[::1]:80" || s[2].Addresses[0].Path != "/s" || s[2].Addresses[0].Name != "unix:/s" {
		t.Errorf("%+v", s[1:])
	}
}

func TestReferAndFind(t *testing.T) {
	http, _, _, err := read(`http { upstream Name { server 127.0.0.1:1; }
		server { location / { proxy_pass http://name/; } location /a { proxy_pass http://localhost:81; }
		location /b { proxy_pass http://localhost:81; } location /c { proxy_pass http://localhost; }
		location /d { proxy_pass http://127.0.0.1:5; } location /e { proxy_pass http://unix:/s:/uri; } } }`)
	if err != nil {
		t.Fatal(err)
	}
	if err := http.Compile(Env{Keepalive: 32}); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range http.All() {
		names = append(names, c.Name)
		if kept := c.Group().idle.max; c.Explicit() != (kept == 32) {
			t.Errorf("%s keeps %d connections", c.Name, kept)
		}
	}
	if want := []string{"Name", "localhost", "localhost", "127.0.0.1", "/s"}; !slices.Equal(names, want) {
		t.Fatalf("%q, want %q", names, want)
	}
	for text, want := range map[string]int{"NAME": 0, "localhost:81": 1, "localhost": 2, "localhost:80": 2, "127.0.0.1:5": 3,
		"unix:/s": 4, "name:81": -1, "other": -1, "127.0.0.1": -1} {
		u, err := ParseURL(text, 80)
		if err != nil {
			t.Fatal(err)
		}
		if i := slices.Index(http.All(), http.Find(&u)); i != want {
			t.Errorf("%s is %d, want %d", text, i, want)
		}
	}
}

func TestCutURI(t *testing.T) {
	for _, test := range [][3]string{
		{"host", "host", ""}, {"host:80/a?b", "host:80", "/a?b"}, {"host?b/c", "host", "?b/c"},
		{"[::1]:80/a", "[::1]:80", "/a"}, {"[::1]", "[::1]", ""}, {"[::1", "[::1", ""},
		{"unix:/s", "unix:/s", ""}, {"unix:/s:", "unix:/s", ""}, {"UNIX:/s:/a:b", "UNIX:/s", "/a:b"}, {"", "", ""},
	} {
		if a, u := CutURI(test[0]); a != test[1] || u != test[2] {
			t.Errorf("%q: %q and %q", test[0], a, u)
		}
	}
}

func TestSingle(t *testing.T) {
	g := Single("name", []Address{TCP(netip.MustParseAddrPort("127.0.0.1:1")), Unix("/s")}, nil)
	var s Session
	g.Begin(&s, Key{})
	a, err1 := s.Next()
	s.Free(Failed)
	b, err2 := s.Next()
	s.Free(Failed)
	if _, err := s.Next(); err1 != nil || err2 != nil || !errors.Is(err, ErrNoLive) {
		t.Fatal(err1, err2, err)
	}
	if a.Address.Name != "127.0.0.1:1" || b.Address.Name != "unix:/s" || s.Tries() != 0 {
		t.Errorf("%v, %v, %d tries", a.Address, b.Address, s.Tries())
	}
}

func FuzzParseURL(f *testing.F) {
	for _, text := range []string{"a:80", "[::1]:80", "unix:/x:/y", "127.0.0.1", ":", "[]", "a:99999", "[::1%lo]:3"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		address, _ := CutURI(text)
		u, err := ParseURL(address, 80)
		if err != nil {
			return
		}
		if u.Host == "" || !u.IsUnix() && u.Port == 0 || len(u.Addresses) > 1 {
			t.Errorf("%q became %+v", text, u)
		}
		for _, a := range u.Addresses {
			if a.Path == "" && !a.IP.IsValid() || a.Name == "" {
				t.Errorf("%q became %+v", text, u)
			}
		}
	})
}

func FuzzUpstream(f *testing.F) {
	f.Add("server 127.0.0.1 weight=3 max_fails=0; hash $a consistent; zone z 64k;")
	f.Add("ip_hash; server [::1]:1 down; server two.test resolve service=x; keepalive 4 local;")
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > 400 || strings.Contains(body, "weight=") && len(body) > 100 {
			return // a circle has so many points for each weight
		}
		set, _, _, err := read("http { upstream u { " + body + " } }")
		if err != nil || set == nil {
			return
		}
		for _, c := range set.All() {
			for _, s := range c.Servers {
				if s.Weight > 1000 {
					return
				}
			}
		}
		if set.Compile(Env{Zone: declare()}) != nil {
			return
		}
		for _, c := range set.All() {
			var s Session
			c.Group().Begin(&s, Key{Text: body})
			for range 3 {
				if _, err := s.Next(); err == nil {
					s.Free(Failed)
				}
			}
		}
	})
}
