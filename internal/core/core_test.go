package core

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/conf/bundle"
	"github.com/baton-project/baton/internal/log"
)

// settings reads a configuration, and returns the warnings too.
func settings(t *testing.T, text string) (*Settings, []string) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir+"/nginx.conf", text)
	var warnings []string
	warn := func(e *conf.Error) {
		warnings = append(warnings, strings.ReplaceAll(e.Error(), dir, ""))
	}
	tree, err := conf.Parse(dir+"/nginx.conf", new(bundle.Recorder), registry(), conf.Options{Prefix: "/p/", Warn: warn, Privileged: os.Geteuid() == 0})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(tree, Defaults{PIDFile: "logs/nginx.pid"}, warn)
	if err != nil {
		t.Fatal(err)
	}
	return s, warnings
}

func TestDefaultsAreNginxs(t *testing.T) {
	s, warnings := settings(t, "events {}")
	if len(warnings) > 0 {
		t.Error(warnings)
	}
	if !s.Daemon || !s.Master || s.Workers != 1 || s.PIDFile != "/p/logs/nginx.pid" || s.Nofile != 0 || s.CoreSize != -1 ||
		s.Priority != 0 || s.Affinity != nil || s.ShutdownTimeout != 0 || s.WorkerConnections != 512 ||
		s.AcceptDelay != 500*time.Millisecond || len(s.ErrorLog) != 0 || s.WorkingDirectory != "" {
		t.Errorf("%+v", s)
	}
	if os.Geteuid() == 0 && (s.User == nil || s.User.Name != "nobody" || s.User.UID != 65534) {
		t.Errorf("user %+v", s.User)
	}
}

func TestEverythingSet(t *testing.T) {
	s, _ := settings(t, `
daemon off; master_process off; worker_processes 3; worker_rlimit_nofile 4096; worker_rlimit_core 1g;
worker_priority -5; worker_shutdown_timeout 1m; pid run/x.pid; working_directory /tmp;
error_log stderr warn; error_log logs/e.log; error_log /var/log/x info; env A; env B=c;
lock_file x; timer_resolution 100ms; debug_points stop; pcre_jit on; thread_pool default threads=4 max_queue=1;
load_module modules/ngx_stream_module.so;
events { worker_connections 100; accept_mutex_delay 100ms; use epoll; multi_accept on; accept_mutex on; worker_aio_requests 1; }`)
	if s.Daemon || s.Master || s.Workers != 3 || s.Nofile != 4096 || s.CoreSize != 1<<30 || s.Priority != -5 ||
		s.ShutdownTimeout != time.Minute || s.PIDFile != "/p/run/x.pid" || s.WorkingDirectory != "/tmp" ||
		s.WorkerConnections != 100 || s.AcceptDelay != 100*time.Millisecond {
		t.Errorf("%+v", s)
	}
	want := []log.Spec{
		{Level: log.Warn, Stderr: true},
		{Level: log.Error, Path: "/p/logs/e.log"},
		{Level: log.Info, Path: "/var/log/x"},
	}
	if diff := cmp.Diff(want, s.ErrorLog); diff != "" {
		t.Error(diff)
	}
}

func TestAutoUsesTheProcessorsOfThisProcess(t *testing.T) {
	s, _ := settings(t, "worker_processes auto; worker_cpu_affinity auto; events {}")
	set := available()
	if s.Workers != set.Count() || len(s.Affinity) != s.Workers {
		t.Errorf("%d workers, %d sets, %d processors", s.Workers, len(s.Affinity), set.Count())
	}
	for i, one := range s.Affinity {
		if one.Count() != 1 || !set.IsSet(members(one)[0]) {
			t.Errorf("worker %d: %v", i, members(one))
		}
	}
}

