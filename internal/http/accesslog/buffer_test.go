package accesslog_test

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

// eventually waits for a file to have some text.
func eventually(t *testing.T, s *httptest.Server, name, want string) {
	t.Helper()
	got := ""
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if got = s.ReadFile(name); got == want {
			return
		}
	}
	t.Errorf("%s has %q, want %q", name, got, want)
}

const short = `log_format short '$uri';`

func TestBufferIsWrittenWhenFull(t *testing.T) {
	site := httptest.Site{HTTP: short + `
		access_log {{dir}}/a short buffer=17;
		server {
			listen {{addr}};
			location / { return 204; }
			location /direct { access_log {{dir}}/a short; return 204; } # the file's buffer, whoever writes
		}`}
	for _, s := range []*httptest.Server{httptest.StartNginx(t, site), httptest.Start(t, modules.HTTP(), site)} {
		s.Get("/1234567")
		s.Get("/direct")
		if got := s.ReadFile("a"); got != "" {
			t.Errorf("too early: %q", got)
		}
		s.Get("/")
		eventually(t, s, "a", "/1234567\n/direct\n")
		s.Get("/longer-than-the-buffer")
		eventually(t, s, "a", "/1234567\n/direct\n/\n/longer-than-the-buffer\n")
	}
}

func TestBufferIsWrittenInTime(t *testing.T) {
	site := httptest.Site{HTTP: short + `
		server { listen {{addr}}; access_log {{dir}}/a short buffer=1k flush=100ms; return 204; }`}
	for _, s := range []*httptest.Server{httptest.StartNginx(t, site), httptest.Start(t, modules.HTTP(), site)} {
		s.Get("/1")
		s.Get("/2")
		eventually(t, s, "a", "/1\n/2\n")
		s.Get("/3")
		eventually(t, s, "a", "/1\n/2\n/3\n")
	}
}

func TestCompressed(t *testing.T) {
	site := httptest.Site{HTTP: short + `
		server { listen {{addr}}; access_log {{dir}}/a.gz short gzip=9 flush=50ms; return 204; }`}
	s := httptest.Start(t, modules.HTTP(), site)
	for _, want := range []string{"/1\n", "/1\n/2\n"} { // members behind each other
		s.Get(want[len(want)-3 : len(want)-1])
		got := ""
		for deadline := time.Now().Add(30 * time.Second); got != want && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			if unpacked, err := gzip.NewReader(strings.NewReader(s.ReadFile("a.gz"))); err == nil {
				text, _ := io.ReadAll(unpacked)
				got = string(text)
			}
		}
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestPathsWithVariables(t *testing.T) {
	site := httptest.Site{
		HTTP: short + `
		access_log {{dir}}/$host.log short;
		server {
			listen {{addr}};
			root {{dir}}/html;
			location /static { }
			location / { return 204; }
			location /cached { open_log_file_cache max=2 min_uses=2 inactive=20s valid=1m; access_log {{dir}}/$arg_n.cached short; return 204; }
			location /nowhere { root {{dir}}/none; return 204; }
			location /file { alias {{dir}}/html/static; }
			location /under { access_log {{dir}}/none/$host short; return 204; }
			location /if { access_log {{dir}}/$host.if short if=$arg_x; return 204; }
		}`,
		Files: map[string]string{"html/static": "x"},
	}
	cases := httptest.Gets("/static", "/a", "/cached?n=1", "/cached?n=1", "/cached?n=2", "/cached?n=3", "/cached?n=3",
		"/nowhere", "/file", "/file/more", "/under", "/if", "/if?x=1", "/none")
	cases = append(cases, httptest.Case{Request: "GET /b HTTP/1.0\r\nHost: other\r\n\r\n"})
	want, got := httptest.StartNginx(t, site), httptest.Start(t, modules.HTTP(), site)
	for _, c := range cases {
		if a, b := httptest.Status(want.Raw(c.Request)), httptest.Status(got.Raw(c.Request)); a != b {
			t.Errorf("%s: nginx %d, baton %d", c.Request, a, b)
		}
	}
	for _, name := range []string{"localhost.log", "other.log", "1.cached", "2.cached", "3.cached", "localhost.if"} {
		eventually(t, got, name, want.ReadFile(name))
	}
	for _, text := range []string{"testing \"", "open() \""} {
		if a, b := strings.Count(want.ReadFile("error.log"), text), strings.Count(got.ReadFile("error.log"), text); a != b || a == 0 {
			t.Errorf("%s: nginx says it %d times, baton %d", text, a, b)
		}
	}
	if line := `failed (2: No such file or directory) while logging request, client: 127.0.0.1, server: , request: "GET /under HTTP/1.1", host: "localhost"`; !strings.Contains(got.ReadFile("error.log"), line) {
		t.Errorf("%s\nlacks %s", got.ReadFile("error.log"), line)
	}
	if open := openBelow(t, got.Dir); len(open) != 1 || filepath.Base(open[0]) != "3.cached" { // 1 had to go, 2 came once
		t.Errorf("open: %q", open)
	}
}

// openBelow are the files with variables in their path that this process has
// open below dir.
func openBelow(t *testing.T, dir string) []string {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	var open []string
	for _, link := range links {
		if path, err := os.Readlink(link); err == nil && strings.HasPrefix(path, dir) && strings.HasSuffix(path, ".cached") {
			open = append(open, path)
		}
	}
	return open
}
