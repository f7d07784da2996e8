package sites_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/baton-project/baton/e2e"
)

// debian is where the package puts its configuration.
const debian = "/etc/nginx"

// stock skips a test where the configuration of the package is not installed.
func stock(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(debian + "/sites-available/default"); err != nil {
		t.Skipf("Debian's nginx is not installed: %v", err)
	}
}

// Under the name nginx the program takes the place of the package's binary:
// what nginx -t says of the configuration that comes with the package, it says.
func TestDebianConfigurationIsAccepted(t *testing.T) {
	stock(t)
	name := filepath.Join(t.TempDir(), "nginx")
	if err := os.Symlink(e2e.Binary(), name); err != nil {
		t.Fatal(err)
	}
	test := func(binary string) string {
		text, err := exec.Command(binary, "-t", "-c", debian+"/nginx.conf").CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v", binary, err)
		}
		return string(text)
	}
	if diff := cmp.Diff(test(e2e.Nginx(t)), test(name)); diff != "" {
		t.Errorf("nginx -, baton +\n%s", diff)
	}
}

// Debian's default site, unchanged but for the places where it listens, reads
// and writes.
func TestDebianDefaultSite(t *testing.T) {
	stock(t)
	page := folder(t, map[string]string{
		"index.nginx-debian.html": "<h1>Welcome</h1>" + strings.Repeat("<p>text</p>\n", 100),
		"docs/readme.txt":         "read me\n",
		"big.html":                strings.Repeat("<p>big</p>\n", 1000),
	})
	ours, theirs := debianCopy(t, e2e.Binary(), page), debianCopy(t, e2e.Nginx(t), page)
	for _, v := range []visit{
		{send: from("localhost", "/"), want: []string{"200 OK", "Content-Type: text/html", "ETag", "Welcome"}},
		{send: from("localhost", "/", compresses), want: []string{"Content-Encoding: gzip", "Welcome"}},
		{send: from("any.test", "/docs/readme.txt"), want: []string{"text/plain", "read me"}},
		{send: from("any.test", "/docs/"), want: []string{"403"}},
		{send: from("any.test", "/docs"), want: []string{"301", "/docs/"}},
		{send: from("any.test", "/missing"), want: []string{"404"}},
		{send: from("any.test", "/big.html", compresses), want: []string{"gzip", "big"}},
		{send: from("any.test", "/big.html", "Range: bytes=0-9"), want: []string{"206"}},
		{send: request("POST", "/", "Host: a", "Content-Length: 0"), want: []string{"405"}},
		{send: request("HEAD", "/", "Host: a"), want: []string{"200 OK"}},
		{send: "GET / HTTP/1.0\r\n\r\n", want: []string{"Connection: close", "Welcome"}},
	} {
		got, want := v.pay(t, ours), v.pay(t, theirs)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: nginx -, baton +\n%s", v.send, diff)
		}
		for _, w := range v.want {
			if !strings.Contains(got, w) {
				t.Errorf("%q: no %q in\n%s", v.send, w, got)
			}
		}
	}
	// Sizes of compressed bodies are a compressor's own.
	const access = "var/log/nginx/access.log"
	logged := func(b *e2e.Server) []string {
		return strings.Split(bodySize.ReplaceAllString(strings.Join(lines(b, access), "\n"), "$1 SIZE"), "\n")
	}
	if !e2e.Eventually(30*time.Second, func() bool { return cmp.Equal(logged(ours), logged(theirs)) }) {
		t.Errorf("%s: nginx -, baton +\n%s", access, cmp.Diff(logged(theirs), logged(ours)))
	}
}

var bodySize = regexp.MustCompile(`(HTTP/1\.\d" \d{3}) \d+`)

// debianCopy starts a program with a copy of the package's configuration.
func debianCopy(t *testing.T, binary, page string) *e2e.Server {
	t.Helper()
	// The text only names the ports: the copy is what is loaded.
	b := e2e.New(t, "http { server { listen {{web}}; listen [::1]:{{web.port}}; } }")
	b.Use(binary)
	_, at := b.Address("web")
	_, port, err := net.SplitHostPort(at)
	if err != nil {
		t.Fatal(err)
	}
	moved := strings.NewReplacer(
		"/etc/nginx/", b.Dir+"/etc/nginx/",
		"/var/log/nginx/", b.Dir+"/var/log/nginx/",
		"pid /run/nginx.pid", "pid "+b.Path("nginx.pid"),
		"/var/www/html", page,
		"worker_processes auto", "worker_processes 1",
		"listen [::]:80", "listen [::1]:"+port,
		"listen 80", "listen 127.0.0.1:"+port,
	)
	// load_module is relative to the prefix.
	err = errors.Join(os.MkdirAll(b.Path("var/log/nginx"), 0o755), os.Symlink("/usr/share/nginx/modules", b.Path("modules")))
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(debian, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := b.Path(strings.TrimPrefix(path, "/"))
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		text, err := os.ReadFile(path) // through links, such as sites-enabled/default
		if err != nil {
			return err
		}
		return os.WriteFile(to, []byte(moved.Replace(string(text))), 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Args = []string{"-p", b.Dir, "-c", b.Path("etc/nginx/nginx.conf"), "-e", "error.log", "-g", "daemon off;"}
	b.Launch()
	b.WaitReady()
	return b
}
