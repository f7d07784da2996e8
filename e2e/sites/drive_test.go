package sites_test

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/baton-project/baton/e2e"
)

// A site is testdata/NAME.conf, the files it serves, and who comes by.
type site struct {
	name string
	// files by path below {{site}}; all of them were modified at one time, so
	// that tags and dates are the same for both programs.
	files  map[string]string
	visits []visit
	// log is compared at the end, line by line, when it is named.
	log string
	// pending is a directive that the program does not know yet.
	pending string
}

// A visit sends bytes and reads the answer to its end.
type visit struct {
	to   string   // "web" when it is empty
	send string   // one or more requests
	want []string // each stands in the answer, in this order
	// hold leaves the connection open until all visits are done, having read
	// the first line of the answer.
	hold bool
	// takes is how long the answer takes at least; the request asks to close.
	takes time.Duration
}

func TestSites(t *testing.T) {
	for _, s := range sites {
		t.Run(s.name, func(t *testing.T) { s.drive(t) })
	}
}

// TestEverySiteIsDriven keeps configurations from lying about.
func TestEverySiteIsDriven(t *testing.T) {
	known := make(map[string]bool)
	for _, s := range sites {
		known[s.conf()] = true
	}
	found, err := filepath.Glob("testdata/*.conf")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range found {
		if !known[name] {
			t.Errorf("nobody visits %s", name)
		}
	}
}

func (s *site) conf() string { return "testdata/" + strings.ReplaceAll(s.name, " ", "-") + ".conf" }

func (s *site) drive(t *testing.T) {
	text, err := os.ReadFile(s.conf())
	if err != nil {
		t.Fatal(err)
	}
	conf := strings.ReplaceAll(string(text), "{{site}}", folder(t, s.files))
	ours := e2e.New(t, conf)
	if r := ours.Run("-t"); r.Code != 0 {
		if s.pending != "" && strings.Contains(r.Errors, `unknown directive "`+s.pending+`"`) {
			t.Skipf("%s is not there yet", s.pending)
		}
		t.Fatal(r.Errors)
	}
	ours.Launch()
	theirs := e2e.New(t, conf)
	theirs.Use(e2e.Nginx(t))
	theirs.Launch()
	ours.WaitReady()
	theirs.WaitReady()
	for i, v := range s.visits {
		got, want := v.pay(t, ours), v.pay(t, theirs)
		if got != want && strings.Contains(want, "\nExpires: now") { // the second changed before Date was written
			got, want = v.pay(t, ours), v.pay(t, theirs)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("visit %d, %q: nginx -, baton +\n%s", i, v.send, diff)
		}
		rest, found := got, true
		for _, w := range v.want {
			if _, rest, found = strings.Cut(rest, w); !found {
				t.Errorf("visit %d, %q: no %q in\n%s", i, v.send, w, got)
				break
			}
		}
	}
	if s.log != "" {
		// The last lines may be written after the answer.
		var diff string
		e2e.Eventually(30*time.Second, func() bool {
			diff = cmp.Diff(lines(theirs, s.log), lines(ours, s.log))
			return diff == ""
		})
		if diff != "" {
			t.Errorf("%s: nginx -, baton +\n%s", s.log, diff)
		}
	}
}

// pay visits one program.
func (v *visit) pay(t *testing.T, b *e2e.Server) string {
	t.Helper()
	to := v.to
	if to == "" {
		to = "web"
	}
	if v.hold {
		return v.occupy(t, b, to)
	}
	if v.takes > 0 {
		return v.wait(t, b, to)
	}
	return readable(t, v.send, b.Answer(to, v.send))
}

// wait leaves both sides of the connection open, as nginx takes a client that
// closes one for gone when it has to wait itself. The server is asked to close.
func (v *visit) wait(t *testing.T, b *e2e.Server, to string) string {
	t.Helper()
	begin := time.Now()
	c := b.Dial(to)
	c.Send(v.send)
	answer := string(c.ReadAll())
	if took := time.Since(begin); took < v.takes {
		t.Errorf("%q: the answer of %s took %v, want at least %v", v.send, b.Binary, took, v.takes)
	}
	_, address := b.Address(to)
	return readable(t, v.send, e2e.Normalize(answer, address))
}

// occupy sends a request and leaves the answer where it is.
func (v *visit) occupy(t *testing.T, b *e2e.Server, to string) string {
	t.Helper()
	network, address := b.Address(to)
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, v.send); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// readable is an answer with the bodies that are compressed in clear text: two
// compressors need not write the same bytes.
func readable(t *testing.T, send, answer string) string {
	t.Helper()
	method, _, _ := strings.Cut(send, " ")
	if method == "HEAD" || !strings.Contains(answer, "\nContent-Encoding: gzip\r\n") {
		return answer
	}
	r, err := e2e.ReadResponse(bufio.NewReader(strings.NewReader(answer)), method)
	if err != nil {
		t.Fatalf("%v in %q", err, answer)
	}
	z, err := gzip.NewReader(strings.NewReader(string(r.Body)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s\r\n%s\r\n\r\n%s", r.Line, strings.Join(r.Fields, "\r\n"), body)
}

var (
	logTime   = regexp.MustCompile(`\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}`)
	errorTime = regexp.MustCompile(`(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(\w+)\] \d+#\d+: (?:\*\d+ )?`)
)

// lines are those of a log, without what differs between two programs.
func lines(b *e2e.Server, name string) []string {
	log := strings.ReplaceAll(b.Read(name), b.Dir, "DIR")
	if _, port, err := net.SplitHostPort(address(b)); err == nil {
		log = strings.ReplaceAll(log, ":"+port, ":port")
	}
	log = logTime.ReplaceAllString(log, "TIME")
	return strings.Split(errorTime.ReplaceAllString(log, "TIME [$1] "), "\n")
}

func address(b *e2e.Server) string {
	_, at := b.Address("web")
	return at
}

// folder holds these files, readable by workers.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "e2e-site")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	modified := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(
			os.MkdirAll(filepath.Dir(path), 0o755),
			os.WriteFile(path, []byte(content), 0o644),
			os.Chtimes(path, modified, modified),
		); err != nil {
			t.Fatal(err)
		}
	}
	// Listings show the times of folders.
	err = filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(path, modified, modified))
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// get is a GET request for host example.test with these further fields.
func get(target string, fields ...string) string { return from("example.test", target, fields...) }

// from is a GET request to a host.
func from(host, target string, fields ...string) string {
	return request("GET", target, append([]string{"Host: " + host}, fields...)...)
}

func request(method, target string, fields ...string) string {
	return strings.Join(append([]string{method + " " + target + " HTTP/1.1"}, fields...), "\r\n") + "\r\n\r\n"
}
