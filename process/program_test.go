package process

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

// config is the whole configuration of the test program, a file of JSON. Its
// workers accept on Listen, answer each line with "PID GENERATION Text", and
// log to Log.
type config struct {
	Listen   []string
	Text     string
	Log      string
	Daemon   bool
	Settings Settings
	Fail     string // role.Start fails with it
	Crash    bool   // role.Start exits
}

func readConfig(path string) (*config, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := new(config)
	return c, json.Unmarshal(b, c)
}

// serve is main of the test program.
func serve(title *Title, path string) int {
	l, launched := LaunchedFromEnv()
	p := &Program{Name: "probe", Version: "probe 1", Title: title, Args: os.Args, Environ: os.Environ(),
		Role: func() Role { return new(echo) }}
	p.Build = func(_ context.Context, in BuildInput) (Cycle, error) {
		c, err := readConfig(path)
		if err != nil {
			fd.CloseAll(in.Inherited)
			return nil, err
		}
		c.Settings.Env = p.Environ
		return openSite(c, in)
	}
	exit, err := 1, error(nil)
	c, e := readConfig(path)
	if e != nil {
		c = new(config) // Build will say it
	}
	if log, err := openLog(c.Log); err == nil {
		p.Logger = plainLog(logWriter{log})
	}
	if c.Daemon && !launched && !Inherits() {
		bundle, e := fd.Memfd("bundle", []byte("the bundle"))
		if e != nil {
			return 1
		}
		exit, err = p.Launch(bundle)
	} else {
		if l != nil {
			if b, err := fd.ReadSealed(l.Bundle); err != nil || string(b) != "the bundle" {
				fmt.Fprintln(os.Stderr, "bundle:", err)
				return 1
			}
			l.Bundle.Close()
		}
		exit, err = p.RunMaster(context.Background(), l)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return exit
}

// A site is the test program's Cycle.
type site struct {
	conf      *config
	listeners []Listener
	fresh     []Listener // opened by this one
	stale     []Listener // the old one's, not wanted here
	old       *site
	blob, log *fd.Owned
}

func openSite(c *config, in BuildInput) (_ *site, err error) {
	s := &site{conf: c}
	defer func() {
		if err != nil {
			s.Abort()
		}
	}()
	var have []Listener
	for _, o := range in.Inherited {
		have = append(have, Listener{socketName(o), o})
	}
	if len(in.Estate) > 0 { // from another one of these
		if len(in.Estate) != 1 || in.Estate[0].Name != "a; will" {
			return nil, fmt.Errorf("inherited %v", in.Estate)
		}
		if b, err := fd.ReadSealed(in.Estate[0].FD); err != nil || string(b) != "secret" {
			return nil, fmt.Errorf("inherited %q, %v", b, err)
		}
	}
	if old, ok := in.Old.(*site); ok {
		have = slices.Clone(old.listeners)
		s.old = old
	}
	for _, address := range c.Listen {
		i := slices.IndexFunc(have, func(l Listener) bool { return l.Name == address })
		if i >= 0 {
			s.listeners = append(s.listeners, have[i])
			have = slices.Delete(have, i, i+1)
			continue
		}
		n, err := net.Listen("tcp", address)
		if err != nil {
			return nil, err
		}
		f, _ := n.(*net.TCPListener).File()
		n.Close()
		o, _ := fd.FromFile(f)
		f.Close()
		s.listeners = append(s.listeners, Listener{address, o})
		s.fresh = append(s.fresh, Listener{address, o})
	}
	s.stale = have
	if s.blob, err = fd.Memfd("blob", []byte("secret")); err != nil {
		return nil, err
	}
	s.log, err = openLog(c.Log)
	return s, err
}

func socketName(o *fd.Owned) string {
	sa, err := unix.Getsockname(o.Raw())
	if in, ok := sa.(*unix.SockaddrInet4); ok && err == nil {
		return fmt.Sprintf("%v:%d", net.IP(in.Addr[:]), in.Port)
	}
	return "?"
}

func openLog(path string) (*fd.Owned, error) {
	n, err := unix.Open(path, unix.O_WRONLY|unix.O_APPEND|unix.O_CREAT|unix.O_CLOEXEC, 0o644)
	return fd.New(n), err
}

// logWriter writes to a descriptor that somebody else owns.
type logWriter struct{ o *fd.Owned }

func (w logWriter) Write(b []byte) (int, error) { return unix.Write(w.o.Raw(), b) }

func (s *site) Settings() Settings    { return s.conf.Settings }
func (s *site) Listeners() []Listener { return s.listeners }
func (s *site) Estate() []File        { return []File{{"a; will", s.blob}} }
func (s *site) Logger() *slog.Logger  { return plainLog(logWriter{s.log}) }
func (s *site) Close()                { s.log.Close(); s.blob.Close() }

func (s *site) Commit() {
	for _, l := range s.stale {
		l.FD.Close()
	}
	if s.old != nil {
		s.old.Close()
		s.old = nil
	}
}

func (s *site) Abort() {
	for _, l := range s.fresh {
		l.FD.Close()
	}
	if s.log != nil {
		s.Close()
	}
}

func (s *site) CloseListeners(bool) {
	for _, l := range s.listeners {
		l.FD.Close()
	}
}

func (s *site) Handout(int) (Handout, error) {
	data, err := json.Marshal(s.conf)
	if err != nil {
		return Handout{}, err
	}
	h := Handout{Blob: s.blob, Data: data}
	for _, l := range s.listeners {
		h.Files = append(h.Files, File(l))
	}
	h.Files = append(h.Files, File{"log", s.log})
	return h, nil
}

func (s *site) Reopen() ([]File, error) {
	f, err := openLog(s.conf.Log)
	if err != nil {
		return nil, err
	}
	s.log.Close()
	s.log = f
	return []File{{"log", f}}, nil
}

// echo is the test program's Role.
type echo struct {
	mu        sync.Mutex
	log       *os.File
	listeners []net.Listener
	conns     map[net.Conn]bool
	serving   sync.WaitGroup
}

func (e *echo) Logger() *slog.Logger {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.log == nil {
		return nil
	}
	return plainLog(e.log)
}

func (e *echo) Start(_ context.Context, s *Start) error {
	defer closeStart(s)
	var c config
	if err := json.Unmarshal(s.Data, &c); err != nil {
		return err
	}
	if secret, err := fd.ReadSealed(s.Blob); err != nil || string(secret) != "secret" {
		return fmt.Errorf("blob: %q, %v", secret, err)
	}
	if c.Crash {
		os.Exit(7)
	}
	if c.Fail != "" {
		return errors.New(c.Fail)
	}
	e.conns = map[net.Conn]bool{}
	for _, f := range s.Files {
		if f.Name == "log" {
			e.mu.Lock()
			e.log = f.FD.File("log")
			e.mu.Unlock()
			continue
		}
		o := f.FD.File(f.Name)
		l, err := net.FileListener(o)
		o.Close()
		if err != nil {
			return err
		}
		e.listeners = append(e.listeners, l)
		e.serving.Go(func() { e.accept(l, fmt.Sprintf("%d %d %s\n", os.Getpid(), s.Generation, c.Text)) })
	}
	return nil
}

func (e *echo) accept(l net.Listener, answer string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		e.mu.Lock()
		e.conns[c] = true
		e.mu.Unlock()
		e.serving.Go(func() {
			in := bufio.NewReader(c)
			for {
				if _, err := in.ReadString('\n'); err != nil {
					break
				}
				if _, err := io.WriteString(c, answer); err != nil {
					break
				}
			}
			e.mu.Lock()
			delete(e.conns, c)
			e.mu.Unlock()
			c.Close()
		})
	}
}

