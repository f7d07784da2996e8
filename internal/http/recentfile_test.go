package http_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func recentSite() httptest.Site {
	return httptest.Site{
		HTTP: `
			server {
				listen {{addr}};
				root {{dir}}/html;
				location /now/ { alias {{dir}}/link/; }
			}`,
		Files: map[string]string{
			"html/a.txt": "one", "v1/a.txt": "first", "v2/a.txt": "second", "html/big.txt": strings.Repeat("x", 100<<10),
		},
	}
}

// openBelow counts the descriptors of this process for text files below dir.
func openBelow(t *testing.T, dir string) (n int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(name, dir+"/") && strings.HasSuffix(name, ".txt") {
			n++
		}
	}
	return n
}

// A file that is kept open is seen to change at once: written to, replaced, reached by
// another link, gone, and there again.
func TestRecentFileChanges(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), recentSite())
	link := filepath.Join(s.Dir, "link")
	lead := func(to string) {
		if err := os.Symlink(filepath.Join(s.Dir, to), link+".new"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(link+".new", link); err != nil {
			t.Fatal(err)
		}
	}
	want := func(target, want string) {
		t.Helper()
		for i := range 4 {
			if got := httptest.Body(s.Get(target)); got != want {
				t.Fatalf("%s: %q at request %d, want %q", target, got, i, want)
			}
		}
	}
	lead("v1")
	want("/a.txt", "one")
	want("/now/a.txt", "first")
	if n := openBelow(t, s.Dir); n != 2 {
		t.Fatalf("%d files are kept open, want 2", n)
	}
	replace(t, s, "a.txt", "two")
	lead("v2")
	want("/a.txt", "two")
	want("/now/a.txt", "second")
	path := filepath.Join(s.Dir, "html", "a.txt")
	if err := os.WriteFile(path, []byte("longer"), 0o644); err != nil {
		t.Fatal(err)
	}
	want("/a.txt", "longer")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got := httptest.Status(s.Get("/a.txt")); got != 404 {
		t.Fatalf("a file that is gone: %d", got)
	}
	replace(t, s, "a.txt", "back")
	want("/a.txt", "back")
}

// What nobody asks for any more is closed without another request, and what a request
// still reads is not.
func TestRecentFileCloses(t *testing.T) {
	var dir string
	t.Run("serve", func(t *testing.T) {
		s := httptest.Start(t, modules.HTTP(), recentSite())
		dir = s.Dir
		s.Get("/a.txt")
		if n := openBelow(t, dir); n != 0 {
			t.Errorf("%d files are kept open after one request, want none", n)
		}
		for range 3 {
			s.Get("/a.txt")
		}
		if n := openBelow(t, dir); n != 1 {
			t.Errorf("%d files are kept open, want 1", n)
		}
		for end := time.Now().Add(30 * time.Second); openBelow(t, dir) > 0; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the file is still open")
			}
		}
		for range 3 {
			s.Get("/big.txt")
		}
	})
	if n := openBelow(t, dir); n != 0 {
		t.Errorf("%d files are open behind the end", n)
	}
}
