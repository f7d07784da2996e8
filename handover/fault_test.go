package handover

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

// In the fault matrix this program is also the two workers.
const (
	roleVar  = "HANDOVER_TEST_ROLE"  // "old" or "new"
	faultVar = "HANDOVER_TEST_FAULT" // "die offered", "hang accepted"
)

func TestMain(m *testing.M) {
	if os.Getenv(roleVar) != "" {
		time.AfterFunc(time.Minute, func() { os.Exit(1) }) // whatever becomes of the test
	}
	switch os.Getenv(roleVar) {
	case "old":
		oldWorker()
	case "new":
		newWorker()
	default:
		os.Exit(m.Run())
	}
}

// fault is the probe that the environment asks for: this process kills itself at
// a step, or hangs there until its standard input ends.
func fault() Probe {
	what, step, _ := strings.Cut(os.Getenv(faultVar), " ")
	return func(s Step) {
		switch {
		case string(s) != step:
		case what == "die":
			_ = unix.Kill(os.Getpid(), unix.SIGKILL)
			select {}
		case what == "hang":
			_, _ = io.Copy(io.Discard, os.Stdin)
		}
	}
}

// echo answers each line on socket with the name of the worker.
func echo(name string, socket *fd.Owned) {
	conn, err := net.FileConn(socket.File("client"))
	if err != nil {
		return
	}
	defer conn.Close()
	for in := bufio.NewScanner(conn); in.Scan(); {
		fmt.Fprintf(conn, "%s %s\n", name, in.Text())
	}
}

// oldWorker has the channel as descriptor 3 and a client as descriptor 4. It
// lives until it is killed, as it may have others to serve.
func oldWorker() {
	ch, err := fd.NewChannel(fd.New(3))
	if err != nil {
		os.Exit(1)
	}
	client := fd.New(4)
	rec, err := NewRecord("client", 1, 1, parcel{ID: 1})
	if err != nil {
		os.Exit(1)
	}
	s := NewSender(ch, 300*time.Millisecond, fault())
	_, err = s.Offer([]Item{{Record: rec, Files: []*fd.Owned{client}, Done: func(err error) {
		if err != nil {
			go echo("old", client)
		}
	}}})
	if errors.Is(err, ErrEnded) {
		go echo("old", client)
	}
	select {}
}

// newWorker has the channel as descriptor 3.
func newWorker() {
	ch, err := fd.NewChannel(fd.New(3))
	if err != nil {
		os.Exit(1)
	}
	kinds := map[string]Kind{"client": {Version: 1, Accept: func(_ *Record, files []*fd.Owned) (Taken, error) {
		return &arrived{files[0]}, nil
	}}}
	_ = NewReceiver(ch, kinds, fault()).Run()
	select {}
}

type arrived struct{ socket *fd.Owned }

func (a *arrived) Start() { go echo("new", a.socket) }
func (a *arrived) Drop()  { a.socket.Close() }

// either is for a worker that may answer just before it dies.
const either = "new, or nobody"

// Whoever is killed, or hangs, at whichever step: the client has exactly one
// server, or the connection ends because its server has died with it.
func TestFaultMatrix(t *testing.T) {
	for _, c := range []struct{ who, fault, want string }{
		{"old", "", "new"},
		{"old", "die frozen", ""}, // before anybody else could know of it
		{"old", "die offered", "new"},
		{"old", "die released", "new"},
		{"new", "die received", "old"},
		{"new", "die accepted", "old"},
		{"new", "die acked", ""}, // it had taken the connection
		{"new", "die started", either},
		{"new", "hang received", "old"},
		{"new", "hang accepted", "old"},
		{"new", "hang started", "new"},
		{"old", "hang offered", "new"},
	} {
		t.Run(c.who+" "+c.fault, func(t *testing.T) {
			t.Parallel()
			w := startWorkers(t, c.who, c.fault)
			got := w.ask("one")
			if c.want == either && (got == "" || got == "new") {
				return
			}
			if got != c.want {
				t.Fatalf("answered by %q, want %q", got, c.want)
			}
			if c.want == "" {
				return
			}
			w.release() // who hangs goes on, and must not change anything
			for i := range 5 {
				if got := w.ask(fmt.Sprint(i)); got != c.want {
					t.Fatalf("then answered by %q, want %q", got, c.want)
				}
			}
		})
	}
}

type workers struct {
	t       *testing.T
	client  net.Conn
	in      *bufio.Reader
	release func()
}

// startWorkers starts both, with the fault in one of them.
func startWorkers(t *testing.T, who, what string) *workers {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	socket, err := accepted.(*net.TCPConn).File()
	accepted.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	var gates []io.Closer
	for i, name := range []string{"new", "old"} {
		end := os.NewFile(uintptr(ends[i]), "end")
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), roleVar+"="+name)
		if name == who {
			cmd.Env = append(cmd.Env, faultVar+"="+what)
		}
		cmd.ExtraFiles = []*os.File{end}
		if name == "old" {
			cmd.ExtraFiles = append(cmd.ExtraFiles, socket)
		}
		gate, err := cmd.StdinPipe()
		if err == nil {
			err = cmd.Start()
		}
		end.Close()
		if err != nil {
			t.Fatal(err)
		}
		gates = append(gates, gate)
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
	}
	return &workers{t: t, client: client, in: bufio.NewReader(client), release: func() {
		for _, g := range gates {
			g.Close()
		}
	}}
}

// ask returns who answers a line; "" when the connection has ended.
func (w *workers) ask(text string) string {
	w.t.Helper()
	_ = w.client.SetDeadline(time.Now().Add(3 * patience))
	if _, err := fmt.Fprintln(w.client, text); err != nil {
		return ""
	}
	line, err := w.in.ReadString('\n')
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.t.Fatal("nobody answers and nobody closes")
	}
	if err != nil {
		return ""
	}
	name, got, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	if got != text {
		w.t.Fatalf("%q answered to %q", line, text)
	}
	return name
}
