package listen

import (
	"fmt"
	"strings"
	"testing"
)

// addAll adds servers, each a list of listen directives that ";" separates,
// under the names s0, s1, ...
func addAll(t *testing.T, servers []string) (p *Ports[string], warnings []string, err error) {
	t.Helper()
	p = new(Ports[string])
	for i, directives := range servers {
		for text := range strings.SplitSeq(directives, ";") {
			d, err := Parse(strings.Fields(text), 80, lookup)
			if err != nil {
				t.Fatal(err)
			}
			byDefault, protocols := false, Protocol(0)
			for _, w := range d.Words {
				switch w {
				case "default_server":
					byDefault = true
				case "proxy_protocol":
					protocols |= ProxyProtocol
				case "ssl":
					protocols |= SSL
				case "http2":
					protocols |= HTTP2
				}
			}
			warning, err := p.Add(fmt.Sprintf("s%d", i), d, byDefault, protocols)
			if err != nil {
				return nil, nil, err
			}
			if warning != "" {
				warnings = append(warnings, warning)
			}
		}
	}
	return p, warnings, nil
}

func TestConflicts(t *testing.T) {
	cases := []struct {
		servers []string
		want    string
	}{
		{[]string{"8080;8080"}, "a duplicate listen 0.0.0.0:8080"},
		{[]string{"8080;*:8080"}, "a duplicate listen 0.0.0.0:8080"},
		{[]string{"[::]:8080;8080;[::0]:8080"}, "a duplicate listen [::]:8080"},
		{[]string{"8080-8090;127.0.0.1:8085;8090"}, "a duplicate listen 0.0.0.0:8090"},
		{[]string{"unix:/a", "unix:/b;unix:/b"}, "a duplicate listen unix:/b"},
		{[]string{"127.0.0.1:8080 backlog=1", "127.0.0.1:8080 bind"}, "duplicate listen options for 127.0.0.1:8080"},
		{[]string{"127.0.0.1:8080 backlog=1;127.0.0.1:8080 bind"}, "a duplicate listen 127.0.0.1:8080"},
		{[]string{"8080 default_server", "8080", "8080 default_server"}, "a duplicate default server for 0.0.0.0:8080"},
		{[]string{"8080 bind default_server", "8080 bind default_server"}, "duplicate listen options for 0.0.0.0:8080"},
	}
	for _, c := range cases {
		_, _, err := addAll(t, c.servers)
		if err == nil || err.Error() != c.want {
			t.Errorf("%q: %v, want %s", c.servers, err, c.want)
		}
		t.Run("nginx", func(t *testing.T) {
			var text strings.Builder
			for _, s := range c.servers {
				text.WriteString("server { listen " + strings.ReplaceAll(s, ";", "; listen ") + "; }\n")
			}
			if out, _ := nginxSays(t, text.String()); !strings.Contains(out, ": "+c.want+" in ") {
				t.Errorf("%q: nginx says\n%swant %s", c.servers, out, c.want)
			}
		})
	}
}

func TestProtocolWarnings(t *testing.T) {
	cases := []struct {
		servers []string
		want    bool
	}{
		{[]string{"8080 ssl", "8080 ssl"}, false},
		{[]string{"8080", "8080 ssl"}, false},
		{[]string{"8080 ssl", "8080"}, false},
		{[]string{"8080", "8080 ssl", "8080"}, false},
		{[]string{"8080 bind", "8080 ssl"}, true},
		{[]string{"8080 ssl", "8080 bind"}, true},
		{[]string{"8080 ssl", "8080 http2"}, true},
		{[]string{"8080", "8080 ssl", "8080 proxy_protocol"}, true},
	}
	for _, c := range cases {
		p, warnings, err := addAll(t, c.servers)
		if err != nil {
			t.Errorf("%q: %v", c.servers, err)
			continue
		}
		if got := len(warnings) > 0; got != c.want {
			t.Errorf("%q: warnings %q, want %v", c.servers, warnings, c.want)
		}
		union := Protocol(0)
		for word, bit := range map[string]Protocol{"ssl": SSL, "http2": HTTP2, "proxy_protocol": ProxyProtocol} {
			if strings.Contains(strings.Join(c.servers, " "), word) {
				union |= bit
			}
		}
		if got := p.Groups()[0].Sites[0].Protocols; got != union {
			t.Errorf("%q: protocols %b, want %b", c.servers, got, union)
		}
	}
	t.Run("nginx", func(t *testing.T) {
		if !nginxRedefines(t, []string{"8080 bind", "8080 ssl"}) {
			t.Skip("this nginx is older than the warning")
		}
		for _, c := range cases {
			if nginxRedefines(t, c.servers) != c.want {
				t.Errorf("%q: nginx does not agree", c.servers)
			}
		}
	})
}

