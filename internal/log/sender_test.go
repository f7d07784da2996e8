package log

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// receive returns the next datagram.
func receive(t *testing.T, c net.PacketConn) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 65536)
	n, _, err := c.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func TestSyslogOverUDP(t *testing.T) {
	files := openLogs(t)
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	to, err := ParseSyslog("syslog:server="+server.LocalAddr().String()+",facility=user,tag=SEETAG,severity=warn", nil)
	if err != nil {
		t.Fatal(err)
	}
	l := mustLogger(t, files, Spec{Level: Info, Syslog: &to})
	l.Log(Error, 3, "hello")
	host, _ := os.Hostname()
	want := regexp.MustCompile(fmt.Sprintf(
		`^<11>[A-Z][a-z]{2} [ 1-3]\d \d\d:\d\d:\d\d %s SEETAG: \d{4}/.* \[error\] \d+#\d+: \*3 hello$`,
		regexp.QuoteMeta(strings.ToLower(host))))
	if got := receive(t, server); !want.MatchString(got) {
		t.Errorf("datagram is %q", got)
	}
	s := files.Syslog(to)
	s.Send(s.Severity(), []byte("access line"))
	if got := receive(t, server); !strings.HasPrefix(got, "<12>") || !strings.HasSuffix(got, " SEETAG: access line") {
		t.Errorf("datagram is %q", got)
	}
	l.Log(Error, 0, strings.Repeat("x", 4000))
	if got := receive(t, server); !strings.HasSuffix(got, "xxx") || len(got) > maxDatagram {
		t.Errorf("datagram of %d bytes", len(got))
	}
}

// A server that is away is said once, in the other outputs, and found again when
// it is back.
func TestSyslogServerComesBack(t *testing.T) {
	dir := t.TempDir()
	path, socket := filepath.Join(dir, "e.log"), filepath.Join(dir, "s")
	to, err := ParseSyslog("syslog:server=unix:"+socket+",nohostname", nil)
	if err != nil {
		t.Fatal(err)
	}
	files := openLogs(t)
	l := mustLogger(t, files, Spec{Level: Error, Syslog: &to}, Spec{Level: Error, Path: path})
	files.SetMain(l)
	for range 3 {
		l.Log(Error, 0, "lost")
	}
	want := "connect() failed (2: No such file or directory) while logging to syslog, server: unix:" + socket
	if got := messages(content(t, path)); strings.Count(got, want) != 1 || strings.Count(got, "lost") != 3 {
		t.Errorf("error log has %s", got)
	}
	head := regexp.MustCompile(`^<187>\w{3} [ \d]\d [\d:]{8} nginx: `)
	for range 2 {
		server, err := net.ListenPacket("unixgram", socket)
		if err != nil {
			t.Fatal(err)
		}
		l.Log(Error, 0, "notices that the old one is gone")
		l.Log(Error, 0, "found")
		for got := ""; !strings.HasSuffix(got, ": found"); {
			got = receive(t, server)
			if !head.MatchString(got) {
				t.Errorf("datagram is %q", got)
			}
		}
		server.Close()
		if err := os.Remove(socket); err != nil {
			t.Fatal(err)
		}
	}
}

// Two servers that are both away complain to each other, and that ends.
func TestSyslogServersComplainToEachOther(t *testing.T) {
	dir := t.TempDir()
	a := Syslog{Server: "unix:a", Path: filepath.Join(dir, "a")}
	b := Syslog{Server: "unix:b", Path: filepath.Join(dir, "b")}
	files := openLogs(t)
	l := mustLogger(t, files, Spec{Level: Error, Syslog: &a}, Spec{Level: Error, Syslog: &b})
	files.SetMain(l)
	l.Log(Error, 0, "lost")
}

func TestSendDoesNotWait(t *testing.T) {
	files := openLogs(t)
	socket := filepath.Join(t.TempDir(), "s")
	server, err := net.ListenPacket("unixgram", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	to := Syslog{Server: "unix:s", Path: socket, Tag: "nginx"}
	s := files.Syslog(to)
	if files.Syslog(to) != s {
		t.Error("equal destinations have two senders")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 5000 { // nobody reads
			s.Send(6, []byte("line"))
		}
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("Send waits for its server")
	}
}

func TestSockaddrFamilies(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:9", "[::1]:9"} {
		to := Syslog{Addr: netip.MustParseAddrPort(addr)}
		socket, err := connect(to)
		if err != nil {
			t.Errorf("%s: %v", addr, err)
			continue
		}
		socket.Close()
	}
}
