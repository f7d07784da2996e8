package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// want fails unless a command ended with that code and both its outputs match
// these patterns entirely.
func want(t *testing.T, r e2e.Result, code int, output, errors string) {
	t.Helper()
	if r.Code != code {
		t.Errorf("exit code %d, want %d", r.Code, code)
	}
	for what, c := range map[string][2]string{"standard output": {r.Output, output}, "standard error": {r.Errors, errors}} {
		if !regexp.MustCompile(`(?s)\A(?:` + c[1] + `)\z`).MatchString(c[0]) {
			t.Errorf("%s:\n%s\nwant\n%s", what, c[0], c[1])
		}
	}
}

func TestCheckConfiguration(t *testing.T) {
	t.Parallel()
	b := e2e.New(t, `
		include more/*.conf;
		http { server { listen {{web}}; } }`)
	b.Write("more/a.conf", "worker_processes 2;\n")
	b.Write("more/b.conf", "# nothing\n")
	path := regexp.QuoteMeta(b.Path("nginx.conf"))
	good := fmt.Sprintf(`\w+: the configuration file %s syntax is ok\n\w+: configuration file %[1]s test is successful\n`, path)

	want(t, b.Run("-t"), 0, ``, good)
	want(t, b.Run("-tq"), 0, ``, ``)
	want(t, b.Run("-q", "-t"), 0, ``, ``)

	dump := fmt.Sprintf("# configuration file %s:\n%s\n", b.Path("nginx.conf"), b.Read("nginx.conf")) +
		fmt.Sprintf("# configuration file %s:\nworker_processes 2;\n\n", b.Path("more/a.conf")) +
		fmt.Sprintf("# configuration file %s:\n# nothing\n\n", b.Path("more/b.conf"))
	want(t, b.Run("-T"), 0, regexp.QuoteMeta(dump), good)
	want(t, b.Run("-T", "-q"), 0, regexp.QuoteMeta(dump), ``)

	b.Rewrite("http {", "http {\n\tfoo bar;")
	bad := fmt.Sprintf(`\w+: \[emerg\] unknown directive "foo" in %s:4\n\w+: configuration file %[1]s test failed\n`, path)
	want(t, b.Run("-t"), 1, ``, bad)
	want(t, b.Run("-T"), 1, ``, bad)
	want(t, b.Run("-t", "-q"), 1, ``, bad)
	want(t, b.Run("-s", "stop"), 1, ``, `\w+: \[emerg\] unknown directive "foo" in `+path+`:4\n`)

	want(t, b.Run("-c", "missing.conf", "-t"), 1, ``, fmt.Sprintf(
		`\w+: \[emerg\] open\(\) "%s" failed \(2: No such file or directory\)\n\w+: configuration file %[1]s test failed\n`, regexp.QuoteMeta(b.Path("missing.conf"))))
}

// What -g says counts like a line of the file, and is named in errors.
func TestGlobalDirectives(t *testing.T) {
	t.Parallel()
	b := e2e.New(t, `http { server { listen {{web}}; } }`)
	want(t, b.Run("-t", "-q", "-g", "worker_processes 3; daemon off;"), 0, ``, ``)
	if r := b.Run("-t", "-g", "foo;"); r.Code != 1 || !strings.Contains(r.Errors, `[emerg] unknown directive "foo" in command line`) {
		t.Errorf("%+v", r)
	}
	b.Args[len(b.Args)-1] = "daemon off; worker_processes 3;"
	b.Launch()
	b.WaitReady()
	b.WaitWorkers(3)
}

func TestCheckBesideTheRunningServer(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, oneServer)
	workers := b.WaitWorkers(2)
	for range 2 {
		if r := b.Run("-t"); r.Code != 0 {
			t.Errorf("-t: %+v", r)
		}
	}
	if pid := strings.TrimSpace(b.Read("nginx.pid")); pid == "" {
		t.Error("-t has emptied the pid file")
	}
	b.Dial("web").Get("/").Want(200, "one")
	b.Reload()
	b.WaitGone(workers, 30*time.Second)
}

