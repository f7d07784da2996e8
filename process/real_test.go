package process

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/internal/freeport"
)

// A probe is the test program, started as an administrator would.
type probe struct {
	t    *testing.T
	dir  string
	conf config
	cmd  *exec.Cmd
	pids []int // masters to end
}

func newProbe(t *testing.T, adjust ...func(*config)) *probe {
	t.Helper()
	p := &probe{t: t, dir: t.TempDir()}
	os.Chmod(p.dir, 0o755)
	p.conf = config{Listen: []string{freeport.Loopback(t)}, Text: "one", Log: p.dir + "/error.log",
		Settings: Settings{Workers: 2, PIDFile: p.dir + "/probe.pid", WorkerEnv: []string{"GORACE=atexit_sleep_ms=0"}}}
	for _, f := range adjust {
		f(&p.conf)
	}
	p.write()
	t.Cleanup(p.end)
	return p
}

func (p *probe) write() {
	p.t.Helper()
	b, _ := json.Marshal(p.conf)
	if err := os.WriteFile(p.dir+"/conf", b, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// run starts the program, from a copy of the test binary that a test may
// replace.
func (p *probe) run() *probe {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.Link(self, p.dir+"/probe"); err != nil {
		b, err := os.ReadFile(self)
		if err != nil {
			p.t.Fatal(err)
		}
		if err := os.WriteFile(p.dir+"/probe", b, 0o755); err != nil {
			p.t.Fatal(err)
		}
	}
	p.cmd = exec.Command(p.dir+"/probe", "serve", p.dir+"/conf")
	p.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0") // or each race-enabled process ends a second late
	stderr, err := os.Create(p.dir + "/stderr")
	if err != nil {
		p.t.Fatal(err)
	}
	defer stderr.Close()
	p.cmd.Stderr = stderr
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	return p
}

func (p *probe) start() *probe {
	p.t.Helper()
	p.run()
	p.master()
	return p
}

// master waits for the pid file and for an answer.
func (p *probe) master() int {
	p.t.Helper()
	pid := 0
	eventually(p.t, "the pid file: "+p.stderr(), func() bool {
		var err error
		pid, err = ReadPIDFile(p.conf.Settings.PIDFile)
		return err == nil
	})
	if !slices.Contains(p.pids, pid) {
		p.pids = append(p.pids, pid)
	}
	ok, _, err := Control(timeout(p.t), pid, "ready", nil)
	if err != nil || !ok {
		p.t.Fatalf("master %d: %v, %v", pid, ok, err)
	}
	return pid
}

func timeout(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func (p *probe) signal(s syscall.Signal) {
	p.t.Helper()
	if err := unix.Kill(p.master(), s); err != nil {
		p.t.Fatal(err)
	}
}

func (p *probe) stderr() string {
	b, _ := os.ReadFile(p.dir + "/stderr")
	return string(b)
}

func (p *probe) log() string {
	b, _ := os.ReadFile(p.conf.Log)
	return string(b)
}

func (p *probe) wantLog(pattern string) {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	deadline := time.Now().Add(patience)
	for !re.MatchString(p.log()) {
		if time.Now().After(deadline) {
			p.t.Fatalf("no %q in the log:\n%s", pattern, p.log())
		}
		time.Sleep(time.Millisecond)
	}
}

// ask is one client on a new connection: who answers, of which generation,
// what.
func (p *probe) ask() (pid, generation int, text string) {
	p.t.Helper()
	c, err := net.Dial("tcp", p.conf.Listen[0])
	if err != nil {
		p.t.Fatal(err)
	}
	defer c.Close()
	return p.askOn(c)
}

func (p *probe) askOn(c net.Conn) (pid, generation int, text string) {
	p.t.Helper()
	c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintln(c)
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		p.t.Fatalf("%v; log:\n%s", err, p.log())
	}
	fmt.Sscan(line, &pid, &generation, &text)
	return pid, generation, text
}

// wait returns the started process's exit code.
func (p *probe) wait() int {
	p.t.Helper()
	timer := time.AfterFunc(patience, func() { p.cmd.Process.Kill() })
	defer timer.Stop()
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *probe) end() {
	if p.t.Failed() {
		p.t.Logf("stderr:\n%s\nlog:\n%s", p.stderr(), p.log())
	}
	all := p.family()
	for _, pid := range p.pids {
		_ = unix.Kill(pid, unix.SIGTERM)
	}
	if p.t.Failed() { // whatever went wrong, nobody stays
		for _, pid := range all {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
	if p.cmd != nil && p.cmd.ProcessState == nil {
		p.wait()
	}
	eventually(p.t, "all processes to end", func() bool {
		return !slices.ContainsFunc(all, func(pid int) bool { return cmdline(pid) != "" })
	})
}

// family is every living process of this probe.
func (p *probe) family() []int {
	var list []int
	entries, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, e := range entries {
		if to, err := os.Readlink(e); err == nil && strings.HasPrefix(to, p.dir) {
			pid, _ := strconv.Atoi(strings.Split(e, "/")[2])
			list = append(list, pid)
		}
	}
	return list
}

// workers are the pids of processes with that title.
func (p *probe) workers(title string) []int {
	var list []int
	for _, pid := range p.family() {
		if strings.TrimRight(cmdline(pid), "\x00") == title {
			list = append(list, pid)
		}
	}
	return list
}

func cmdline(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return string(b)
}

func TestForeground(t *testing.T) {
	p := newProbe(t).start()
	pid := p.master()
	if pid != p.cmd.Process.Pid {
		t.Fatalf("the pid file has %d, want the started process %d", pid, p.cmd.Process.Pid)
	}
	want := "probe: master process " + p.cmd.Path + " serve " + p.dir + "/conf"
	if got := strings.TrimRight(cmdline(pid), "\x00"); got != want {
		t.Errorf("title %q, want %q", got, want)
	}
	if n := len(p.workers("probe: worker process")); n != 2 {
		t.Errorf("%d workers", n)
	}
	for _, pid := range p.family() {
		if comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); string(comm) != "probe\n" {
			t.Errorf("process %d is called %q", pid, comm)
		}
		if env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); bytes.Contains(env, []byte(workerVar)) && pid == p.master() {
			t.Errorf("environment of %d: %q", pid, env)
		}
	}
	p.ask()
	p.signal(unix.SIGQUIT)
	if exit := p.wait(); exit != 0 {
		t.Fatalf("exit code %d", exit)
	}
	p.wantLog(`signal 3 \(SIGQUIT\) received, shutting down`)
	p.wantLog(`gracefully shutting down`)
	p.wantLog(`signal 17 \(SIGCHLD\) received from \d+`)
	p.wantLog(`worker process \d+ exited with code 0`)
	if _, err := os.Stat(p.conf.Settings.PIDFile); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("pid file: %v", err)
	}
}

func TestDaemon(t *testing.T) {
	p := newProbe(t, func(c *config) { c.Daemon = true }).run()
	if exit := p.wait(); exit != 0 { // the pid file is there as soon as the parent has gone
		t.Fatalf("exit code %d: %s", exit, p.stderr())
	}
	pid, err := ReadPIDFile(p.conf.Settings.PIDFile)
	if err != nil {
		t.Fatal(err)
	}
	p.pids = append(p.pids, pid)
	p.ask()
	if sid, _ := unix.Getsid(pid); sid != pid {
		t.Errorf("session %d, want %d", sid, pid)
	}
	for i := range 3 {
		if to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, i)); to != "/dev/null" {
			t.Errorf("descriptor %d is %s", i, to)
		}
	}
}

