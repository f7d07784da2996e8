package nethttp_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const patience = 30 * time.Second

// A chat is the example program, as an administrator runs it.
type chat struct {
	t                  *testing.T
	program, addr, pid string
}

func startChat(t *testing.T) *chat {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", dir+"/chat", "./testdata/chat").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &chat{t, dir + "/chat", l.Addr().String(), dir + "/chat.pid"}
	l.Close()
	cmd := exec.Command(c.program, c.addr, c.pid)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, file := range []string{c.pid, c.pid + ".oldbin"} {
			if pid := read(file); pid > 0 {
				_ = syscall.Kill(pid, syscall.SIGTERM) // it may be gone
				eventually(t, "end", func() bool { return gone([]int{pid}) })
			}
		}
		_ = cmd.Wait() // killed, perhaps
	})
	eventually(t, "an answer", func() bool {
		conn, err := net.Dial("tcp", c.addr)
		if err != nil {
			return false
		}
		conn.Close()
		return read(c.pid) > 0
	})
	return c
}

func read(file string) int {
	text, _ := os.ReadFile(file) // none there is no pid
	n, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return n
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %s", what)
		}
	}
}

// workers are the pids of a master's children.
func workers(master int) (pids []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", master))
	for _, list := range lists {
		text, _ := os.ReadFile(list) // the thread may be gone
		for _, child := range strings.Fields(string(text)) {
			n, _ := strconv.Atoi(child)
			pids = append(pids, n)
		}
	}
	return pids
}

func gone(pids []int) bool {
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err == nil && !strings.Contains(string(stat), ") Z ") {
			return false
		}
	}
	return true
}

// A client never opens a second connection.
type client struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func (c *chat) dial() *client {
	c.t.Helper()
	conn, err := net.Dial("tcp", c.addr)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(2 * patience))
	return &client{c.t, conn, bufio.NewReader(conn)}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) answer() string {
	c.t.Helper()
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		c.t.Fatalf("%d, %v", resp.StatusCode, err)
	}
	return string(body)
}

func (c *client) get() string {
	c.t.Helper()
	c.send("GET / HTTP/1.1\r\nHost: chat\r\n\r\n")
	return c.answer()
}

func (c *client) post(body string) {
	c.t.Helper()
	c.send(fmt.Sprintf("POST /post HTTP/1.1\r\nHost: chat\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	if got := c.answer(); got != body {
		c.t.Fatalf("%q came back as %q", body, got)
	}
}

func (c *client) upgrade() {
	c.t.Helper()
	c.send("GET /echo HTTP/1.1\r\nHost: chat\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello")
	for line := ""; line != "\r\n"; {
		var err error
		if line, err = c.in.ReadString('\n'); err != nil {
			c.t.Fatal(err)
		}
	}
	c.want("hello")
}

func (c *client) echo(text string) {
	c.t.Helper()
	c.send(text)
	c.want(text)
}

func (c *client) want(text string) {
	c.t.Helper()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c.in, got); err != nil || string(got) != text {
		c.t.Fatalf("%q in place of %q: %v", got, text, err)
	}
}

func TestConnectionsSurviveReload(t *testing.T) {
	t.Parallel()
	c := startChat(t)
	var idle, fresh, posts, sockets []*client
	for range 10 {
		k := c.dial()
		k.get()
		idle = append(idle, k)
		k = c.dial()
		k.post("a line\n")
		posts = append(posts, k)
		k = c.dial()
		k.upgrade()
		sockets = append(sockets, k)
		fresh = append(fresh, c.dial())
	}
	// One that is in the middle of a request is served where it is.
	half := c.dial()
	half.get()
	half.send("POST /post HTTP/1.1\r\nHost: chat\r\nContent-Length: 10\r\n\r\nhello")
	for round := range 3 {
		old := workers(read(c.pid))
		_ = syscall.Kill(read(c.pid), syscall.SIGHUP)
		if round == 0 {
			half.send("world")
			if got := half.answer(); got != "helloworld" {
				t.Errorf("%q", got)
			}
		}
		eventually(t, "end of the old workers", func() bool { return gone(old) })
		for i := range idle {
			before := strings.TrimSpace(strings.TrimPrefix(idle[i].get(), "worker "))
			if pid, _ := strconv.Atoi(before); gone([]int{pid}) {
				t.Errorf("%q has answered", before)
			}
			posts[i].post(fmt.Sprintf("round %d\n", round))
			sockets[i].echo(fmt.Sprintf("round %d", round))
			fresh[i].get()
		}
		half.get()
	}
}

// A request that has arrived in part, in the same packet as the one before it, is not
// cut in two: it is finished by the worker that has its first bytes.
func TestPipelinedPartOfARequestStays(t *testing.T) {
	c := startChat(t)
	k := c.dial()
	k.send("GET / HTTP/1.1\r\nHost: chat\r\n\r\nGET / HTTP/1.1\r\n")
	k.answer()
	old := workers(read(c.pid))
	_ = syscall.Kill(read(c.pid), syscall.SIGHUP)
	eventually(t, "new workers", func() bool { return len(workers(read(c.pid))) > 2 })
	k.send("Host: chat\r\n\r\n")
	k.answer()
	eventually(t, "end of the old workers", func() bool { return gone(old) })
	k.get()
}

// command runs the program as a command to the one that runs.
func (c *chat) command(verb string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if out, err := exec.CommandContext(ctx, c.program, c.addr, c.pid, verb).CombinedOutput(); err != nil {
		c.t.Errorf("%s: %v\n%s", verb, err, out)
	}
}

// The program reloads and upgrades itself, by command and by hand, and no client
// notices.
func TestConnectionsSurviveUpgrade(t *testing.T) {
	for name, replace := range map[string]func(c *chat, master int){
		"reload by command": func(c *chat, _ int) { c.command("reload") },
		"upgrade by command": func(c *chat, master int) {
			c.command("upgrade")
			eventually(c.t, "end of the old master", func() bool { return gone([]int{master}) })
		},
		"upgrade by hand": func(c *chat, master int) {
			_ = syscall.Kill(master, syscall.SIGUSR2)
			eventually(c.t, "new master", func() bool { pid := read(c.pid); return pid != master && pid > 0 })
			_ = syscall.Kill(master, syscall.SIGQUIT) // before the new one has a worker
			eventually(c.t, "end of the old master", func() bool { return gone([]int{master}) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startChat(t)
			var idle, fresh, sockets []*client
			for range 10 {
				k := c.dial()
				k.get()
				idle = append(idle, k)
				k = c.dial()
				k.upgrade()
				sockets = append(sockets, k)
				fresh = append(fresh, c.dial())
			}
			for round := range 3 {
				master := read(c.pid)
				old := workers(master)
				replace(c, master)
				eventually(t, "end of the old workers", func() bool { return gone(old) })
				for i := range idle {
					idle[i].get()
					sockets[i].echo(fmt.Sprintf("round %d", round))
					fresh[i].get()
				}
			}
		})
	}
}
