package listen

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// lookup knows one name.
func lookup(host string) ([]netip.Addr, error) {
	if host != "both.example" {
		return nil, errors.New("no such host")
	}
	return []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1"),
		netip.MustParseAddr("192.0.2.1")}, nil
}

// goodListens are arguments of listen with the addresses that nginx makes of
// them.
var goodListens = []struct{ args, want string }{
	{"8080", "0.0.0.0:8080"},
	{"*", "0.0.0.0:80"},
	{"*:8080", "0.0.0.0:8080"},
	{"0.0.0.0:8080", "0.0.0.0:8080"},
	{"127.0.0.1", "127.0.0.1:80"},
	{"127.0.0.1:8080", "127.0.0.1:8080"},
	{"127.000.0.01:08080", "127.0.0.1:8080"},
	{"127...1:8080", "127.0.0.1:8080"},
	{"8080-8082", "0.0.0.0:8080 0.0.0.0:8081 0.0.0.0:8082"},
	{"127.0.0.1:8080-8081", "127.0.0.1:8080 127.0.0.1:8081"},
	{"127.0.0.1:8080-8080", "127.0.0.1:8080"},
	{"[::]:8080", "[::]:8080"},
	{"[::1]", "[::1]:80"},
	{"[::1]:8080-8081", "[::1]:8080 [::1]:8081"},
	{"[2001:DB8:0:0::1]:8080", "[2001:db8::1]:8080"},
	{"[1:0:0:2::3]:8080", "[1:0:0:2::3]:8080"},
	{"[::ffff:1.2.3.4]:8080", "[::ffff:1.2.3.4]:8080"},
	{"unix:/run/x.sock", "unix:/run/x.sock"},
	{"UNIX:relative", "unix:relative"},
	{"unix:/a:b", "unix:/a:b"},
}