func TestVersionAndHelp(t *testing.T) {
	t.Parallel()
	b := e2e.New(t, oneServer)
	version := `nginx version: nginx/1\.\d+\.\d+\n`
	if e2e.IsNginx(t, b.Binary) {
		want(t, b.RunAs(b.Binary, "-v"), 0, ``, version)
		want(t, b.RunAs(b.Binary, "-V"), 0, ``, version+`.*configure arguments: .*\n`)
		want(t, b.RunAs(b.Binary, "-h"), 0, ``, version+`Usage: .*`)
		return
	}
	own := `(?:.*\n)*`
	version = `nginx version: nginx/1\.31\.\d+[^\n]*\n`
	want(t, b.RunAs(b.Binary, "-v"), 0, ``, own+version+own)
	r := b.RunAs(b.Binary, "-V")
	want(t, r, 0, ``, own+version+own+`configure arguments: .*--with(?:out)?-.*\n`)
	if !strings.Contains(r.Errors, "baton") {
		t.Errorf("-V does not name baton: %s", r.Errors)
	}
	for _, flag := range []string{"-h", "-?", "-hv"} {
		r := b.RunAs(b.Binary, flag)
		want(t, r, 0, ``, `.*Usage: .*`)
		for _, letter := range []string{"-t", "-T", "-q", "-v", "-V", "-s signal", "-p prefix", "-e filename", "-c filename", "-g directives", "upgrade", "status"} {
			if !strings.Contains(r.Errors, letter) {
				t.Errorf("%s says nothing of %s:\n%s", flag, letter, r.Errors)
			}
		}
	}
}

func TestWrongFlags(t *testing.T) {
	t.Parallel()
	b := e2e.New(t, oneServer)
	for _, c := range []struct {
		args  []string
		error string
	}{
		{[]string{"-x"}, `invalid option: "x"`},
		{[]string{"foo"}, `invalid option: "foo"`},
		{[]string{"-s"}, `option "-s" requires parameter`},
		{[]string{"-s", "foo"}, `invalid option: "-s foo"`},
		{[]string{"-p"}, `option "-p" requires directory name`},
		{[]string{"-c"}, `option "-c" requires file name`},
		{[]string{"-e"}, `option "-e" requires file name`},
		{[]string{"-g"}, `option "-g" requires parameter`},
	} {
		want(t, b.RunAs(b.Binary, c.args...), 1, ``, `\w+: `+regexp.QuoteMeta(c.error)+`\n`)
	}
}

