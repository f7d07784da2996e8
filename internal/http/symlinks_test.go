package http_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

// linkSite has links to a file and to a folder: of the owner of what they lead to
// ("mine"), of somebody else ("their"), and to nothing.
func linkSite(cache string) httptest.Site {
	return httptest.Site{
		HTTP: cache + `
			access_log {{dir}}/access.log;
			server {
				listen {{addr}};
				root {{dir}}/html;
				set $part {{dir}}/html/mine;
				location /off/ { alias {{dir}}/html/; }
				location /on/ { alias {{dir}}/html/; disable_symlinks on; index mine.txt index.html; }
				location /owner/ { alias {{dir}}/html/; disable_symlinks if_not_owner; index their.txt index.html; }
				location /from/ { alias {{dir}}/html/; disable_symlinks on from={{dir}}/html/mine; }
				location /slash/ { alias {{dir}}/html/; disable_symlinks on from={{dir}}/html/mine/; }
				location /middle/ { alias {{dir}}/html/; disable_symlinks on from={{dir}}/html/mi; }
				location /part/ { alias {{dir}}/html/; disable_symlinks if_not_owner from=$part; }
				location /theirs/ { alias {{dir}}/html/; disable_symlinks if_not_owner from={{dir}}/html/their; }
				location /whole/ { alias {{dir}}/html/; disable_symlinks on from=$request_filename; }
				location /empty/ { alias {{dir}}/html/; disable_symlinks on from=$arg_none; }
				location /root/ { alias {{dir}}/html/; disable_symlinks on from=/; }
				location /lost/ { alias {{dir}}/html/; disable_symlinks on from={{dir}}/html/lost; }
				location /again/ {
					disable_symlinks on;
					location /again/off/ { alias {{dir}}/html/; disable_symlinks off; }
					location /again/on/ { alias {{dir}}/html/; }
				}
				location /try/ { disable_symlinks on; try_files /mine.txt /mine/a.txt /a.txt =404; }
				location /if/ {
					disable_symlinks on;
					if (-f {{dir}}/html/mine.txt) { return 200 link; }
					if (-d {{dir}}/html/dir) { return 200 folder; }
				}
				location /ifslash/ {
					disable_symlinks on;
					if (-d {{dir}}/html/mine/) { return 200 link; }
					if (-d {{dir}}/html//dir/) { return 200 folder; }
				}
				location /gz/ { alias {{dir}}/html/; disable_symlinks on; gzip_static always; }
				location /list/ { alias {{dir}}/html/; disable_symlinks on; autoindex on; index none; }
				location = /logged { root {{dir}}/linked; disable_symlinks on; access_log {{dir}}/$host.log; return 204; }
				location = /logged-off { root {{dir}}/linked; access_log {{dir}}/$host.log; return 204; }
				location /password { alias {{dir}}/html/a.txt; disable_symlinks on; auth_basic x; auth_basic_user_file {{dir}}/html/mine.txt; }
			}`,
		Files: map[string]string{
			"html/a.txt":          "a",
			"html/a.txt.gz":       "packed",
			"html/dir/a.txt":      "in dir",
			"html/dir/index.html": "index",
			"html/index.html":     "outer index",
		},
		Prepare: prepareLinks,
	}
}

func prepareLinks(t testing.TB, dir string) {
	for link, to := range map[string]string{
		"mine.txt": "a.txt", "their.txt": "a.txt", "lost": "nowhere", "mine.txt.gz": "a.txt.gz",
		"../linked": "html", "mine": "dir", "their": "dir", "dir/mine.txt": "a.txt", "dir/their.txt": "a.txt", "loop": "loop",
	} {
		path := filepath.Join(dir, "html", link)
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(filepath.Base(link), "their") {
			if err := os.Lchown(path, 1, 1); err != nil {
				t.Skipf("links of others: %v", err)
			}
		}
	}
}

func TestSymlinksAsNginx(t *testing.T) {
	files := []string{
		"", "a.txt", "nope", "mine.txt", "their.txt", "lost", "loop", "dir", "dir/", "dir/a.txt", "mine", "their", "mine/", "their/",
		"mine/a.txt", "their/a.txt", "mine/mine.txt", "their/their.txt", "mine/nope", "dir/a.txt/x",
	}
	below := func(location string) (targets []string) {
		for _, file := range files {
			targets = append(targets, "/"+location+"/"+file)
		}
		return targets
	}
	all := []string{"/lost/lost/x", "/try/x", "/if/x", "/ifslash/x", "/gz/mine.txt", "/gz/mine/a.txt", "/list/mine.txt", "/list/mine/", "/password", "/logged", "/logged-off"}
	for _, location := range []string{"off", "on", "owner", "from", "slash", "middle", "part", "theirs", "whole", "empty", "root", "lost", "again/off", "again/on"} {
		all = append(all, below(location)...)
	}
	t.Run("plain", func(t *testing.T) {
		httptest.Compare(t, modules.HTTP(), linkSite(""), httptest.Gets(all...))
	})
	t.Run("cached", func(t *testing.T) {
		site := linkSite("open_file_cache max=1000;")
		httptest.Compare(t, modules.HTTP(), site, httptest.Gets(append(all, all...)...))
	})
	// One location for each path: an error that nginx looks into again by another
	// rule is told as open() or as stat() by what was left in its memory.
	t.Run("errors", func(t *testing.T) {
		site := linkSite("open_file_cache max=1000; open_file_cache_errors on;")
		targets := append(below("on"), "/lost/lost/x")
		httptest.Compare(t, modules.HTTP(), site, httptest.Gets(append(targets, targets...)...))
	})
}

func TestSymlinksRejected(t *testing.T) {
	for _, directives := range []string{
		"disable_symlinks;", "disable_symlinks maybe;", "disable_symlinks on on;", "disable_symlinks on off;", "disable_symlinks off from=/x;",
		"disable_symlinks from=/x off;", "disable_symlinks from=/x;", "disable_symlinks from=/x from=/y;", "disable_symlinks on from=/x off;",
		"disable_symlinks on; disable_symlinks on;", "disable_symlinks On;",
		"server { listen {{addr}}; disable_symlinks on from=$; }", "server { listen {{addr}}; disable_symlinks on from=$nobody; }",
	} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: directives})
	}
}

// Each way out closes what was opened on the way in.
func TestSymlinksLeakNothing(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), linkSite(""))
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	s.Get("/on/a.txt")
	before := open()
	for range 30 {
		for _, file := range []string{"", "a.txt", "mine.txt", "their/a.txt", "mine/", "nope/x", "lost", "dir"} {
			for _, location := range []string{"/on/", "/owner/", "/from/", "/lost/", "/try/", "/ifslash/"} {
				s.Get(location + file)
			}
		}
	}
	if after := open(); after > before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}
