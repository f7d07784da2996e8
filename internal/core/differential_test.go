package core

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/conf/bundle"
)

// standIn stands for the http core, with just enough directives to be in the
// wrong place, and to have blocks of each kind.
type standIn struct {
	sendfile conf.Setting[bool]
	root     conf.Setting[string]
	size     conf.Setting[int64]
	valid    conf.Setting[time.Duration]
}

func enter(ctx conf.Context) func(*standIn, *conf.Directive) error {
	return func(_ *standIn, d *conf.Directive) error {
		_, err := d.Enter(ctx)
		return err
	}
}

func (*standIn) types(d *conf.Directive) error {
	return d.Each(func(d *conf.Directive) error { return nil })
}

func (*standIn) nothing(*conf.Directive) error { return nil }

func registry() *conf.Registry {
	r := conf.NewRegistry()
	Register(r)
	conf.Register(r, conf.Feature[standIn]{Name: "stand-in", Table: conf.Table[standIn]{
		{Name: "http", In: conf.Global, Args: conf.NoArgs | conf.Block, Set: enter(conf.Main)},
		{Name: "server", In: conf.Main, Args: conf.NoArgs | conf.Block, Set: enter(conf.Server)},
		{Name: "upstream", In: conf.Main, Args: conf.Take1 | conf.Block, Set: enter(conf.Upstream)},
		{Name: "server", In: conf.Upstream, Args: conf.OneMore, Set: (*standIn).nothing},
		{Name: "location", In: conf.Server | conf.Location, Args: conf.Take12 | conf.Block, Set: enter(conf.Location)},
		{Name: "types", In: conf.AnyLevel, Args: conf.NoArgs | conf.Block, Set: (*standIn).types},
		{Name: "sendfile", In: conf.AnyLevel, Args: conf.Flag,
			Set: conf.OnOff(func(c *standIn) *conf.Setting[bool] { return &c.sendfile })},
		{Name: "root", In: conf.AnyLevel, Args: conf.Take1,
			Set: conf.Str(func(c *standIn) *conf.Setting[string] { return &c.root })},
		{Name: "client_header_buffer_size", In: conf.Main | conf.Server, Args: conf.Take1,
			Set: conf.Size(func(c *standIn) *conf.Setting[int64] { return &c.size })},
		{Name: "open_file_cache_valid", In: conf.AnyLevel, Args: conf.Take1,
			Set: conf.Sec(func(c *standIn) *conf.Setting[time.Duration] { return &c.valid })},
		{Name: "return", In: conf.Server | conf.Location, Args: conf.Take12, Set: (*standIn).nothing},
	}})
	return r
}

// load does with a configuration what nginx -t does, up to the listeners.
func load(dir, globals string) error {
	t, err := conf.Parse(dir+"/nginx.conf", new(bundle.Recorder), registry(), conf.Options{Globals: globals, Prefix: dir, Privileged: os.Geteuid() == 0})
	if err != nil {
		return err
	}
	_, err = New(t, Defaults{PIDFile: "nginx.pid"}, nil)
	return err
}