func TestDaemonThatCannotStart(t *testing.T) {
	for name, adjust := range map[string]func(*config){
		"pid file":     func(c *config) { c.Settings.PIDFile = "/nonexistent/x.pid" },
		"role":         func(c *config) { c.Fail = "no such role" },
		"worker crash": func(c *config) { c.Crash = true },
		"directory":    func(c *config) { c.Settings.WorkingDirectory = "/nonexistent" },
	} {
		want := map[string]string{
			"pid file": `open() "/nonexistent/x.pid" failed (2: No such file or directory)`,
			"role":     "no such role", "worker crash": "exited with code 7",
			"directory": `chdir("/nonexistent") failed (2: No such file or directory)`,
		}[name]
		t.Run(name, func(t *testing.T) {
			p := newProbe(t, func(c *config) { c.Daemon = true }, adjust).run()
			if exit := p.wait(); exit != 1 || !strings.Contains(p.stderr(), want) {
				t.Fatalf("exit code %d: %s", exit, p.stderr())
			}
			eventually(t, "everybody to leave", func() bool { return len(p.family()) == 0 })
		})
	}
}

func TestReloadKeepsTheListenerAndTheClient(t *testing.T) {
	p := newProbe(t).start()
	old, err := net.Dial("tcp", p.conf.Listen[0])
	if err != nil {
		t.Fatal(err)
	}
	p.askOn(old)
	p.conf.Text = "two"
	p.write()
	var progress bytes.Buffer
	done := make(chan string, 1)
	ctx := timeout(t)
	go func() {
		ok, message, err := Control(ctx, p.cmd.Process.Pid, "reload", &progress)
		done <- fmt.Sprint(ok, " ", message, " ", err)
	}()
	p.wantLog(`gracefully shutting down`)
	eventually(t, "a title", func() bool { return len(p.workers("probe: worker process is shutting down")) == 1 })
	if _, g, text := p.ask(); g != 2 || text != "two" {
		t.Fatalf("generation %d says %q", g, text)
	}
	if _, g, text := p.askOn(old); g != 1 || text != "one" {
		t.Fatalf("the old connection: generation %d says %q", g, text)
	}
	old.Close()
	if got := <-done; !regexp.MustCompile(`^true generation 2: 2 workers ready in .*s, generation 1 gone after .*s <nil>$`).MatchString(got) {
		t.Fatal(got)
	}

	os.WriteFile(p.dir+"/conf", []byte("{"), 0o644)
	ok, message, err := Control(timeout(t), p.master(), "reload", nil)
	if ok || err != nil || message != "unexpected end of JSON input" {
		t.Fatalf("%v, %q, %v", ok, message, err)
	}
	if _, g, _ := p.ask(); g != 2 {
		t.Fatalf("generation %d serves", g)
	}
	_, status, err := Control(timeout(t), p.master(), "status", nil)
	for _, line := range []string{"probe 1, running", "generation 2 since", "slot 1, ready", "listening on " + p.conf.Listen[0]} {
		if !strings.Contains(status, line) {
			t.Errorf("no %q in status, %v:\n%s", line, err, status)
		}
	}
}

