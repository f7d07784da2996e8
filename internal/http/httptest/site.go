package httptest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/freeport"
	"github.com/baton-project/baton/internal/http"
)

// Site is what a server under test serves.
type Site struct {
	// HTTP is the content of the http block. {{addr}} stands for an address
	// to listen on, {{port}} for its port, {{dir}} for the site's folder.
	HTTP string
	// Files are made in the site's folder before the server starts: text by
	// relative path; a path that ends in "/" makes a folder.
	Files map[string]string
	// Prepare, when set, does the rest (permissions, links, pipes).
	Prepare func(t testing.TB, dir string)
	// WorkerConnections is worker_connections of a server in this process; 0:
	// 64.
	WorkerConnections int
}

// FileTime is the modification time of every file of a Site.
func FileTime() time.Time { return time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC) }

// Server is a running server that serves a Site.
type Server struct {
	Addr string // host:port
	Dir  string // absolute path of the site's folder

	// Worker serves the site; nil when the real nginx does.
	Worker *http.Worker

	t testing.TB
}

// For is the same server for another test, a fuzz target's for each input.
func (s *Server) For(t testing.TB) *Server { return &Server{Addr: s.Addr, Dir: s.Dir, t: t} }

// newServer lays out the site's folder and picks a free address.
func newServer(t testing.TB, site Site) *Server {
	t.Helper()
	s := &Server{Dir: t.TempDir(), Addr: freeport.Loopback(t), t: t}
	if err := os.Chmod(s.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(s.Dir, "logs"), 0o755); err != nil { // of the default access log
		t.Fatal(err)
	}
	for name, text := range site.Files {
		path := filepath.Join(s.Dir, name)
		folder := filepath.Dir(path)
		if strings.HasSuffix(name, "/") {
			folder = path
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if folder == path {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, FileTime(), FileTime()); err != nil {
			t.Fatal(err)
		}
	}
	if site.Prepare != nil {
		site.Prepare(t, s.Dir)
	}
	return s
}

// expand fills in the placeholders of a configuration text.
func (s *Server) expand(text string) string {
	_, port, _ := net.SplitHostPort(s.Addr)
	return strings.NewReplacer("{{addr}}", s.Addr, "{{port}}", port, "{{dir}}", s.Dir).Replace(text)
}

// Get asks for target on a connection of its own, with more header lines if
// any, and gives the raw response.
func (s *Server) Get(target string, header ...string) string {
	s.t.Helper()
	return s.Raw(Request("GET", target, header...))
}

// Request writes a request that asks the server to close the connection.
func Request(method, target string, header ...string) string {
	text := method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
	for _, line := range header {
		text += line + "\r\n"
	}
	return text + "\r\n"
}

// Raw sends bytes on a connection of its own and gives all that comes back
// until the server closes.
func (s *Server) Raw(request string) string {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		s.t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		s.t.Errorf("the server keeps the connection open after %q and %q", request, answer)
	}
	return string(answer)
}

// ReadFile gives the text of a file of the site's folder, empty when there is
// none.
func (s *Server) ReadFile(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.Dir, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.t.Fatal(err)
	}
	return string(text)
}

// Status gives the status code of a raw response, 0 when there is none.
func Status(response string) int {
	line, _, _ := strings.Cut(response, "\r\n")
	if fields := strings.Fields(line); len(fields) > 1 {
		code, _ := strconv.Atoi(fields[1])
		return code
	}
	return 0
}

// Header gives the values of the field name of a raw response, joined by ", ".
func Header(response, name string) string {
	head, _, _ := strings.Cut(response, "\r\n\r\n")
	var values []string
	for lines := bufio.NewScanner(bytes.NewReader([]byte(head))); lines.Scan(); {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if ok && strings.EqualFold(key, name) {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return strings.Join(values, ", ")
}

// Body gives what follows the head of a raw response.
func Body(response string) string {
	_, body, _ := strings.Cut(response, "\r\n\r\n")
	return body
}
