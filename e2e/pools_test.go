package e2e_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
	"github.com/baton-project/baton/internal/freeport"
)

// startRedis starts a redis-server and returns its port, and how to kill it and
// start it again.
func startRedis(t *testing.T) (port int, restart func()) {
	t.Helper()
	port, stop, start := mortalRedis(t)
	return port, func() { stop(); start() }
}

// mortalRedis starts a redis-server that the test may kill and start again.
func mortalRedis(t *testing.T) (port int, stop, start func()) {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	port = freeport.Reserve(t)
	dir := t.TempDir()
	var running *exec.Cmd
	start = func() {
		running = exec.Command(path, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir)
		if err := running.Start(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err == nil {
				c.Close()
				return
			}
			if time.Now().After(end) {
				t.Fatal(err)
			}
		}
	}
	stop = func() {
		_ = running.Process.Kill()
		_ = running.Wait()
	}
	start()
	t.Cleanup(stop)
	return port, stop, start
}

// redisCommand is a request of Redis.
func redisCommand(words ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b.String()
}

const poolsConf = `
worker_processes 2;
nutcracker pools.yml;
`

func TestWrongPoolsLeaveEverythingAsItWas(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "nginx has no pools")
	one, restart := startRedis(t)
	listen := freeport.Reserve(t)
	yml := fmt.Sprintf("main:\n  listen: 127.0.0.1:%d\n  redis: true\n  servers:\n   - 127.0.0.1:%d:1\n", listen, one)
	b := e2e.New(t, poolsConf)
	b.Write("pools.yml", yml)
	b.Launch()
	b.WaitReady()
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", listen))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	talk := func(in, want string) {
		t.Helper()
		got := make([]byte, len(want))
		if _, err := io.WriteString(c, in); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
			t.Fatalf("%q %v, want %q", got, err, want)
		}
	}
	talk(redisCommand("SET", "a", "1"), "+OK\r\n")
	if said := b.Run("-s", "status").Output; !strings.Contains(said, "pool main: 1 clients (1 since its beginning, 0 with errors)") ||
		!strings.Contains(said, fmt.Sprintf("server 127.0.0.1:%d of pool main: 1 connections, ", one)) {
		t.Errorf("-s status says:\n%s", said)
	}
	b.Write("pools.yml", strings.Replace(yml, "redis: true", "redis: yes", 1))
	b.Signal(syscall.SIGHUP)
	b.WaitLog(`"redis: yes" is neither "true" nor "false" in .*pools.yml:3`)
	talk(redisCommand("GET", "a"), "$1\r\n1\r\n")
	restart() // the idle connection to it ends
	talk(redisCommand("GET", "a"), "$-1\r\n")
}

// nutcracker runs the binary under that name.
func TestNutcrackerCommandLine(t *testing.T) {
	t.Parallel()
	e2e.OnlyBaton(t, "nginx has no pools")
	dir := t.TempDir()
	program := dir + "/nutcracker"
	if err := os.Symlink(e2e.Binary(), program); err != nil {
		t.Fatal(err)
	}
	good := "a:\n  listen: 127.0.0.1:1\n  servers:\n   - 127.0.0.1:2:1\n"
	if err := os.WriteFile(dir+"/good.yml", []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/bad.yml", []byte(good+"  hash: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args string
		exit int
		want string
	}{
		{"--version", 0, "This is nutcracker-0.5.0\n"},
		{"-h", 0, "Usage: nutcracker "},
		{"-D", 0, "server_ejected_at "},
		{"-t -c good.yml", 0, "nutcracker: configuration file 'good.yml' syntax is ok\n"},
		{"--test-conf --conf-file=bad.yml", 1, "nutcracker: \"hash: x\" is not a hash function in " + dir + "/bad.yml:5\n" +
			"nutcracker: configuration file 'bad.yml' syntax is invalid\n"},
		{"-x", 1, "nutcracker: invalid option -- 'x'\n"},
		{"-s 0", 1, "nutcracker: option -s value 0 is not a valid port\n"},
		{"-m 1", 1, "nutcracker: mbuf chunk size must be between 512 and 16777216 bytes\n"},
		{"-v x", 1, "nutcracker: option -v requires a number\n"},
		{"-c", 1, "nutcracker: option -c requires a file name\n"},
	} {
		cmd := exec.Command(program, strings.Fields(tt.args)...)
		cmd.Dir = dir
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != tt.exit || !strings.Contains(string(out), tt.want) {
			t.Errorf("%s: %d %s", tt.args, cmd.ProcessState.ExitCode(), out)
		}
	}
}