// Drain waits until clients close, as long as ctx lets it.
func (e *echo) Drain(ctx context.Context, _ *Heir) error {
	for _, l := range e.listeners {
		l.Close()
	}
	defer context.AfterFunc(ctx, e.Stop)()
	e.serving.Wait()
	return nil
}

func (e *echo) Accept(ch *fd.Channel) { ch.Close() }

func (e *echo) Stop() {
	for _, l := range e.listeners {
		l.Close()
	}
	e.mu.Lock()
	for c := range e.conns {
		c.Close()
	}
	e.mu.Unlock()
	e.serving.Wait()
}

func (e *echo) Reopen(files []File) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.log.Close()
	e.log = files[0].FD.File("log")
	return nil
}

// plainLog writes "[LEVEL] PID: MESSAGE" lines.
func plainLog(w io.Writer) *slog.Logger { return slog.New(plain{w}) }

type plain struct{ w io.Writer }

func (plain) Enabled(context.Context, slog.Level) bool { return true }
func (p plain) WithAttrs([]slog.Attr) slog.Handler     { return p }
func (p plain) WithGroup(string) slog.Handler          { return p }

func (p plain) Handle(_ context.Context, r slog.Record) error {
	_, err := fmt.Fprintf(p.w, "%s [%d] %d: %s\n", time.Now().Format(time.StampMilli), int(r.Level), os.Getpid(), r.Message)
	return err
}
