package log

import (
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/baton-project/baton/fd"
	"golang.org/x/sys/unix"
)

// maxDatagram is a whole line and a header before it: priority, time, the
// longest host name, and the longest tag.
const maxDatagram = maxLine + len("<255>Jan 01 00:00:00 ") + 64 + 1 + maxTag + len(": ")

// A Sender sends lines to one syslog server. It connects with the first line,
// and again after a failure. What cannot be sent is lost, and said in the
// files' main logger at most once a minute. Any number of goroutines may use it.
type Sender struct {
	files  *Files
	to     Syslog
	head   string // between the time and the line: " host tag: "
	failed complaint

	mu     sync.Mutex // guards the rest
	socket *fd.Owned  // nil until connected
	closed bool
}

func newSender(fs *Files, to Syslog) *Sender {
	head := " " + to.Tag + ": "
	if !to.NoHostname {
		host, _ := os.Hostname() // an empty name is better than no line
		head = " " + strings.ToLower(host) + head
	}
	return &Sender{files: fs, to: to, head: head}
}

// Severity is what the destination asks for lines of an access log.
func (s *Sender) Severity() int { return s.to.Severity }

// Send sends one line, without its line feed, with a severity of RFC 3164: an
// error log's level less one. It never waits: what does not fit into the
// socket's buffer is lost.
func (s *Sender) Send(severity int, line []byte) {
	var buf [maxDatagram]byte
	now := s.files.clock.now()
	msg := append(buf[:0], '<')
	msg = strconv.AppendUint(msg, uint64(s.to.Facility*8+severity), 10)
	msg = append(msg, '>')
	msg = append(msg, now.syslog...)
	msg = append(msg, s.head...)
	msg = append(msg, line[:min(len(line), len(buf)-len(msg))]...)
	level, err := s.send(msg)
	if err == nil || !s.failed.due(now.second) {
		return
	}
	if main := s.files.main.Load(); main.Enabled(level) {
		write(main, level, 0, err.Error()+" while logging to syslog, server: "+s.to.Server, s)
	}
}

// send returns how grave its error is.
func (s *Sender) send(msg []byte) (Level, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, nil
	}
	if s.socket == nil {
		socket, err := connect(s.to)
		if err != nil {
			return Alert, err
		}
		s.socket = socket
	}
	for {
		_, err := unix.Write(s.socket.Raw(), msg)
		switch err {
		case nil, unix.EAGAIN:
			return 0, nil
		case unix.EINTR:
			continue
		}
		s.socket.Close()
		s.socket = nil
		return Error, Failed("send()", err)
	}
}

func connect(to Syslog) (*fd.Owned, error) {
	family, addr := to.sockaddr()
	n, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, Failed("socket()", err)
	}
	socket := fd.New(n)
	if err := unix.Connect(n, addr); err != nil {
		socket.Close()
		return nil, Failed("connect()", err)
	}
	return socket, nil
}

func (s *Sender) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.socket != nil {
		s.socket.Close()
		s.socket = nil
	}
}
