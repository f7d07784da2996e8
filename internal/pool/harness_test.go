package pool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/freeport"
	"github.com/baton-project/baton/internal/listen"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/zone"
)

// patience bounds every wait; machines that run tests are busy.
const patience = time.Minute

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// files are the files of a configuration in memory.
type files map[string]string

func (f files) ReadFile(name string) ([]byte, error) {
	if text, is := f[name]; is {
		return []byte(text), nil
	}
	return nil, os.ErrNotExist
}

func (f files) Glob(string) ([]string, error) { return nil, nil }

func (f files) LookupHost(string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

// compile reads a nutcracker.yml and the files that it names.
func compile(yml string, more files, env Env) (*Main, error) {
	registry := conf.NewRegistry()
	Register(registry)
	all := files{"/nginx.conf": "nutcracker /n.yml;", "/n.yml": yml}
	maps.Copy(all, more)
	tree, err := conf.Parse("/nginx.conf", all, registry, conf.Options{})
	if err != nil {
		return nil, err
	}
	return New(tree, env)
}

// serve serves a nutcracker.yml in this process until the test ends.
func serve(t *testing.T, yml string) *Worker { return serveFiles(t, yml, nil, nil) }

// serveFiles is serve with further files and a log.
func serveFiles(t *testing.T, yml string, more files, logger *log.Logger) *Worker {
	t.Helper()
	zones := new(zone.Set)
	main, err := compile(yml, more, Env{Hostname: "test", Zones: zones, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(zones.Open(nil, nil), zones.Map()); err != nil {
		t.Fatal(err)
	}
	var want []listen.Spec
	for _, l := range main.Listeners() {
		want = append(want, l.Spec)
	}
	sockets, err := listen.Open(context.Background(), listen.Config{Want: want})
	if err != nil {
		t.Fatal(err)
	}
	sockets.Commit()
	reactor, err := poll.New()
	if err != nil {
		t.Fatal(err)
	}
	w := main.Worker(reactor)
	for _, l := range main.Listeners() {
		for _, s := range sockets.Sockets(l.Spec.Address) {
			if err := w.Listen(l, s); err != nil {
				t.Fatal(err)
			}
		}
	}
	ran := make(chan error, 1)
	go func() { ran <- reactor.Run() }()
	t.Cleanup(func() {
		w.Close()
		<-w.empty
		reactor.Stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		reactor.Close()
		sockets.Close(true)
		zones.Close()
	})
	return w
}

// start runs a program until the test ends, and returns when it accepts.
func start(t *testing.T, port int, program string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/" + program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = t.TempDir()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	address := fmt.Sprintf("127.0.0.1:%d", port)
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
			return cmd
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not listen: %v", program, err)
		}
	}
}

// redis starts a redis-server and returns its port.
func redis(t *testing.T, args ...string) int {
	port := freeport.Reserve(t)
	start(t, port, "redis-server", append([]string{"--port", fmt.Sprint(port), "--bind", "127.0.0.1",
		"--save", "", "--appendonly", "no"}, args...)...)
	return port
}

// memcached starts a memcached and returns its port.
func memcached(t *testing.T) int {
	port := freeport.Reserve(t)
	start(t, port, "memcached", "-u", "nobody", "-l", "127.0.0.1", "-U", "0", "-p", fmt.Sprint(port))
	return port
}

// twemproxy starts Debian's nutcracker.
func twemproxy(t *testing.T, port int, yml string) {
	file := filepath.Join(t.TempDir(), "n.yml")
	if err := os.WriteFile(file, []byte(yml), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, port, "nutcracker", "-c", file, "-o", os.DevNull, "-a", "127.0.0.1", "-s", fmt.Sprint(freeport.Reserve(t)))
}

// pool is a pool of servers on those ports.
func pool(listenPort int, options string, ports ...int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "p:\n  listen: 127.0.0.1:%d\n", listenPort)
	for _, o := range strings.Fields(options) {
		key, value, _ := strings.Cut(o, "=")
		fmt.Fprintf(&b, "  %s: %s\n", key, value)
	}
	b.WriteString("  servers:\n")
	for i, p := range ports {
		fmt.Fprintf(&b, "   - 127.0.0.1:%d:1 s%d\n", p, i)
	}
	return b.String()
}

// dial connects to a port of this machine until the test ends.
func dial(t *testing.T, port int) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

// exchange sends in, ends its side, and returns everything that comes back. An
// end by a reset is an end.
func exchange(t *testing.T, port int, in string) string {
	t.Helper()
	c := dial(t, port)
	if _, err := io.WriteString(c, in); err != nil {
		return ""
	}
	_ = c.(*net.TCPConn).CloseWrite() // the other side may have closed already
	out, err := io.ReadAll(c)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatalf("no end after %q", in)
	}
	return string(out)
}

// talk sends in and wants exactly that back.
func talk(t *testing.T, c net.Conn, in, want string) {
	t.Helper()
	if _, err := io.WriteString(c, in); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("%.200q:\n got %.200q %v\nwant %.200q", in, got[:n], err, want)
	}
}

// cmd is a request of Redis.
func cmd(words ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b.String()
}

// line is a request of Redis in words without spaces.
func line1(s string) string { return cmd(strings.Fields(s)...) }