// nginxRedefines reports whether nginx warns of servers that disagree about an
// address's protocols, as it does since 1.25.1.
func nginxRedefines(t *testing.T, servers []string) bool {
	text := ""
	for _, s := range servers {
		text += "server { listen " + s + "; }\n"
	}
	out, _ := nginxSays(t, text+"server { listen 0; }") // so that it binds nothing
	return strings.Contains(out, "protocol options redefined for 0.0.0.0:8080")
}

func TestGroups(t *testing.T) {
	cases := []struct {
		servers []string
		want    string // socket:sites, the sites with their default server
	}{
		{[]string{"8080"}, "0.0.0.0:8080: 0.0.0.0:8080=s0"},
		{[]string{"127.0.0.1:8080", "127.0.0.2:8080"},
			"127.0.0.1:8080: 127.0.0.1:8080=s0 | 127.0.0.2:8080: 127.0.0.2:8080=s1"},
		{[]string{"127.0.0.1:8080", "8080", "127.0.0.1:8081"},
			"0.0.0.0:8080: 127.0.0.1:8080=s0 0.0.0.0:8080=s1 | 127.0.0.1:8081: 127.0.0.1:8081=s2"},
		{[]string{"127.0.0.1:8080", "127.0.0.2:8080 bind", "8080", "127.0.0.3:8080"},
			"127.0.0.2:8080: 127.0.0.2:8080=s1 | 0.0.0.0:8080: 127.0.0.1:8080=s0 127.0.0.3:8080=s3 0.0.0.0:8080=s2"},
		{[]string{"[::1]:8080", "8080", "[::]:8080"},
			"[::]:8080: [::1]:8080=s0 [::]:8080=s2 | 0.0.0.0:8080: 0.0.0.0:8080=s1"},
		{[]string{"unix:/a", "unix:/b backlog=3"}, "unix:/b: unix:/b=s1 | unix:/a: unix:/a=s0"},
		{[]string{"8080", "8080", "8080 default_server"}, "0.0.0.0:8080: 0.0.0.0:8080=s2"},
		{[]string{"127.0.0.1:8080", "127.0.0.1:8080 backlog=3", "8080"},
			"127.0.0.1:8080: 127.0.0.1:8080=s0 | 0.0.0.0:8080: 0.0.0.0:8080=s2"},
	}
	for _, c := range cases {
		p, _, err := addAll(t, c.servers)
		if err != nil {
			t.Errorf("%q: %v", c.servers, err)
			continue
		}
		var groups []string
		for _, g := range p.Groups() {
			text := g.Spec.Address.String() + ":"
			for _, s := range g.Sites {
				text += fmt.Sprintf(" %s=%s", s.Address, s.Default)
				if got := g.Site(s.Address); got != s {
					t.Errorf("%q: site of %s is %s", c.servers, s.Address, got.Address)
				}
			}
			groups = append(groups, text)
		}
		if got := strings.Join(groups, " | "); got != c.want {
			t.Errorf("%q:\n%s, want\n%s", c.servers, got, c.want)
		}
	}
	p, _, err := addAll(t, []string{"127.0.0.1:8080", "8080"})
	if err != nil {
		t.Fatal(err)
	}
	other, err := ParseAddress("192.0.2.7:8080")
	if err != nil {
		t.Fatal(err)
	}
	if g := p.Groups()[0]; g.Site(other).Default != "s1" {
		t.Error("an address that nobody names does not lead to the wildcard")
	}
}
