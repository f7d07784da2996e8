package e2e_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/e2e"
)

func TestWorkerSettings(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root may raise limits and priorities")
	}
	b := e2e.New(t, `
		worker_rlimit_nofile 1234;
		worker_priority 5;
		worker_cpu_affinity 01;
		working_directory {{dir}}/work;
		user nobody nogroup;
		http { server { listen {{web}}; return 200 "one"; } }`)
	b.Write("work/.keep", "")
	b.Launch()
	b.WaitReady()
	worker := b.WaitWorkers(1)[0]
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", worker))
	if err != nil || !regexp.MustCompile(`(?m)^Max open files\s+1234\s+1234\s`).Match(limits) {
		t.Errorf("limits (%v):\n%s", err, limits)
	}
	if nice, err := unix.Getpriority(unix.PRIO_PROCESS, worker); err != nil || nice != 20-5 { // the raw call returns 20-nice
		t.Errorf("priority %d, %v", nice, err)
	}
	var cpus unix.CPUSet
	if err := unix.SchedGetaffinity(worker, &cpus); err != nil || cpus.Count() != 1 || !cpus.IsSet(0) {
		t.Errorf("affinity %v, %v", cpus, err)
	}
	if dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", worker)); err != nil || dir != b.Path("work") {
		t.Errorf("working directory %q, %v", dir, err)
	}
	b.Dial("web").Get("/").Want(200, "one")
}

func TestPidFileMovesOnReload(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, "pid nginx.pid;"+oneServer)
	master := b.MasterPID()
	b.Rewrite("pid nginx.pid", "pid other.pid")
	b.Signal(unix.SIGHUP)
	if !e2e.Eventually(30*time.Second, func() bool { return b.Read("other.pid") == fmt.Sprintf("%d\n", master) }) {
		t.Errorf("other.pid has %q, want %d", b.Read("other.pid"), master)
	}
	if !e2e.Eventually(30*time.Second, func() bool { _, err := os.Stat(b.Path("nginx.pid")); return os.IsNotExist(err) }) {
		t.Errorf("nginx.pid is still there: %q", b.Read("nginx.pid"))
	}
	if r := b.Run("-s", "quit"); r.Code != 0 {
		t.Errorf("-s quit: %+v", r)
	}
	if code := b.Exited(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestAddressFamilies(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, `http { server {
		listen 127.0.0.1:{{web.port}};
		listen [::1]:{{web.port}};
		listen [::]:{{both.port}} ipv6only=off;
		listen unix:{{dir}}/x.sock;
		return 200 "$server_addr $remote_addr";
	} }`)
	port := func(name string) string { return b.Expand("{{" + name + ".port}}") }
	for _, c := range []struct{ network, address, want string }{
		{"tcp", "127.0.0.1:" + port("web"), "127.0.0.1 127.0.0.1"},
		{"tcp", "[::1]:" + port("web"), "::1 ::1"},
		{"tcp", "[::1]:" + port("both"), "::1 ::1"},
		{"tcp", "127.0.0.1:" + port("both"), "127.0.0.1 127.0.0.1"},
		{"unix", b.Path("x.sock"), "unix:" + b.Path("x.sock") + " unix:"},
	} {
		if got := string(e2e.DialAddress(t, c.network, c.address).Get("/").Body); got != c.want && got != strings.ReplaceAll(c.want, "127.0.0.1", "::ffff:127.0.0.1") {
			t.Errorf("%s: %q, want %q", c.address, got, c.want)
		}
	}
}

func TestAccessLogCombined(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, `http {
		access_log access.log;
		log_format own '$remote_addr [$status] "$request" $body_bytes_sent $request_length "$http_x"';
		server {
			listen {{web}};
			location / { return 200 "hello"; }
			location /own { access_log own.log own; return 404 "no"; }
			location /off { access_log off; return 200; }
		}
	}`)
	c := b.Dial("web")
	c.Send("GET /?a=b HTTP/1.1\r\nHost: localhost\r\nUser-Agent: \"me\"\\\r\nReferer: there\r\n\r\n")
	c.Read("GET").Want(200, "hello")
	c.Get("/off")
	c.Send("GET /own HTTP/1.1\r\nHost: a\r\nX: \x80\"\r\n\r\n")
	c.Read("GET")
	b.Signal(unix.SIGQUIT)
	b.Exited()
	combined := `\A127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET /\?a=b HTTP/1\.1" 200 5 "there" "\\x22me\\x22\\x5C"\n\z`
	if got := b.Read("access.log"); !regexp.MustCompile(combined).MatchString(got) {
		t.Errorf("access.log %q, want %s", got, combined)
	}
	if got, want := b.Read("own.log"), "127.0.0.1 [404] \"GET /own HTTP/1.1\" 2 37 \"\\x80\\x22\"\n"; got != want {
		t.Errorf("own.log %q, want %q", got, want)
	}
}

func TestErrorLogToStandardError(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, `
error_log stderr info;
error_log other.log notice;
		http { server { listen {{web}}; root {{dir}}; } }`)
	b.Dial("web").Get("/missing")
	line := `(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[error\] \d+#\d+: \*\d+ open\(\) "` + b.Path("missing") +
		`" failed \(2: No such file or directory\), client: 127\.0\.0\.1, server: , request: "GET /missing HTTP/1\.1", host: "localhost"$`
	for _, where := range []string{"output", "other.log"} {
		if !e2e.Eventually(30*time.Second, func() bool { return regexp.MustCompile(line).MatchString(b.Read(where)) }) {
			t.Errorf("%s:\n%s\nwant %s", where, b.Read(where), line)
		}
	}
}
