package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A Load is a crowd of strict clients that asks for one path again and again
// while the test does something to the server.
type Load struct {
	KeepAlive int                 // clients that keep their connection
	PerConn   int                 // clients that use one connection per request
	Path      string              // "/" when empty
	Post      string              // what is posted; requests are GET when it is empty
	Rate      int                 // requests per second, all together; 2000 when 0
	Status    int                 // expected status; 200 when 0
	Body      func(s string) bool // accepts a body; nil accepts any
	TLS       *tls.Config         // nil: none is spoken
	Network   string              // filled from the server's address by StartLoad
	Address   string

	cancel context.CancelFunc
	wait   sync.WaitGroup
	mu     sync.Mutex
	report Report
}

// A Report counts what a Load has seen.
type Report struct {
	Requests int // answered as expected
	Failed   int
	Retried  int // idle connection closed before any byte of the response; sent again
	Closed   int // answers that announced the end of a kept connection

	LostSYNs int      // connections for which the kernel had to send a SYN again
	Errors   []string // of the first failures
}

func (r Report) String() string {
	text := fmt.Sprintf("%d requests, %d failed, %d retried, %d closed by the server", r.Requests, r.Failed, r.Retried, r.Closed)
	if len(r.Errors) > 0 {
		text += "\n  " + strings.Join(r.Errors, "\n  ")
	}
	return text
}

// StartLoad sends the load to the address of that name until Stop; the test's
// end stops it too.
func (b *Server) StartLoad(name string, l *Load) *Load {
	b.t.Helper()
	l.Network, l.Address = b.Address(name)
	if l.Path == "" {
		l.Path = "/"
	}
	if l.Status == 0 {
		l.Status = 200
	}
	if l.Rate == 0 {
		l.Rate = 2000
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	b.t.Cleanup(func() { l.Stop() })
	interval := time.Duration(l.KeepAlive+l.PerConn) * time.Second / time.Duration(l.Rate)
	for i := range l.KeepAlive + l.PerConn {
		c := &loader{load: l, keep: i < l.KeepAlive}
		l.wait.Go(func() { c.run(ctx, interval) })
	}
	return l
}

// Stop ends the load after the requests in progress and returns the report.
func (l *Load) Stop() Report {
	l.cancel()
	l.wait.Wait()
	return l.Report()
}

// Report returns what was counted so far.
func (l *Load) Report() Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.report
}

// More waits until n more requests were answered.
func (l *Load) More(n int) bool {
	goal := l.Report().Requests + n
	return Eventually(patience, func() bool { return l.Report().Requests >= goal })
}

// NoneFailed stops the load and fails the test unless every request was
// answered as expected.
func (b *Server) NoneFailed(l *Load) Report {
	b.t.Helper()
	r := l.Stop()
	b.t.Logf("load: %v", r)
	if r.Failed > 0 || r.Requests == 0 {
		b.t.Errorf("failed requests: %v", r)
	}
	return r
}

// A loader is one client of a Load.
type loader struct {
	load *Load
	keep bool
	conn net.Conn // nil: none kept
	in   *bufio.Reader
}

func (c *loader) run(ctx context.Context, interval time.Duration) {
	pace := time.NewTicker(interval)
	defer pace.Stop()
	defer c.close()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
			c.load.count(c.request())
		}
	}
}

// outcome is how one request went.
type outcome struct {
	retried, closed bool
	err             error
}

func (l *Load) count(o outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if o.retried {
		l.report.Retried++
	}
	if o.closed {
		l.report.Closed++
	}
	if o.err == nil {
		l.report.Requests++
		return
	}
	l.report.Failed++
	if len(l.report.Errors) < 10 {
		l.report.Errors = append(l.report.Errors, time.Now().Format("15:04:05.000 ")+o.err.Error())
	}
}

// connected looks at how a connection came about.
func (l *Load) connected(conn net.Conn) {
	if lost(conn) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.report.LostSYNs++
	}
}

// lost tells whether anything was sent again on a new connection.
func lost(conn net.Conn) bool {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return false
	}
	again := false
	_ = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		again = err == nil && info.Total_retrans > 0
	})
	return again
}

// request does one request; on a kept connection that turns out to have been
// closed while it was idle, once more on a new one.
func (c *loader) request() (o outcome) {
	idle := c.conn != nil
	r, err := c.exchange()
	if idle && errors.Is(err, ErrNothing) {
		o.retried = true
		r, err = c.exchange()
	}
	if err != nil {
		c.close()
		o.err = err
		return o
	}
	o.closed = c.keep && c.conn == nil
	if l := c.load; r.Status != l.Status || l.Body != nil && !l.Body(string(r.Body)) {
		o.err = fmt.Errorf("unexpected answer %s %.80q", r.Line, r.Body)
	}
	return o
}

func (c *loader) exchange() (*Response, error) {
	kind := "kept"
	if c.conn == nil {
		kind = "new"
		conn, err := net.DialTimeout(c.load.Network, c.load.Address, patience)
		if err != nil {
			return nil, err
		}
		c.load.connected(conn)
		if c.load.TLS != nil {
			conn = tls.Client(conn, c.load.TLS)
		}
		c.conn, c.in = conn, bufio.NewReader(conn)
	}
	_ = c.conn.SetDeadline(time.Now().Add(patience))
	word := "keep-alive"
	if !c.keep {
		word = "close"
	}
	// When the write fails the read says how the connection ended.
	text := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: %s\r\n\r\n", c.load.Path, word)
	if post := c.load.Post; post != "" {
		text = fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: %s\r\nContent-Length: %d\r\n\r\n%s",
			c.load.Path, word, len(post), post)
	}
	_, _ = io.WriteString(c.conn, text)
	r, err := ReadResponse(c.in, "GET")
	if err == nil && !c.keep {
		err = c.wantEnd()
	}
	if err != nil || !c.keep || strings.EqualFold(r.Field("Connection"), "close") {
		c.close()
	}
	if err != nil {
		err = fmt.Errorf("%s connection: %w", kind, err)
	}
	return r, err
}

// wantEnd checks that nothing follows the only response of a connection.
func (c *loader) wantEnd() error {
	if extra, err := c.in.ReadByte(); err == nil {
		return fmt.Errorf("byte %q after the response", extra)
	}
	return nil
}

func (c *loader) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}