func TestAffinity(t *testing.T) {
	for text, want := range map[string][][]int{
		"worker_processes 3; worker_cpu_affinity 01 10;":         {{0}, {1}, {1}},
		"worker_processes 2; worker_cpu_affinity 0101 1010;":     {{0, 2}, {1, 3}},
		"worker_processes 2; worker_cpu_affinity '1 0000 0001';": {{0, 8}, {0, 8}},
		"worker_processes 3; worker_cpu_affinity auto 0110;":     {{1}, {2}, {1}},
		"worker_processes 3; worker_cpu_affinity auto 0000;":     nil,
	} {
		s, warnings := settings(t, text+"events {}")
		var got [][]int
		for _, set := range s.Affinity {
			got = append(got, members(set))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
		if odd := strings.Contains(text, " 01 10;"); odd != (len(warnings) == 1) {
			t.Errorf("%s: warnings %q", text, warnings)
		}
	}
}

func TestWarnings(t *testing.T) {
	var have unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &have); err != nil {
		t.Fatal(err)
	}
	_, warnings := settings(t, "worker_rlimit_nofile 100;\nevents { worker_connections 101;\ndebug_connection 127.0.0.1/8; debug_connection unix:; debug_connection ::1; }")
	want := []string{
		`low address bits of 127.0.0.1/8 are meaningless in /nginx.conf:3`,
		"101 worker_connections exceed open file resource limit: 100",
	}
	if diff := cmp.Diff(want, warnings); diff != "" {
		t.Error(diff)
	}
}

func TestEnviron(t *testing.T) {
	environ := []string{"TZ=UTC", "PATH=/bin", "A=1", "AB=2"}
	for text, want := range map[string]string{
		"":                         "TZ=UTC",
		"env A;":                   "A=1 TZ=UTC",
		"env A=x; env NO;":         "A=x TZ=UTC",
		"env TZ; env PATH;":        "TZ=UTC PATH=/bin",
		"env TZ=Europe/Rome;":      "TZ=Europe/Rome",
		`env "A=with space=and=";`: "A=with space=and= TZ=UTC",
	} {
		s, _ := settings(t, text+"events {}")
		if got := strings.Join(s.Environ(environ), " "); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestForeignModuleIsRefused(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/nginx.conf", "load_module modules/ngx_http_echo_module.so;\nevents {}\n")
	err := load(dir, "")
	want := `"modules/ngx_http_echo_module.so" is not a module of nginx itself and cannot be loaded in ` + dir + "/nginx.conf:1"
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

func TestTooManyWorkers(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/nginx.conf", "worker_processes 1025;\nworker_cpu_affinity 01;\nevents {}\n")
	if err := load(dir, ""); err == nil || err.Error() != "no more than 1024 processes can be spawned" {
		t.Errorf("%v", err)
	}
}

const (
	passwd = "root:x:0:0:root:/root:/bin/sh\n\nweb:x:33:44::/:/bin/sh\nbad:x:no:1::/:\nwebmaster:x:1:1::/:\n"
	groups = "root:x:0:\nweb:x:33:\nssl:x:50:other,web\nnear:x:51:webmaster\nmine:x:44:web\n"
)

func TestUserDatabase(t *testing.T) {
	if uid, ok := number(find([]byte(passwd), "web"), 2); uid != 33 || !ok {
		t.Error(uid, ok)
	}
	for _, name := range []string{"bad", "", "we", "x", "web:x"} {
		if _, ok := number(find([]byte(passwd), name), 2); ok {
			t.Errorf("user %q was found", name)
		}
	}
	if got := memberships([]byte(groups), "web", 44); !slices.Equal(got, []int{44, 50}) {
		t.Error(got)
	}
}

func FuzzUserDatabase(f *testing.F) {
	f.Add(passwd, "web")
	f.Fuzz(func(t *testing.T, database, name string) {
		if id, ok := number(find([]byte(database), name), 2); ok && (id < 0 || id > 1<<32-1) {
			t.Fatal(id)
		}
		memberships([]byte(database), name, 1)
	})
}
