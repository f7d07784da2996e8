package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Cores: the server has the first, the load the second.
const (
	serverCore = "0"
	loadCore   = "1"
)

// patience bounds every wait for a server.
const patience = 20 * time.Second

// A server is one running program: master and worker.
type server struct {
	program
	core   string // that it is pinned to
	dir    string
	addr   string
	second string   // another address, for those who say {{second}}
	hello  hello    // how to find out whether it answers
	args   []string // nginx's when nil
	cmd    *exec.Cmd
	stderr bytes.Buffer
	exited chan error
	worker int // pid
}

// A hello is a question after whose answer the server closes, and what the answer
// begins with.
type hello struct{ question, answer string }

var httpHello = hello{"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n", "HTTP/1.1 "}

// newServer writes the configuration of p into a new folder, on a free port. The
// server does not run yet.
func (b *bench) newServer(p program, conf string) (*server, error) {
	dir, err := os.MkdirTemp(b.dir, p.name+"-")
	if err != nil {
		return nil, err
	}
	s := &server{program: p, core: serverCore, dir: dir, hello: httpHello}
	for _, addr := range []*string{&s.addr, &s.second} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		*addr = l.Addr().String()
	}
	for _, made := range []string{dir, filepath.Join(dir, "logs")} {
		if err := os.MkdirAll(made, 0o755); err != nil {
			return nil, err
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	return s, s.configure(conf)
}

// configure writes conf as the server's configuration.
func (s *server) configure(conf string) error {
	_, port, _ := net.SplitHostPort(s.addr)
	conf = strings.NewReplacer("{{port}}", port, "{{second}}", s.second, "{{dir}}", s.dir).Replace(conf)
	return os.WriteFile(filepath.Join(s.dir, "nginx.conf"), []byte(conf), 0o644)
}

// command is the program with the server's configuration and more arguments,
// pinned to its core.
func (s *server) command(args ...string) *exec.Cmd {
	own := []string{"-p", s.dir, "-c", filepath.Join(s.dir, "nginx.conf"), "-e", filepath.Join(s.dir, "error.log")}
	if s.args != nil {
		own = s.args
	}
	cmd := exec.Command("taskset", slices.Concat([]string{"-c", s.core, s.path}, own, args)...)
	cmd.Env = os.Environ()
	if s.env != "" {
		cmd.Env = append(cmd.Env, s.env)
	}
	return cmd
}

// start runs the server until it answers.
func (s *server) start(ctx context.Context) error {
	s.cmd = s.command()
	s.cmd.Stderr = &s.stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} // should this program be killed
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.exited = make(chan error, 1)
	go func() { s.exited <- s.cmd.Wait() }()
	if err := s.waitFor(ctx, ""); err != nil {
		s.stop()
		return err
	}
	return nil
}

// waitFor says hello, over a new connection each time, until the answer contains
// text, and finds the worker.
func (s *server) waitFor(ctx context.Context, text string) error {
	const often = 200 * time.Microsecond
	tick := time.NewTicker(often)
	defer tick.Stop()
	late := time.After(patience)
	for {
		if body, err := s.ask(); err == nil && strings.Contains(body, text) {
			return nil
		}
		select {
		case <-tick.C:
		case err := <-s.exited:
			s.exited <- err
			return fmt.Errorf("%s does not run: %v %s", s.name, err, strings.TrimSpace(s.stderr.String()))
		case <-late:
			return fmt.Errorf("%s does not answer", s.name)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ask is one request over its own connection.
func (s *server) ask() (string, error) {
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(c, s.hello.question); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(c)
	if err == nil && !bytes.HasPrefix(answer, []byte(s.hello.answer)) {
		err = fmt.Errorf("no answer")
	}
	return string(answer), err
}

// findWorker remembers the pid of the master's newest child that is a worker: nginx
// has other processes for its caches.
func (s *server) findWorker() error {
	children, err := childrenOf(s.cmd.Process.Pid)
	if err != nil {
		return err
	}
	for _, pid := range slices.Backward(children) {
		title, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && !bytes.Contains(title, []byte(": cache ")) {
			s.worker = pid
			return nil
		}
	}
	return fmt.Errorf("%s has no worker", s.name)
}

// stop ends the server and waits for it: politely, then not.
func (s *server) stop() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	children, _ := childrenOf(s.cmd.Process.Pid) // none are left when it is gone
	s.cmd.Process.Signal(syscall.SIGTERM)        // it may be gone
	select {
	case <-s.exited:
	case <-time.After(patience / 4):
		s.cmd.Process.Kill()
		for _, pid := range children {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		<-s.exited
	}
	s.cmd = nil
}
