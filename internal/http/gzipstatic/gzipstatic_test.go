package gzipstatic_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func TestAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `
			types { text/plain txt; text/html html; }
			gzip_http_version 1.0;
			gzip_static on; max_ranges 0;
			server {
				listen {{addr}};
				root {{dir}}/html;
				location /vary/ { alias {{dir}}/html/; gzip_vary on; }
				location /always/ { alias {{dir}}/html/; gzip_static always; gzip_vary on; }
				location /off/ { alias {{dir}}/html/; gzip_static off; }
				location /both/ { alias {{dir}}/html/; gzip on; gzip_min_length 1; gzip_types text/plain; }
				location /notag/ { alias {{dir}}/html/; etag off; }
			}`,
		Files: map[string]string{
			"html/a.txt": "plain", "html/a.txt.gz": "pretend",
			"html/only.txt.gz": "only the compressed form", "html/none.txt": "only the plain form",
			"html/empty.txt": "x", "html/empty.txt.gz": "",
			"html/index.html": "index", "html/index.html.gz": "compressed index",
			"html/dir/x": "", "html/folder.txt": "x", "html/folder.txt.gz/x": "",
			"html/pipe.txt": "x", "html/loop.txt": "x",
		},
		Prepare: func(t testing.TB, dir string) {
			if err := syscall.Mkfifo(filepath.Join(dir, "html/pipe.txt.gz"), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("loop.txt.gz", filepath.Join(dir, "html/loop.txt.gz")); err != nil {
				t.Fatal(err)
			}
		},
	}
	var cases []httptest.Case
	for _, target := range []string{
		"/a.txt", "/only.txt", "/none.txt", "/nope.txt", "/empty.txt", "/", "/index.html", "/dir", "/dir/", "/folder.txt", "/pipe.txt", "/loop.txt",
		"/vary/a.txt", "/vary/only.txt", "/vary/none.txt", "/vary/nope", "/always/a.txt", "/always/none.txt", "/off/only.txt", "/both/a.txt", "/notag/a.txt",
	} {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			for _, header := range [][]string{nil, {"Accept-Encoding: gzip"}, {"Accept-Encoding: gzip", "Range: bytes=1-3"}, {"Accept-Encoding: gzip", `If-None-Match: "695735a5-7"`}} {
				cases = append(cases, httptest.Case{
					Name:    method + " " + target + " " + strings.Join(header, " "),
					Request: httptest.Request(method, target, header...),
				})
			}
		}
	}
	httptest.Compare(t, modules.HTTP(), site, cases)
}

// Ranges are of the compressed file; nginx before 1.29 sent it whole.
func TestRanges(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{
		HTTP:  `gzip_static on; server { listen {{addr}}; root {{dir}}/html; }`,
		Files: map[string]string{"html/a.txt.gz": "pretend"},
	})
	response := s.Get("/a.txt", "Accept-Encoding: gzip", "Range: bytes=1-3")
	if httptest.Status(response) != 206 || httptest.Body(response) != "ret" || httptest.Header(response, "Content-Encoding") != "gzip" {
		t.Error(response)
	}
}

func TestDescriptorsDoNotLeak(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{
		HTTP:  `gzip_static on; server { listen {{addr}}; root {{dir}}/html; }`,
		Files: map[string]string{"html/a.txt": "plain", "html/a.txt.gz": "pretend", "html/folder.txt.gz/x": ""},
	})
	ask := func() {
		for _, header := range []string{"Accept-Encoding: gzip", "Accept: gzip"} {
			s.Get("/a.txt", header)
			s.Get("/folder.txt", header)
			s.Get("/a.txt", header, `If-Match: "no"`)
		}
	}
	ask()
	before := descriptors(t)
	for range 50 {
		ask()
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
