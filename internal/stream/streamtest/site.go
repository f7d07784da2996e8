package streamtest

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/freeport"
	"github.com/baton-project/baton/internal/stream"
)

// patience bounds every wait of a test; nothing takes as long unless it is stuck.
const patience = 30 * time.Second

// Site is what a server under test serves.
type Site struct {
	// Stream is the content of the stream block, with the places that the package
	// comment names.
	Stream string
	// Files are made in the site's folder before the server starts.
	Files map[string]string
}

// Server is a running server that serves a Site.
type Server struct {
	Dir    string         // absolute path of the site's folder
	Worker *stream.Worker // of Start

	t         testing.TB
	addresses map[string]string // by name
}

func newServer(t testing.TB, site Site) *Server {
	t.Helper()
	s := &Server{Dir: t.TempDir(), t: t, addresses: make(map[string]string)}
	for name, text := range site.Files {
		if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

var placePattern = regexp.MustCompile(`\{\{([a-z]\w*)(\.port|\.unix)?\}\}`)

// expand fills in the places of a configuration text.
func (s *Server) expand(text string) string {
	text = strings.ReplaceAll(text, "{{dir}}", s.Dir)
	return placePattern.ReplaceAllStringFunc(text, func(place string) string {
		name, kind, _ := strings.Cut(strings.Trim(place, "{}"), ".")
		if kind == "unix" {
			return "unix:" + filepath.Join(s.Dir, name+".sock")
		}
		if s.addresses[name] == "" {
			s.addresses[name] = freeport.Loopback(s.t)
		}
		if kind == "port" {
			_, port, _ := net.SplitHostPort(s.addresses[name])
			return port
		}
		return s.addresses[name]
	})
}

// Address is where a place of the configuration is. One that the configuration
// does not name gets an address that nobody listens on.
func (s *Server) Address(name string) string { return s.expand("{{" + name + "}}") }

// Dial opens a connection to a place. Its reads and writes are bounded, and it is
// closed when the test ends.
func (s *Server) Dial(name string) net.Conn {
	s.t.Helper()
	network, address := "tcp", s.Address(name)
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", path
	}
	c, err := net.Dial(network, address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// Say sends text on a connection of its own and returns all that comes back
// until the server closes, or breaks the connection.
func (s *Server) Say(name, text string) string {
	s.t.Helper()
	c := s.Dial(name)
	defer func() { _ = c.Close() }()
	_, _ = io.WriteString(c, text) // who refuses may have closed already
	answer, err := io.ReadAll(c)
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		s.t.Errorf("%s keeps the connection open after %q and %q", name, text, answer)
	}
	return string(answer)
}

// Read is the text of a file of the site's folder, empty when there is none.
func (s *Server) Read(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.Dir, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.t.Fatal(err)
	}
	return string(text)
}

// WaitFor waits until a file of the site's folder has a line like pattern, which
// is a regular expression of the whole line; times and numbers before the text of
// an error log's line are not part of it.
func (s *Server) WaitFor(file, pattern string) {
	s.t.Helper()
	line := regexp.MustCompile(`(?m)^(?:[0-9/]+ [0-9:]+ \[[a-z]+\] [0-9]+#[0-9]+: (?:\*[0-9]+ )?)?` + pattern + `$`)
	if !Eventually(func() bool { return line.MatchString(s.Read(file)) }) {
		s.t.Errorf("%s has no line like %q:\n%s", file, pattern, s.Read(file))
	}
}

// Eventually waits until done, and reports whether it is.
func Eventually(done func() bool) bool {
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		if done() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}