// Everything relative: the prefix to where we are, configuration and logs to
// the prefix, includes to the configuration's folder.
func TestRelativePaths(t *testing.T) {
	t.Parallel()
	b := e2e.New(t, `
		error_log logs/other.log notice;
		http { include sites/*.conf; }`)
	b.Write("srv/conf/x.conf", strings.ReplaceAll(b.Read("nginx.conf"), "pid nginx.pid", "pid run/x.pid"))
	b.Write("srv/conf/sites/a.conf", "server { listen {{web}}; root html; }")
	b.Write("srv/html/index.html", "relative")
	b.Write("srv/logs/.keep", "")
	b.Write("srv/run/.keep", "")
	if r := b.RunAs(b.Binary, "-p", "srv", "-c", "conf/x.conf", "-e", "logs/e.log", "-t"); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	b.Args = []string{"-p", b.Path("srv"), "-c", "conf/x.conf", "-e", "logs/e.log", "-g", "daemon off;"}
	pid := b.Launch()
	if !e2e.Eventually(30*time.Second, func() bool { return b.Read("srv/run/x.pid") == fmt.Sprintf("%d\n", pid) }) {
		t.Fatalf("no pid file: %s", b.Output())
	}
	b.Dial("web").Get("/").Want(200, "relative")
	if r := b.RunAs(b.Binary, "-p", "srv", "-c", "conf/x.conf", "-e", "logs/e.log", "-s", "quit"); r.Code != 0 {
		t.Errorf("%+v", r)
	}
	if code := b.Exited(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, log := range []string{"srv/logs/other.log", "srv/logs/e.log"} {
		if _, err := os.Stat(b.Path(log)); err != nil {
			t.Error(err)
		}
	}
}

func TestStopAndQuitByFlag(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"stop", "quit"} {
		t.Run(how, func(t *testing.T) {
			b := e2e.Start(t, oneServer)
			want(t, b.Run("-s", how), 0, ``, ``)
			if code := b.Exited(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			b.WaitGone(b.Processes(), 30*time.Second)
			r := b.Run("-s", how)
			if r.Code != 1 || !strings.Contains(r.Errors, `: [error] open() "`+b.Path("nginx.pid")+`" failed (2: No such file or directory)`) {
				t.Errorf("-s %s with nothing there: %+v", how, r)
			}
		})
	}
}

func TestSignalToNobody(t *testing.T) {
	t.Parallel()
	b := e2e.New(t, oneServer)
	b.ExpectAlert(`kill\(`)
	b.Write("nginx.pid", "bogus\n")
	want(t, b.Run("-s", "reload"), 1, ``, `\w+: \[error\] invalid PID number "bogus" in "`+regexp.QuoteMeta(b.Path("nginx.pid"))+`"\n`)
	b.Write("nginx.pid", "999999999\n")
	want(t, b.Run("-s", "reload"), 1, ``, `\w+: \[alert\] kill\(999999999, 1\) failed \(3: No such process\)\n`)
}

func TestReloadByFlag(t *testing.T) {
	t.Parallel()
	b := e2e.Start(t, oneServer)
	old := b.Workers()
	b.Rewrite(`"one"`, `"two"`)
	r := b.Run("-s", "reload")
	if r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	b.WaitGone(old, 30*time.Second)
	b.Dial("web").Get("/").Want(200, "two")
	e2e.OnlyBaton(t, "it says what happened")
	report := `generation \d+: 2 workers ready in [\d.]+ m?s, generation \d+ gone after [\d.]+ m?s`
	if !regexp.MustCompile(report).MatchString(r.Output + r.Errors) {
		t.Errorf("said %q, want %s", r.Output+r.Errors, report)
	}
}

func TestReloadByFlagThatFails(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "nginx only sends the signal")
	b := e2e.Start(t, oneServer)
	workers := b.WaitWorkers(2)
	occupied := e2e.New(t, `http { server { listen {{web}}; } }`)
	occupied.Launch()
	occupied.WaitReady()
	b.Rewrite("listen {{web}};", "listen {{web}}; listen "+occupied.Expand("{{web}}")+";")
	r := b.Run("-s", "reload")
	if r.Code != 1 || !strings.Contains(r.Output+r.Errors, "Address already in use") && !strings.Contains(r.Output+r.Errors, "could not bind") {
		t.Errorf("%+v", r)
	}
	b.Dial("web").Get("/").Want(200, "one")
	if now := b.Workers(); fmt.Sprint(now) != fmt.Sprint(workers) {
		t.Errorf("workers %v, were %v", now, workers)
	}
	b.Rewrite("http {", "http { foo;")
	want(t, b.Run("-s", "reload"), 1, `.*`, `.*unknown directive "foo" in .*/nginx\.conf:3.*`)
}

func TestStatus(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "-s status")
	b := e2e.Start(t, oneServer)
	r := b.Run("-s", "status")
	text := r.Output + r.Errors
	if r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	for _, fact := range append(b.WaitWorkers(2), b.MasterPID()) {
		if !strings.Contains(text, fmt.Sprint(fact)) {
			t.Errorf("status does not name process %d:\n%s", fact, text)
		}
	}
	for _, fact := range []string{"generation 1", b.Expand("{{web}}")} {
		if !strings.Contains(text, fact) {
			t.Errorf("status does not say %q:\n%s", fact, text)
		}
	}
	b.Reload()
	if r := b.Run("-s", "status"); !strings.Contains(r.Output+r.Errors, "generation 2") {
		t.Errorf("after a reload: %+v", r)
	}
	b.Signal(syscall.SIGTERM)
	b.Exited()
	if r := b.Run("-s", "status"); r.Code != 1 {
		t.Errorf("with nothing there: %+v", r)
	}
}