func TestWorkerKilled(t *testing.T) {
	p := newProbe(t, func(c *config) { c.Settings.Workers = 1 }).start()
	os.Remove(p.dir + "/probe") // the file on disk does not matter
	first, _, _ := p.ask()
	if err := unix.Kill(first, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.wantLog(fmt.Sprintf(`\[12\] \d+: worker process %d exited on signal 9`, first))
	if second, g, _ := p.ask(); second == first || g != 1 {
		t.Fatalf("process %d of generation %d answers", second, g)
	}
}

func TestMasterKilled(t *testing.T) {
	p := newProbe(t).start()
	c, err := net.Dial("tcp", p.conf.Listen[0])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p.askOn(c)
	if err := unix.Kill(p.master(), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.wait()
	p.wantLog(`master process \d+ is gone`)
	eventually(t, "the listener to close", func() bool {
		n, err := net.Dial("tcp", p.conf.Listen[0])
		if err == nil {
			n.Close()
		}
		return err != nil
	})
	p.askOn(c) // who was there is served to the end
	c.Close()
	eventually(t, "workers to end", func() bool { return len(p.family()) == 0 })
}

func TestShutdownTimeout(t *testing.T) {
	p := newProbe(t, func(c *config) { c.Settings.ShutdownTimeout = 50 * time.Millisecond }).start()
	c, err := net.Dial("tcp", p.conf.Listen[0])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p.askOn(c)
	p.signal(unix.SIGQUIT)
	if exit := p.wait(); exit != 0 {
		t.Fatalf("exit code %d", exit)
	}
}

func TestReopen(t *testing.T) {
	p := newProbe(t).start()
	worker, _, _ := p.ask()
	for _, pid := range []int{p.master(), worker} { // a worker asks its master
		if err := os.Rename(p.conf.Log, p.conf.Log+".1"); err != nil {
			t.Fatal(err)
		}
		if err := unix.Kill(pid, unix.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a new log", func() bool { _, err := os.Stat(p.conf.Log); return err == nil })
		eventually(t, "workers to use it", func() bool {
			n := 0
			for _, w := range p.workers("probe: worker process") {
				if holds(w, p.conf.Log) {
					n++
				}
			}
			return n == 2
		})
	}
}

// holds says whether a process has path open.
func holds(pid int, path string) bool {
	list, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	return slices.ContainsFunc(list, func(l string) bool { to, _ := os.Readlink(l); return to == path })
}

func TestCredentials(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	core := uint64(4096)
	p := newProbe(t, func(c *config) {
		c.Settings.Credentials = &Credentials{UID: 65534, GID: 65534, Groups: []int{65533}}
		c.Settings.Nofile, c.Settings.CoreSize, c.Settings.Priority = 777, &core, 5
		c.Settings.WorkingDirectory = "/"
		var set unix.CPUSet
		set.Set(0)
		c.Settings.Affinity = []unix.CPUSet{set}
	}).start()
	pid, _, _ := p.ask()
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for _, line := range []string{"Uid:\t65534\t65534\t65534\t65534", "Gid:\t65534\t65534\t65534\t65534",
		"Groups:\t65533 ", "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000",
		"CapAmb:\t0000000000000000", "Cpus_allowed_list:\t0"} {
		if !strings.Contains(string(status), line+"\n") {
			t.Errorf("no %q in:\n%s", line, status)
		}
	}
	limits, _ := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if !regexp.MustCompile(`Max open files +777 +777 `).Match(limits) ||
		!regexp.MustCompile(`Max core file size +4096 +4096 `).Match(limits) {
		t.Errorf("limits:\n%s", limits)
	}
	if nice, err := unix.Getpriority(unix.PRIO_PROCESS, pid); err != nil || nice != 20-5 {
		t.Errorf("priority %d, %v", nice, err)
	}
	var st unix.Stat_t
	if err := unix.Stat(fmt.Sprintf("/proc/%d/environ", pid), &st); err != nil || st.Uid != 0 {
		t.Errorf("the worker is dumpable: owner %d, %v", st.Uid, err)
	}
}

func TestUpgradeByHandAndBack(t *testing.T) {
	p := newProbe(t, func(c *config) { c.Daemon = true }).run()
	p.wait()
	first := p.master()
	p.signal(unix.SIGUSR2)
	eventually(t, "the new pid file", func() bool {
		pid, err := ReadPIDFile(p.conf.Settings.PIDFile)
		return err == nil && pid != first
	})
	second := p.master()
	p.wantLog(`using inherited sockets from "3;"`)
	if pid, err := ReadPIDFile(p.conf.Settings.PIDFile + oldbin); err != nil || pid != first {
		t.Fatalf(".oldbin: %d, %v", pid, err)
	}
	unix.Kill(second, unix.SIGUSR2)
	p.wantLog(fmt.Sprintf(`%d: the changing binary signal is ignored`, second))
	unix.Kill(second, unix.SIGTERM) // back
	p.wantLog(fmt.Sprintf(`new binary process %d exited with code 0`, second))
	if pid := p.master(); pid != first {
		t.Fatalf("master %d, want %d", pid, first)
	}
	p.ask()

	// And forth, by the control socket.
	ok, message, err := Control(timeout(t), first, "upgrade", io.Discard)
	if !ok || err != nil || !regexp.MustCompile(`new binary process \d+ ready in .*, generation 1 gone after`).MatchString(message) {
		t.Fatalf("%v, %q, %v", ok, message, err)
	}
	eventually(t, "the old master to end", func() bool { return cmdline(first) == "" })
	if pid := p.master(); pid == first {
		t.Fatal("the old master has the pid file")
	}
	if _, err := os.Stat(p.conf.Settings.PIDFile + oldbin); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf(".oldbin: %v", err)
	}
	p.ask()
}

func TestUpgradeToGarbageRollsBack(t *testing.T) {
	for name, file := range map[string]string{"garbage": "garbage", "exits": "#!/bin/sh\nexit 3\n"} {
		t.Run(name, func(t *testing.T) {
			p := newProbe(t).start()
			first := p.master()
			os.Remove(p.dir + "/probe")
			if err := os.WriteFile(p.dir+"/probe", []byte(file), 0o755); err != nil {
				t.Fatal(err)
			}
			ok, message, err := Control(timeout(t), first, "upgrade", nil)
			if ok || err != nil || !strings.Contains(message, map[string]string{
				"garbage": "(8: Exec format error)", "exits": "exited with code 3"}[name]) {
				t.Fatalf("%v, %q, %v", ok, message, err)
			}
			if pid := p.master(); pid != first {
				t.Fatalf("master %d, want %d", pid, first)
			}
			p.ask()
		})
	}
}

func TestUpgradeWhoseWorkersDoNotStartRollsBack(t *testing.T) {
	p := newProbe(t).start()
	first := p.master()
	breaks := map[string]func(){
		"no such role":                 func() { p.conf.Fail = "no such role"; p.write() },
		"unexpected end of JSON input": func() { os.WriteFile(p.dir+"/conf", []byte("{"), 0o644) },
	}
	for reason, f := range breaks {
		f()
		ok, message, err := Control(timeout(t), first, "upgrade", nil)
		if want := fmt.Sprintf("upgrade failed, process %d serves on: new binary process", first); ok || err != nil ||
			!strings.HasPrefix(message, want) || !strings.HasSuffix(message, reason) {
			t.Fatalf("%v, %q, %v", ok, message, err)
		}
	}
	if pid := p.master(); pid != first {
		t.Fatalf("master %d, want %d", pid, first)
	}
	p.ask()
}

func TestSingleProcess(t *testing.T) {
	p := newProbe(t, func(c *config) { c.Settings.Single = true }).start()
	if pid, g, _ := p.ask(); pid != p.master() || g != 1 {
		t.Fatalf("process %d of generation %d answers", pid, g)
	}
	p.conf.Text = "two"
	p.write()
	if ok, message, err := Control(timeout(t), p.master(), "reload", nil); !ok || err != nil {
		t.Fatal(message, err)
	}
	if _, g, text := p.ask(); g != 2 || text != "two" {
		t.Fatalf("generation %d says %q", g, text)
	}
	p.signal(unix.SIGQUIT)
	if exit := p.wait(); exit != 0 {
		t.Fatalf("exit code %d", exit)
	}
}

func TestReloadsLeaveNothingBehind(t *testing.T) {
	p := newProbe(t).start()
	count := func() int {
		list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.master()))
		return len(list)
	}
	reload := func(n int) {
		for range n {
			if ok, message, err := Control(timeout(t), p.master(), "reload", nil); !ok || err != nil {
				t.Fatal(message, err)
			}
		}
	}
	reload(3)
	before := count()
	reload(10)
	eventually(t, fmt.Sprintf("descriptors to be %d", before), func() bool { return count() <= before })
}

func TestControlRefusesStrangers(t *testing.T) {
	if _, _, err := Control(timeout(t), os.Getpid(), "status", nil); !errors.Is(err, ErrNoControl) {
		t.Fatalf("nobody listens: %v", err)
	}
	// Somebody squats the name of another process.
	l, err := net.ListenUnix("unix", controlAddress(1<<22))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, _, err := Control(timeout(t), 1<<22, "status", nil); !errors.Is(err, ErrNoControl) {
		t.Fatalf("a squatter was believed: %v", err)
	}
}
