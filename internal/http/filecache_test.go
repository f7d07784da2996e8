package http_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func cacheSite() httptest.Site {
	files := map[string]string{"html/a.txt": "one", "html/dir/index.html": "index", "html/big.txt": strings.Repeat("x", 100<<10)}
	for i := range 20 {
		files[fmt.Sprintf("html/n%d.txt", i)] = "n"
	}
	return httptest.Site{
		HTTP: `
			open_file_cache max=5 inactive=20s;
			server {
				listen {{addr}};
				root {{dir}}/html;
				location /errors/ { alias {{dir}}/html/; open_file_cache_errors on; }
				location /short/ { alias {{dir}}/html/; open_file_cache max=5 inactive=1s; open_file_cache_valid 1s; }
				location /twice/ { alias {{dir}}/html/; open_file_cache max=5; open_file_cache_min_uses 2; }
				location /off/ { alias {{dir}}/html/; open_file_cache off; }
				location /try/ { alias {{dir}}/html/; try_files $uri $uri/ =404; }
			}`,
		Files: files,
	}
}

func TestFileCacheAsNginx(t *testing.T) {
	var targets []string
	for range 3 {
		targets = append(targets, "/a.txt", "/nope", "/dir", "/dir/", "/errors/nope", "/twice/a.txt", "/off/a.txt", "/short/a.txt", "/big.txt", "/try/a.txt")
	}
	httptest.Compare(t, modules.HTTP(), cacheSite(), httptest.Gets(targets...))
	for _, directives := range []string{
		"open_file_cache inactive=1s;", "open_file_cache max=0;", "open_file_cache max=x;", "open_file_cache max=1 inactive=x;", "open_file_cache on;",
		"open_file_cache max=1 max=2;", "open_file_cache off; open_file_cache off;", "open_file_cache max=1 off;", "open_file_cache_valid x;",
	} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: directives})
	}
}

// replace puts another file in the place of one.
func replace(t *testing.T, s *httptest.Server, name, text string) {
	t.Helper()
	path := filepath.Join(s.Dir, "html", name)
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// What was opened stays what it was until its time is over; what could not be
// opened does so only if errors are kept.
func TestFileCacheKeeps(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), cacheSite())
	body := func(target string) string { return httptest.Body(s.Get(target)) }
	for _, target := range []string{"/a.txt", "/short/a.txt", "/twice/a.txt", "/off/a.txt"} {
		if got := body(target); got != "one" {
			t.Errorf("%s: %q", target, got)
		}
	}
	s.Get("/late.txt")

	s.Get("/errors/later.txt")
	replace(t, s, "a.txt", "two")
	replace(t, s, "late.txt", "late")
	replace(t, s, "later.txt", "late")
	for target, want := range map[string]string{"/a.txt": "one", "/twice/a.txt": "two", "/off/a.txt": "two", "/late.txt": "late"} {
		if got := body(target); got != want {
			t.Errorf("%s after the change: %q, want %q", target, got, want)
		}
	}
	if got := httptest.Status(s.Get("/errors/later.txt")); got != 404 {
		t.Errorf("a remembered error: %d", got)
	}
	for end := time.Now().Add(30 * time.Second); body("/short/a.txt") != "two"; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the change was not seen in time")
		}
	}
}

// A cache holds at most so many descriptors, and none when its worker is gone.
func TestFileCacheCloses(t *testing.T) {
	var dir string
	t.Run("serve", func(t *testing.T) {
		s := httptest.Start(t, modules.HTTP(), cacheSite())
		dir = s.Dir
		var clients sync.WaitGroup
		for i := range 20 {
			clients.Go(func() {
				for range 5 {
					s.Get(fmt.Sprintf("/n%d.txt", i))
					s.Get("/big.txt")
				}
			})
		}
		clients.Wait()
		if n := openBelow(t, dir); n == 0 || n > 5 {
			t.Errorf("%d files are kept open, want at most 5", n)
		}
	})
	if n := openBelow(t, dir); n != 0 {
		t.Errorf("%d files are open behind the end", n)
	}
}
