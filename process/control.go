package process

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// The control socket is an abstract unix socket, so there is no file to clean
// up and none for a stranger to replace; both sides ask the kernel who the
// other one is. The client sends one [order] as a line of JSON and gets
// [tidings], one per line, up to the one that is Done.

// controlAddress is the control socket of the master with that pid.
func controlAddress(pid int) *net.UnixAddr {
	return &net.UnixAddr{Net: "unix", Name: fmt.Sprintf("@baton-control-%d", pid)}
}

// An order is what a client wants: a verb; with verbFailed also why.
type order struct {
	Verb string `json:"verb"`
	Text string `json:"text,omitempty"`
}

// The verbs of orders beside reload and upgrade.
const (
	verbStatus verb = "status"
	verbReady  verb = "ready"  // answered when the first generation serves
	verbFailed verb = "failed" // from the new binary: why it does not serve
)

// tidings is what a client is told.
type tidings struct {
	Text string `json:"text"`
	OK   bool   `json:"ok,omitempty"`   // what was wanted has happened
	Done bool   `json:"done,omitempty"` // nothing more comes
}

const (
	longestOrder = 4 << 10
	orderTimeout = 5 * time.Second // for the order to arrive, for tidings to leave
)

// parseOrder reads a client's line.
func parseOrder(line []byte) (order, error) {
	var o order
	if err := json.Unmarshal(line, &o); err != nil {
		return order{}, errors.New("malformed order")
	}
	switch verb(o.Verb) {
	case verbReload, verbUpgrade, verbStatus, verbReady, verbFailed:
		return o, nil
	}
	return order{}, fmt.Errorf("unknown order %q", printable(o.Verb))
}

// listenControl opens the control socket and serves it until the result is
// closed.
func (m *master) listenControl() (io.Closer, error) {
	l, err := net.ListenUnix("unix", controlAddress(os.Getpid()))
	if err != nil {
		return nil, err
	}
	m.helpers.Go(func() {
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				return
			}
			m.helpers.Go(func() { m.serveControl(c) })
		}
	})
	return l, nil
}

// serveControl serves one client to its end.
func (m *master) serveControl(c *net.UnixConn) {
	defer c.Close()
	cred, err := peerOf(c)
	if err != nil {
		return
	}
	if !trusted(cred) {
		tell(c, tidings{Text: fmt.Sprintf("user %d may give no orders to process %d", cred.Uid, os.Getpid()), Done: true})
		return
	}
	line, err := m.readOrder(c)
	if err != nil {
		return
	}
	o, err := parseOrder(line)
	if err != nil {
		tell(c, tidings{Text: err.Error(), Done: true})
		return
	}
	cl := &controlClient{news: make(chan string, 16), result: make(chan outcome, 1)}
	if !m.post(func() { m.order(o, int(cred.Pid), cl) }) {
		tell(c, tidings{Text: errStopping.Error(), Done: true})
		return
	}
	left := make(chan struct{})
	m.helpers.Go(func() {
		defer close(left)
		_, _ = io.Copy(io.Discard, c) // ends with the client, or with our Close
	})
	m.inform(c, cl, left)
}

// readOrder reads the client's line, in bounded time and length.
func (m *master) readOrder(c *net.UnixConn) ([]byte, error) {
	read := make(chan struct{})
	defer close(read)
	c.SetReadDeadline(time.Now().Add(orderTimeout))
	m.helpers.Go(func() {
		select {
		case <-m.ended:
			c.Close()
		case <-read:
		}
	})
	line, err := bufio.NewReader(io.LimitReader(c, longestOrder)).ReadBytes('\n')
	c.SetReadDeadline(time.Time{})
	return line, err
}

// inform tells the client what comes, until the end or until it has left.
func (m *master) inform(c *net.UnixConn, cl *controlClient, left <-chan struct{}) {
	for {
		select {
		case text := <-cl.news:
			tell(c, tidings{Text: text})
		case o := <-cl.result:
			m.conclude(c, o, left)
			return
		case <-left:
			return
		case <-m.ended:
			select {
			case o := <-cl.result:
				m.conclude(c, o, left)
			default:
				tell(c, tidings{Text: errStopping.Error(), Done: true})
			}
			return
		}
	}
}

// conclude tells the outcome; when that leaves an old generation behind, also
// its end.
func (m *master) conclude(c *net.UnixConn, o outcome, left <-chan struct{}) {
	if o.old == nil {
		tell(c, tidings{Text: o.text, OK: o.ok, Done: true})
		return
	}
	begun := time.Now()
	tell(c, tidings{Text: o.text, OK: o.ok})
	select {
	case <-o.old.gone:
	case <-left:
		return
	case <-m.ended:
	}
	text := fmt.Sprintf("%s, generation %d gone after %s", o.text, o.old.number, took(begun))
	if o.old.report != nil { // nobody adds to it any more
		text += ": " + o.old.report.String()
	}
	tell(c, tidings{Text: text, OK: o.ok, Done: true})
}

func tell(c *net.UnixConn, t tidings) {
	b, err := json.Marshal(t)
	if err != nil {
		return
	}
	c.SetWriteDeadline(time.Now().Add(orderTimeout))
	_, _ = c.Write(append(b, '\n')) // a client that left wants to know nothing
}

// A controlClient is a client on the control socket, as the loop sees it.
type controlClient struct {
	news   chan string
	result chan outcome
}

// progress drops news that the client does not take in time.
func (c *controlClient) progress(text string) {
	select {
	case c.news <- text:
	default:
	}
}

func (c *controlClient) finish(o outcome) { c.result <- o }

// order serves the order of a client with that pid, in the loop.
func (m *master) order(o order, pid int, cl client) {
	switch v := verb(o.Verb); {
	case v == verbFailed:
		if m.binary != nil && m.binary.pid == pid {
			m.binary.reason = printable(o.Text)
		}
		cl.finish(outcome{ok: true})
	case v == verbStatus:
		cl.finish(outcome{ok: true, text: m.status()})
	case v == verbReady && m.phase == starting && m.op != nil:
		m.op.clients = append(m.op.clients, cl)
	case v == verbReady:
		cl.finish(outcome{ok: m.phase == running, text: m.phase.String()})
	default:
		m.request(request{verb: v, clients: []client{cl}})
	}
}

// peerOf asks the kernel who is on the other end.
func peerOf(c *net.UnixConn) (*unix.Ucred, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(p uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(p), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err == nil {
		err = credErr
	}
	return cred, err
}

// trusted says whether a peer may give orders, or may be believed: root and our
// own user.
func trusted(cred *unix.Ucred) bool {
	return cred.Uid == 0 || int(cred.Uid) == os.Geteuid()
}