// broken are configurations that nginx refuses. The first file is nginx.conf.
var broken = []struct {
	name, text string
	globals    string
	also       map[string]string
	needs      string // an argument of nginx's configure
}{
	{name: "empty"},
	{name: "no events", text: "pid nginx.pid;\n"},
	{name: "unknown", text: "events {}\nfoo bar;\n"},
	{name: "unknown block", text: "events {}\nfoo { a b; }\n"},
	{name: "unknown in events", text: "events {\n  foo;\n}\n"},
	{name: "not here", text: "events {}\nworker_connections 10;\n"},
	{name: "not here, http", text: "events {}\nhttp { user www-data; }\n"},
	{name: "not here, server", text: "server {}\n"},
	{name: "location in http", text: "events {}\nhttp {\n location / {}\n}\n"},
	{name: "upstream server", text: "events {}\nhttp { upstream u { server { } } }\n"},
	{name: "return in http", text: "events {}\nhttp {\nreturn 200;\n}"},
	{name: "end of file", text: "events {\n"},
	{name: "end of file in statement", text: "events {}\nuser www-data"},
	{name: "end of file behind word", text: "events {}\nuser www-data \n\n"},
	{name: "end of file in quotes", text: "events {}\nuser \"www-data;\n\n"},
	{name: "end of file in single quotes", text: "user 'a;\n"},
	{name: "end of file in comment", text: "user a # ;\n"},
	{name: "end of file behind name", text: "events"},
	{name: "end of file in two blocks", text: "events {}\nhttp {\n server {\n }\n"},
	{name: "closed too often", text: "events {}\n}\n"},
	{name: "closed in statement", text: "events { worker_connections 10 }\n"},
	{name: "brace in word", text: "events { worker_connections 10; use epoll}\n"},
	{name: "only semicolon", text: "events {}\n;\n"},
	{name: "two semicolons", text: "events {};\n"},
	{name: "two semicolons with comment", text: "daemon off; # c\n ;\n"},
	{name: "only brace", text: "{}\n"},
	{name: "two braces", text: "events { {\n"},
	{name: "quote next to word", text: "events {}\nuser \"a\"b;\n"},
	{name: "quote next to quote", text: "events {}\nuser \"a\"'b';\n"},
	{name: "quote next to comment", text: "user 'a'#b\n;"},
	{name: "quote next to brace", text: "user 'a'}\n;"},
	{name: "not terminated", text: "daemon off {\n}\nevents {}\n"},
	{name: "no opening", text: "events;\n"},
	{name: "no opening, many lines", text: "events\n\n\n;\n"},
	{name: "arguments of block", text: "events 1 {}\n"},
	{name: "no arguments", text: "user;\n"},
	{name: "three arguments", text: "user a b c;\n"},
	{name: "nine arguments", text: "worker_cpu_affinity 1 1 1 1 1 1 1 1 1 2;\n"},
	{name: "flag arguments", text: "daemon on off;\n"},
	{name: "flag", text: "daemon maybe;\n"},
	{name: "flag, upper case", text: "daemon OFF;\nmaster_process yes;\n"},
	{name: "flag, empty", text: "daemon \"\";\n"},
	{name: "duplicate flag", text: "daemon on;\ndaemon off;\n"},
	{name: "duplicate before value", text: "daemon on;\ndaemon maybe;\n"},
	{name: "duplicate pid", text: "pid a;\npid b;\n"},
	{name: "duplicate events", text: "events {}\nevents {}\n"},
	{name: "duplicate workers", text: "worker_processes 1;\nworker_processes auto;\n"},
	{name: "duplicate connections", text: "events {\nworker_connections 1;\nworker_connections 2; }\n"},
	{name: "duplicate on many lines", text: "pid a;\npid\n b\n ;\n"},
	{name: "duplicate size", text: "events {}\nhttp { client_header_buffer_size 1k; client_header_buffer_size x; }\n"},
	{name: "workers", text: "worker_processes many;\n"},
	{name: "workers, negative", text: "worker_processes -1;\n"},
	{name: "connections", text: "events { worker_connections 1k; }\n"},
	{name: "nofile", text: "worker_rlimit_nofile 10k;\n"},
	{name: "nofile overflow", text: "worker_rlimit_nofile 9223372036854775808;\n"},
	{name: "core size", text: "worker_rlimit_core 1x;\n"},
	{name: "core size overflow", text: "worker_rlimit_core 8589934592g;\n"},
	{name: "shutdown timeout", text: "worker_shutdown_timeout 1x;\n"},
	{name: "shutdown timeout order", text: "worker_shutdown_timeout 1s1m;\n"},
	{name: "shutdown timeout months", text: "worker_shutdown_timeout 1M;\n"},
	{name: "size", text: "events {}\nhttp { client_header_buffer_size 1g; }\n"},
	{name: "priority", text: "worker_priority low;\n"},
	{name: "priority sign", text: "worker_priority -;\n"},
	{name: "affinity", text: "worker_cpu_affinity 012;\n"},
	{name: "affinity auto", text: "worker_cpu_affinity auto 01 10;\n"},
	{name: "use", text: "events { use kqueue; }\n"},
	{name: "accept mutex", text: "events { accept_mutex 1; }\n"},
	{name: "accept mutex delay", text: "events { accept_mutex_delay soon; }\n"},
	{name: "debug points", text: "debug_points maybe;\n"},
	{name: "timer", text: "timer_resolution x;\n"},
	{name: "log level", text: "error_log stderr loud;\n"},
	{name: "log levels", text: "error_log stderr warn error;\n"},
	{name: "syslog", text: "error_log syslog:facility=x;\n"},
	{name: "thread pool", text: "thread_pool a max_queue=1;\n", needs: "--with-threads"},
	{name: "thread pool threads", text: "thread_pool a threads=x;\n", needs: "--with-threads"},
	{name: "thread pool duplicate", text: "thread_pool a threads=1;\nthread_pool a threads=1;\n", needs: "--with-threads"},
	{name: "user", text: "user no-such-user;\n"},
	{name: "group", text: "user root no-such-group;\n"},
	{name: "load_module late", text: "events {}\nload_module modules/ngx_stream_module.so;\n"},
	{name: "first fault counts", text: "daemon maybe;\nfoo;\n}\n"},
	{name: "first fault counts, syntax", text: "daemon on;\nevents { } }\nfoo;\n"},
	{name: "statement is not applied", text: "daemon on;\ndaemon off \"a\"b;\n"},
	{name: "fault before the end of its block", text: "events {\n worker_connections x;\n"},
	{name: "escaped quote", text: "user \"a\\\"b;\n"},
	{name: "escaped name", text: "us\\er a;\n"},
	{name: "quoted name", text: "\"no such\" a;\n"},
	{name: "empty name", text: "\"\" a;\n"},
	{name: "carriage returns", text: "events {}\r\nuser\r\n a b c\r\n;\r\n"},
	{name: "a byte order mark", text: "\ufeffevents {}\n"},
	{name: "latin-1", text: "events {}\nh\xe4h \xff;\n"},
	{name: "no-break space", text: "daemon\u00a0off;\n"},
	{name: "vertical tab", text: "daemon\voff;\n"},
	{name: "variable brace", text: "user ${a};b {c;\n"},
	{name: "long word", text: "user " + strings.Repeat("a", 5000) + ";\n"},
	{name: "long quoted word", text: "\n\nuser \"" + strings.Repeat("a\n", 5000) + ";\n"},
	{name: "long comment", text: "\n#" + strings.Repeat("a", 5000) + "\n"},
	{name: "just too long", text: "events {}\nuser " + strings.Repeat("a", 4096) + ";\n"},
	{name: "just not too long", text: "events {}\nfoo " + strings.Repeat("a", 4095) + ";\n"},
	{name: "just too long in quotes", text: "events {}\nuser '" + strings.Repeat("a", 4095) + "';\n"},
	{name: "globals", globals: "foo;", text: "events {}\n"},
	{name: "globals, end", globals: "daemon off", text: "events {}\n"},
	{name: "globals, block", globals: "events { }", text: "events {}\n"},
	{name: "globals, brace", globals: "}", text: "events {}\n"},
	{name: "globals, unexpected", globals: ";", text: "events {}\n"},
	{name: "globals, value", globals: "daemon maybe;", text: "events {}\n"},
	{name: "globals, duplicate", globals: "daemon off;", text: "\ndaemon on;\n"},
	{name: "globals, include", globals: "include no.conf;", text: "events {}\n"},
	{name: "include missing", text: "events {}\n\ninclude no.conf;\n"},
	{name: "include dotted", text: "include ./no.conf;\n"},
	{name: "include absolute", text: "include /no/such.conf;\n"},
	{name: "include arguments", text: "include a b;\n"},
	{name: "include block", text: "include a { }\n"},
	{name: "include glob without match", text: "include no/*.conf;\nfoo;\n"},
	{name: "include glob", text: "include c.d/*;\nevents {}\n",
		also: map[string]string{"c.d/a": "pid a;\n", "c.d/b": "\npid b;\n", "c.d/.hidden": "foo;\n"}},
	{name: "include in types", text: "events {}\nhttp { types { include m; a { } } }\n", also: map[string]string{"m": "a b;\n"}},
	{name: "fault in types include", text: "events {}\nhttp { types { include m; } }\n", also: map[string]string{"m": "a b;\n\nc d\n"}},
	{name: "block across files", text: "events {\ninclude a;\n}\n", also: map[string]string{"a": "}\n"}},
	{name: "open block in include", text: "include a;\n", also: map[string]string{"a": "events {\n"}},
	{name: "fault in include", text: "events {}\nhttp {\n server { include a; }\n}\n", also: map[string]string{"a": "root a;\nhttp { }\n"}},
	{name: "block in types", text: "events {}\nhttp { types {\n text/html {\n } } }\n"},
}

