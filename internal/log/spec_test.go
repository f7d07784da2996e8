package log

import (
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func lookupNothing(string) ([]netip.Addr, error) { return nil, errors.New("no such host") }

// badErrorLogs are error_log arguments that nginx refuses, with its sentence.
var badErrorLogs = []struct{ args, want string }{
	{"e.log bad", `invalid log level "bad"`},
	{"e.log stderr", `invalid log level "stderr"`},
	{"e.log error warn", `duplicate log level "warn"`},
	{"e.log error error", `duplicate log level "error"`},
	{"e.log error debug_http", `invalid log level "debug_http"`},
	{"e.log debug debug_http", `invalid log level "debug_http"`},
	{"syslog:", `unknown syslog parameter ""`},
	{"syslog:foo", `unknown syslog parameter "foo"`},
	{"syslog:nohostname", `no syslog server specified`},
	{"syslog:server=127.0.0.1,nohostnam", `unknown syslog parameter "nohostnam"`},
	{"syslog:server=127.0.0.1,server=127.0.0.1", `duplicate syslog "server"`},
	{"syslog:facility=kern,facility=kern", `duplicate syslog "facility"`},
	{"syslog:facility=foo", `unknown syslog facility "foo"`},
	{"syslog:severity=err", `unknown syslog severity "err"`},
	{"syslog:severity=info,severity=info", `duplicate syslog "severity"`},
	{"syslog:tag=a,tag=b", `duplicate syslog "tag"`},
	{"syslog:tag=a-b", `syslog "tag" only allows alphanumeric characters and underscore`},
	{"syslog:tag=" + strings.Repeat("t", 33), `syslog tag length exceeds 32`},
	{"syslog:server=", `no host in syslog server ""`},
	{"syslog:server=:514", `no host in syslog server ":514"`},
	{"syslog:server=127.0.0.1:", `invalid port in syslog server "127.0.0.1:"`},
	{"syslog:server=127.0.0.1:0", `invalid port in syslog server "127.0.0.1:0"`},
	{"syslog:server=127.0.0.1:65536", `invalid port in syslog server "127.0.0.1:65536"`},
	{"syslog:server=127.0.0.1/x", `invalid host in syslog server "127.0.0.1/x"`},
	{"syslog:server=[::1", `invalid host in syslog server "[::1"`},
	{"syslog:server=[::1]x", `invalid host in syslog server "[::1]x"`},
	{"syslog:server=[]", `no host in syslog server "[]"`},
	{"syslog:server=[::g]", `invalid IPv6 address in syslog server "[::g]"`},
	{"syslog:server=unix:", `no path in the unix domain socket in syslog server "unix:"`},
	{"syslog:server=unix:/" + strings.Repeat("p", 107),
		`too long path in the unix domain socket in syslog server "unix:/` + strings.Repeat("p", 107) + `"`},
	{"syslog:server=no-such-host.invalid", `host not found in syslog server "no-such-host.invalid"`},
}

func TestParseErrorLogRefuses(t *testing.T) {
	for _, c := range badErrorLogs {
		_, err := ParseErrorLog(strings.Fields(c.args), lookupNothing)
		if err == nil || err.Error() != c.want {
			t.Errorf("error_log %s: %v, want %s", c.args, err, c.want)
		}
	}
	if _, err := ParseErrorLog([]string{"memory:32m", "debug"}, nil); err == nil {
		t.Error("memory: was taken")
	}
}

// The same sentences come from nginx itself.
func TestSentencesAreNginxs(t *testing.T) {
	nginx := os.Getenv("BATON_TEST_NGINX")
	if nginx == "" {
		nginx = "/usr/sbin/nginx"
	}
	if _, err := os.Stat(nginx); err != nil {
		t.Skip("the real nginx is not installed")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "nginx.conf")
	for _, c := range badErrorLogs {
		text := "error_log " + c.args + ";\nevents {}\n"
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, _ := exec.Command(nginx, "-t", "-p", dir, "-c", file, "-e", "stderr").CombinedOutput()
		if want := ": " + c.want + " in " + file + ":1\n"; !strings.Contains(string(out), want) {
			t.Errorf("error_log %s: nginx says\n%swant %s", c.args, out, want)
		}
	}
}

func TestParseErrorLog(t *testing.T) {
	cases := []struct {
		args string
		want Spec
	}{
		{"logs/e.log", Spec{Level: Error, Path: "logs/e.log"}},
		{"/e.log notice", Spec{Level: Notice, Path: "/e.log"}},
		{"/e.log debug", Spec{Level: Debug, Path: "/e.log"}},
		{"/e.log debug_http debug_core", Spec{Level: Debug, Path: "/e.log"}},
		{"stderr info", Spec{Level: Info, Stderr: true}},
	}
	for _, c := range cases {
		got, err := ParseErrorLog(strings.Fields(c.args), nil)
		if err != nil || got != c.want {
			t.Errorf("error_log %s: %+v, %v, want %+v", c.args, got, err, c.want)
		}
	}
}

func TestParseSyslog(t *testing.T) {
	found := func(host string) ([]netip.Addr, error) {
		if host != "logs.example" {
			return nil, errors.New("no such host")
		}
		return []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}, nil
	}
	base := Syslog{Facility: 23, Severity: 6, Tag: "nginx"}
	cases := []struct {
		text string
		want func(s *Syslog)
	}{
		{"server=127.0.0.1", func(s *Syslog) { s.Server, s.Addr = "127.0.0.1:514", netip.MustParseAddrPort("127.0.0.1:514") }},
		{"server=[::1]:12,nohostname,tag=A_9,facility=mail,severity=warn", func(s *Syslog) {
			*s = Syslog{Server: "[::1]:12", Addr: netip.MustParseAddrPort("[::1]:12"), NoHostname: true,
				Tag: "A_9", Facility: 2, Severity: 4}
		}},
		{"server=logs.example:99", func(s *Syslog) { s.Server, s.Addr = "192.0.2.1:99", netip.MustParseAddrPort("192.0.2.1:99") }},
		{"tag=,server=UNIX:/dev/log", func(s *Syslog) { s.Server, s.Path, s.Tag = "UNIX:/dev/log", "/dev/log", "" }},
	}
	for _, c := range cases {
		want := base
		c.want(&want)
		if got, err := ParseSyslog("syslog:"+c.text, found); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", c.text, got, err, want)
		}
	}
}