func TestUpgradeByFlag(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "-s upgrade")
	b := e2e.New(t, oneDaemon)
	b.ExpectAlert(`execve|new binary|exited with`)
	b.CopyBinary(e2e.Binary())
	b.Launch()
	b.WaitReady()
	old, workers := b.MasterPID(), b.WaitWorkers(2)
	l := b.StartLoad("web", &e2e.Load{KeepAlive: 4, PerConn: 4, Rate: 200})
	real := b.Binary
	command := func() e2e.Result {
		return b.RunAs(e2e.Binary(), "-p", b.Dir, "-c", "nginx.conf", "-e", "error.log", "-s", "upgrade")
	}
	for name, content := range map[string]string{"garbage": "\x7fELF but not really", "dies at once": "#!/bin/sh\nexit 3\n"} {
		replaceProgram(t, b, content)
		r := command()
		if r.Code != 1 || strings.TrimSpace(r.Output+r.Errors) == "" {
			t.Errorf("%s: %+v", name, r)
		}
		wantOldServes(t, b, old, workers)
	}

	b.ReplaceBinary(filepath.Base(real), e2e.Binary())
	b.Rewrite(`http {`, `http { foo;`)
	if r := command(); r.Code != 1 {
		t.Errorf("with a broken configuration: %+v", r)
	}
	b.Rewrite(`http { foo;`, `http {`)
	wantOldServes(t, b, old, workers)

	if r := command(); r.Code != 0 || strings.TrimSpace(r.Output+r.Errors) == "" {
		t.Errorf("%+v", r)
	}
	b.WaitGone(append(workers, old), 30*time.Second)
	b.WaitWorkers(2)
	l.More(20)
	b.NoneFailed(l)
}

// Under the name nginx a file takes Debian's paths, so that what Debian's
// scripts start without flags is upgraded live.
func TestNamedNginxUsesDebiansPaths(t *testing.T) {
	t.Parallel()
	b := e2e.New(t, oneServer)
	link := b.Path("nginx")
	if err := os.Symlink(b.Binary, link); err != nil {
		t.Fatal(err)
	}
	if e2e.IsNginx(t, b.Binary) && b.Binary != e2e.Nginx(t) {
		t.Skip("an nginx with other paths")
	}
	r := b.RunAs(link, "-h")
	for _, line := range []string{`-p prefix .*\(default: /usr/share/nginx/?\)`, `-c filename .*\(default: /etc/nginx/nginx.conf\)`, `-e filename .*\(default: stderr\)`} {
		if !regexp.MustCompile(line).MatchString(r.Errors) {
			t.Errorf("-h has no %s:\n%s", line, r.Errors)
		}
	}
	r = b.RunAs(link, "-V")
	for _, option := range []string{"--prefix=/usr/share/nginx", "--conf-path=/etc/nginx/nginx.conf", "--error-log-path=stderr", "--pid-path=/run/nginx.pid"} {
		if !strings.Contains(r.Errors, option) {
			t.Errorf("-V has no %s:\n%s", option, r.Errors)
		}
	}
	r = b.RunAs(link, "-t", "-c", "/etc/nginx/does-not-exist.conf")
	want(t, r, 1, ``, `(?:nginx: |\d{4}/).*\[emerg\] .*open\(\) "/etc/nginx/does-not-exist.conf" failed \(2: No such file or directory\)\n(?:.*\n)?nginx: configuration file /etc/nginx/does-not-exist.conf test failed\n`)
}