// TestBrokenLikeNginx compares the first [emerg] line for each configuration.
func TestBrokenLikeNginx(t *testing.T) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed: there is nothing to compare with")
	}
	if os.Geteuid() != 0 {
		t.Skip("not root: nginx would ignore the user directive")
	}
	built, err := exec.CommandContext(t.Context(), nginx, "-V").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range broken {
		t.Run(tc.name, func(t *testing.T) {
			if !strings.Contains(string(built), tc.needs) {
				t.Skipf("nginx is built without %s", tc.needs)
			}
			t.Parallel()
			dir := t.TempDir()
			write(t, dir+"/nginx.conf", tc.text)
			for name, text := range tc.also {
				write(t, filepath.Join(dir, name), text)
			}
			want := refusal(t, nginx, dir, tc.globals)
			got := "accepted"
			if err := load(dir, tc.globals); err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
		})
	}
}

// TestValuesLikeNginx asks nginx whether it takes a value, by what it says
// next: the value is wrong, or the directive behind it is unknown.
func TestValuesLikeNginx(t *testing.T) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed: there is nothing to compare with")
	}
	for _, directive := range []string{
		"worker_rlimit_nofile", "worker_rlimit_core", "worker_priority", "worker_processes", "worker_shutdown_timeout",
		"client_header_buffer_size", "open_file_cache_valid",
	} {
		t.Run(directive, func(t *testing.T) {
			t.Parallel()
			for _, value := range []string{
				"1", "0010", "-1", "+1", "1.5", "1e3", "0x10", "1k", "1K", "1m", "1M", "1g", "1G", "k", "1kk", "1t", " 1", "1 ", "1 k",
				"9223372036854775807", "9223372036854775808", "9007199254740991k", "9007199254740992k", "8589934591g", "8589934592g",
				"1s", "1ms", "ms", "s", "1h30m", "1h 30m", "1h30", "30m1h", "1 30", "1 1 1", "1s1s", "1s30", "30ms5", "1y", "1M1w1d",
				"1w1M", "1hs", "1d ms", "9223372036854775s", "9223372036854776s", "9223372036854775807ms", "292471208677y", "292471208678y",
			} {
				text := directive + " '" + value + "';\nfoo;\n"
				if directive == "client_header_buffer_size" || directive == "open_file_cache_valid" {
					text = "events {}\nhttp {\n" + text + "}\n"
				}
				dir := t.TempDir()
				write(t, dir+"/nginx.conf", text)
				want := refusal(t, nginx, dir, "")
				if err := load(dir, ""); err == nil || err.Error() != want {
					t.Errorf("%s '%s'\n got %v\nwant %s", directive, value, err, want)
				}
			}
		})
	}
}

// refusal returns what nginx has against a configuration.
func refusal(t *testing.T, nginx, dir, globals string) string {
	t.Helper()
	args := []string{"-t", "-e", dir + "/error.log", "-p", dir + "/", "-c", dir + "/nginx.conf"}
	if globals != "" {
		args = append(args, "-g", globals)
	}
	out, err := exec.CommandContext(t.Context(), nginx, args...).CombinedOutput()
	if err == nil {
		return "accepted"
	}
	for _, line := range strings.Split(string(out), "nginx: ") {
		if msg, ok := strings.CutPrefix(line, "[emerg] "); ok {
			return strings.TrimSuffix(msg, "\n")
		}
	}
	t.Fatalf("no [emerg] line: %s", out)
	return ""
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
