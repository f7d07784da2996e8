package static_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func site() httptest.Site {
	return httptest.Site{
		HTTP: `
			types { text/plain txt; text/html html; }
			default_type application/octet-stream;
			access_log {{dir}}/access.log;
			server {
				listen {{addr}};
				root {{dir}}/html;
				location /alias/ { alias {{dir}}/other/; }
				location /noalias { alias {{dir}}/other; }
				location /quiet/ { log_not_found off; }
				location /notag/ { etag off; alias {{dir}}/html/; }
			}`,
		Files: map[string]string{
			"html/a.txt":          "hello world\n",
			"html/empty.txt":      "",
			"html/index.html":     "index\n",
			"html/noext":          "x",
			"html/UP.TXT":         "x",
			"html/.txt":           "hidden",
			"html/sp ace.txt":     "space",
			"html/dir/index.html": "dir index\n",
			"html/sp dir/x":       "x",
			"html/noindex/":       "",
			"html/big.txt":        strings.Repeat("0123456789abcdef", 100<<10/16),
			"html/mid.txt":        strings.Repeat("m", 8192),
			"other/b.txt":         "other\n",
			"other/sub/":          "",
		},
		Prepare: func(t testing.TB, dir string) {
			if err := syscall.Mkfifo(filepath.Join(dir, "html/fifo"), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("loop", filepath.Join(dir, "html/loop")); err != nil {
				t.Fatal(err)
			}
		},
	}
}

func TestAsNginx(t *testing.T) {
	cases := httptest.Gets(
		"/a.txt", "/empty.txt", "/noext", "/UP.TXT", "/.txt", "/sp%20ace.txt", "/big.txt", "/mid.txt",
		"/", "/dir/", "/dir", "/dir?a=b&c", "/sp%20dir", "/sp%20dir/", "/noindex/",
		"/nope", "/nope/", "/nope.html?x=y", "/a.txt/", "/a.txt/x", "/fifo", "/loop", "/quiet/x",
		"/alias/b.txt", "/alias/sub", "/alias/", "/alias/nope", "/noalias/b.txt", "/noalias", "/notag/a.txt",
		"/"+strings.Repeat("long", 100),
	)
	for _, method := range []string{"HEAD", "POST", "PUT", "DELETE", "OPTIONS"} {
		for _, target := range []string{"/a.txt", "/dir/", "/dir", "/noindex/", "/nope", "/empty.txt", "/big.txt"} {
			cases = append(cases, httptest.Case{Request: httptest.Request(method, target)})
		}
	}
	httptest.Compare(t, modules.HTTP(), site(), cases)
}

// A file that shrinks or grows between two requests is sent as it is then.
func TestDescriptorsDoNotLeak(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), site())
	for range 3 { // what is asked for often stays open
		s.Get("/a.txt")
		s.Get("/big.txt")
	}
	before := descriptors(t)
	for range 50 {
		s.Get("/a.txt")
		s.Get("/big.txt")
		s.Get("/dir")
		s.Get("/fifo")
		s.Raw(httptest.Request("HEAD", "/a.txt"))
		s.Raw(httptest.Request("POST", "/a.txt"))
		s.Get("/a.txt", `If-Match: "no"`)
		s.Get("/a.txt", "Range: bytes=100-200")
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
