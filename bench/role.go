package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// roleVariable makes this program a part of a case instead of the whole: one that
// runs on a core of its own, and whose CPU can be told from that of the others.
const roleVariable = "BENCH_ROLE"

// playRole runs what the environment asks for, and reports whether it did.
func playRole() bool {
	name, argument, _ := strings.Cut(os.Getenv(roleVariable), " ")
	var err error
	switch name {
	case "":
		return false
	case "echo":
		err = listenAnd(func(l net.Listener) error { return http.Serve(l, http.HandlerFunc(echo)) })
	case "udpecho":
		err = echoDatagrams()
	case "datagrams":
		err = exchangeDatagrams(os.Stdin, os.Stdout, argument)
	case "reverseproxy":
		err = listenAnd(func(l net.Listener) error { return serveReverseProxy(l, argument) })
	case "handover":
		err = keepOpen(os.Stdin, os.Stdout, argument)
	case "tls":
		err = loadTLS(os.Stdin, os.Stdout, argument)
	case "websockets":
		err = loadConns(os.Stdin, os.Stdout, argument, dialWebSocket, exchangeFor)
	case "tcpecho":
		err = listenAnd(func(l net.Listener) error { return serveConns(l, echoBytes) })
	case "source":
		err = listenAnd(func(l net.Listener) error { return serveConns(l, pour) })
	case "sessions":
		err = loadConns(os.Stdin, os.Stdout, argument, dialTCP, exchangeFor)
	case "downloads":
		err = loadConns(os.Stdin, os.Stdout, argument, dialTCP, readFor)
	default:
		err = fmt.Errorf("%s: no role is called %q", roleVariable, name)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	return true
}

// listenAnd serves on a port of its choice, which it prints first.
func listenAnd(serve func(net.Listener) error) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return serve(l)
}

// serveReverseProxy is the standard library's proxy as its documentation has it.
func serveReverseProxy(l net.Listener, backend string) error {
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: backend})
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 128
	proxy.Transport = transport
	proxy.ErrorLog = log.New(io.Discard, "", 0) // the load ends a round in the middle of requests
	return http.Serve(l, proxy)
}

// A player is this program in another role.
type player struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	addr string // where it listens, if it does
}

// play starts a role on a core. A role that listens has said where when it returns.
func play(ctx context.Context, core, role string, listens bool) (*player, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "taskset", "-c", core, self)
	cmd.Env = append(os.Environ(), roleVariable+"="+role, "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p := &player{cmd: cmd}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if listens {
		if p.addr, err = p.line(); err != nil {
			p.stop()
		}
	}
	return p, err
}

// line is the next line that the player prints.
func (p *player) line() (string, error) {
	text, err := p.out.ReadString('\n')
	return strings.TrimSpace(text), err
}

func (p *player) stop() {
	_ = p.cmd.Process.Kill() // it may be gone
	_ = p.cmd.Wait()         // killed, as it should be
}