func TestParseAddresses(t *testing.T) {
	cases := append(goodListens[:len(goodListens):len(goodListens)], []struct{ args, want string }{
		{"both.example:8080", "192.0.2.1:8080 [2001:db8::1]:8080"},
		{"both.example:8080-8081", "192.0.2.1:8080 192.0.2.1:8081 [2001:db8::1]:8080 [2001:db8::1]:8081"},
	}...)
	for _, c := range cases {
		d, err := Parse([]string{c.args}, 80, lookup)
		if err != nil {
			t.Errorf("listen %s: %v", c.args, err)
			continue
		}
		var got []string
		for _, a := range d.Addresses {
			got = append(got, a.String())
			if back, err := ParseAddress(a.String()); err != nil || back != a {
				t.Errorf("%s does not read back: %v, %v", a, back, err)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("listen %s: %s, want %s", c.args, got, c.want)
		}
	}
	if _, err := Parse([]string{"127.0.0.1"}, 0, nil); err == nil ||
		err.Error() != `no port in "127.0.0.1" of the "listen" directive` {
		t.Errorf("without a port: %v", err)
	}
}

// badListens are arguments of listen that nginx refuses, with its sentence.
var badListens = []struct{ args, want string }{
	{"0", `invalid port in "0" of the "listen" directive`},
	{"65536", `invalid port in "65536" of the "listen" directive`},
	{"80-65536", `invalid port in "80-65536" of the "listen" directive`},
	{"81-80", `invalid port range in "81-80" of the "listen" directive`},
	{"127.0.0.1:", `invalid port in "127.0.0.1:" of the "listen" directive`},
	{"127.0.0.1:x", `invalid port in "127.0.0.1:x" of the "listen" directive`},
	{"127.0.0.1:0", `invalid port in "127.0.0.1:0" of the "listen" directive`},
	{"127.0.0.1:80-", `invalid port in "127.0.0.1:80-" of the "listen" directive`},
	{"127.0.0.1:-80", `invalid port in "127.0.0.1:-80" of the "listen" directive`},
	{"127.0.0.1:81-80", `invalid port range in "127.0.0.1:81-80" of the "listen" directive`},
	{":80", `no host in ":80" of the "listen" directive`},
	{"127.0.0.1/80", `invalid host in "127.0.0.1/80" of the "listen" directive`},
	{"http://127.0.0.1", `invalid host in "http://127.0.0.1" of the "listen" directive`},
	{"a?b", `invalid host in "a?b" of the "listen" directive`},
	{"80-x", `host not found in "80-x" of the "listen" directive`},
	{"256.0.0.1:80", `host not found in "256.0.0.1:80" of the "listen" directive`},
	{"no-such-host.invalid", `host not found in "no-such-host.invalid" of the "listen" directive`},
	{"[::1", `invalid host in "[::1" of the "listen" directive`},
	{"[::1]80", `invalid host in "[::1]80" of the "listen" directive`},
	{"[::1]:80/", `invalid host in "[::1]:80/" of the "listen" directive`},
	{"[::1]:", `invalid port in "[::1]:" of the "listen" directive`},
	{"[::1]:81-80", `invalid port range in "[::1]:81-80" of the "listen" directive`},
	{"[]:80", `no host in "[]:80" of the "listen" directive`},
	{"[::g]:80", `invalid IPv6 address in "[::g]:80" of the "listen" directive`},
	{"[127.0.0.1]:80", `invalid IPv6 address in "[127.0.0.1]:80" of the "listen" directive`},
	{"unix:", `no path in the unix domain socket in "unix:" of the "listen" directive`},
	{"unix:/" + strings.Repeat("p", 107),
		`too long path in the unix domain socket in "unix:/` + strings.Repeat("p", 107) + `" of the "listen" directive`},
	{"80 backlog=0", `invalid backlog "backlog=0"`},
	{"80 backlog=-1", `invalid backlog "backlog=-1"`},
	{"80 backlog=", `invalid backlog "backlog="`},
	{"80 rcvbuf=1g", `invalid rcvbuf "rcvbuf=1g"`},
	{"80 sndbuf=", `invalid sndbuf "sndbuf="`},
	{"80 fastopen=x", `invalid fastopen "fastopen=x"`},
	{"80 ipv6only=onn", `invalid ipv6only flags "onn"`},
	{"80 so_keepalive=", `invalid so_keepalive value: ""`},
	{"80 so_keepalive=::", `invalid so_keepalive value: "::"`},
	{"80 so_keepalive=0:0:0", `invalid so_keepalive value: "0:0:0"`},
	{"80 so_keepalive=1:2:3:4", `invalid so_keepalive value: "1:2:3:4"`},
	{"80 so_keepalive=5ms", `invalid so_keepalive value: "5ms"`},
	{"80 so_keepalive=ON", `invalid so_keepalive value: "ON"`},
}

func TestParseRefuses(t *testing.T) {
	for _, c := range badListens {
		_, err := Parse(strings.Fields(c.args), 80, lookup)
		if err == nil || err.Error() != c.want {
			t.Errorf("listen %s: %v, want %s", c.args, err, c.want)
		}
	}
	if _, err := Parse([]string{"80", "accept_filter=x"}, 80, nil); err == nil {
		t.Error("accept_filter was taken")
	}
}

func TestParseOptions(t *testing.T) {
	cases := []struct {
		args  string
		want  func(o *Options)
		words []string
	}{
		{args: "", want: func(o *Options) {}},
		{args: "default_server ssl ipv6only=x setfib=1", want: func(o *Options) {},
			words: []string{"default_server", "ssl", "ipv6only=x", "setfib=1"}},
		{args: "bind", want: func(o *Options) { o.Set, o.Bind = true, true }},
		{args: "backlog=9 rcvbuf=8k sndbuf=1m fastopen=0 deferred reuseport ipv6only=off multipath",
			want: func(o *Options) {
				*o = Options{Backlog: 9, RcvBuf: 8192, SndBuf: 1 << 20, Deferred: true, ReusePort: true,
					Multipath: true, Set: true, Bind: true}
			}},
		{args: "ipv6only=off ipv6only=on so_keepalive=off", want: func(o *Options) {
			o.Set, o.Bind, o.KeepAlive = true, true, KeepAlive{Mode: KeepAliveOff}
		}},
		{args: "proxy_protocol so_keepalive=30m::10", words: []string{"proxy_protocol"}, want: func(o *Options) {
			o.Set, o.Bind, o.KeepAlive = true, true, KeepAlive{Mode: KeepAliveOn, Idle: 30 * time.Minute, Count: 10}
		}},
		{args: "so_keepalive=:5", want: func(o *Options) {
			o.Set, o.Bind, o.KeepAlive = true, true, KeepAlive{Mode: KeepAliveOn, Interval: 5 * time.Second}
		}},
	}
	for _, c := range cases {
		want := DefaultOptions()
		c.want(&want)
		d, err := Parse(append([]string{"80"}, strings.Fields(c.args)...), 80, nil)
		if err != nil {
			t.Errorf("listen 80 %s: %v", c.args, err)
			continue
		}
		if diff := cmp.Diff(want, d.Options); diff != "" {
			t.Errorf("listen 80 %s: (-want +got)\n%s", c.args, diff)
		}
		if diff := cmp.Diff(c.words, d.Words); diff != "" {
			t.Errorf("listen 80 %s: words (-want +got)\n%s", c.args, diff)
		}
	}
}

// nginxSays runs `nginx -t` on http{} of servers and returns its output, and the
// name of the configuration. It must be a configuration that nginx refuses, so
// that it binds nothing.
func nginxSays(t *testing.T, servers string) (out, file string) {
	t.Helper()
	nginx := os.Getenv("BATON_TEST_NGINX")
	if nginx == "" {
		nginx = "/usr/sbin/nginx"
	}
	if _, err := os.Stat(nginx); err != nil {
		t.Skip("the real nginx is not installed")
	}
	dir := t.TempDir()
	file = filepath.Join(dir, "nginx.conf")
	text := "error_log stderr; pid " + dir + "/pid; events {} http {\n" + servers + "\n}\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := exec.Command(nginx, "-t", "-p", dir, "-c", file, "-e", "stderr").CombinedOutput()
	if err == nil {
		t.Errorf("nginx takes %s", servers)
	}
	return string(b), file
}

func TestSentencesAreNginxs(t *testing.T) {
	for _, c := range badListens {
		out, file := nginxSays(t, "server { listen "+c.args+"; }")
		if want := ": " + c.want + " in " + file + ":2\n"; !strings.Contains(out, want) {
			t.Errorf("listen %s: nginx says\n%swant %s", c.args, out, want)
		}
	}
}

// nginx refuses an address that stands twice in a server, in its own spelling.
func TestSpellingIsNginxs(t *testing.T) {
	for _, c := range goodListens {
		out, _ := nginxSays(t, "server { listen "+c.args+"; listen "+c.args+"; }")
		first, _, _ := strings.Cut(c.want, " ")
		if c.args == "UNIX:relative" {
			first = c.args // nginx keeps the prefix as written until it opens the socket
		}
		if want := "a duplicate listen " + first + " in "; !strings.Contains(out, want) {
			t.Errorf("listen %s: nginx says\n%swant %s", c.args, out, want)
		}
	}
}

func TestFamilies(t *testing.T) {
	address := func(text string) net.Addr {
		p := netip.MustParsePrefix(text)
		return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
	}
	v4, v6 := families([]net.Addr{address("127.0.0.1/8"), address("::1/128"), address("192.0.2.1/24")})
	if !v4 || v6 {
		t.Errorf("IPv4 beside a loopback of both: %v, %v", v4, v6)
	}
	if v4, v6 = families([]net.Addr{address("fe80::1/64")}); v4 || !v6 {
		t.Errorf("IPv6 alone: %v, %v", v4, v6)
	}
}

func FuzzParseAddresses(f *testing.F) {
	for _, c := range badListens {
		f.Add(strings.Fields(c.args)[0])
	}
	for _, c := range goodListens {
		f.Add(c.args)
	}
	f.Add("both.example:1-3")
	f.Fuzz(func(t *testing.T, text string) {
		found, err := parseAddresses(text, 80, lookup)
		if err != nil {
			return
		}
		if len(found) == 0 {
			t.Fatalf("%q: neither address nor error", text)
		}
		for _, a := range found[:min(len(found), 10)] {
			if back, err := ParseAddress(a.String()); err != nil || back != a {
				t.Fatalf("%q: %s does not read back: %v, %v", text, a, back, err)
			}
			if sa, err := fromSockaddr(a.sockaddr()); err != nil || sa != a {
				t.Fatalf("%q: %s does not come back from the kernel's form: %v, %v", text, a, sa, err)
			}
			named, err := parseName(a.String())
			if err != nil || named != a {
				t.Fatalf("%q: %s does not come back from a name: %v, %v", text, a, named, err)
			}
		}
	})
}