func TestWithDefault(t *testing.T) {
	remote := Spec{Level: Warn, Syslog: &Syslog{}}
	file := Spec{Level: Error, Path: "/d"}
	for _, c := range []struct{ in, want []Spec }{
		{nil, []Spec{file}},
		{[]Spec{remote}, []Spec{remote, file}},
		{[]Spec{{Stderr: true}}, []Spec{{Stderr: true}}},
		{[]Spec{{Path: "/x"}}, []Spec{{Path: "/x"}}},
	} {
		got := WithDefault(c.in, "/d")
		if len(got) != len(c.want) || got[len(got)-1] != c.want[len(c.want)-1] {
			t.Errorf("WithDefault(%v) = %v, want %v", c.in, got, c.want)
		}
	}
}

func FuzzParseSyslog(f *testing.F) {
	for _, c := range badErrorLogs {
		f.Add(c.args)
	}
	f.Add("syslog:server=[::ffff:1.2.3.4]:80,tag=x,nohostname")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSyslog(text, lookupNothing)
		if err != nil {
			return
		}
		if (s.Path == "") == !s.Addr.IsValid() {
			t.Fatalf("%q: neither or both of path and address: %+v", text, s)
		}
		if s.Facility < 0 || s.Facility > 23 || s.Severity < 0 || s.Severity > 7 || len(s.Tag) > maxTag {
			t.Fatalf("%q: out of range: %+v", text, s)
		}
	})
}
