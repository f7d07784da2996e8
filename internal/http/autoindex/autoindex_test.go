package autoindex_test

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
			autoindex on;
			access_log {{dir}}/access.log;
			server {
				listen {{addr}};
				root {{dir}}/html;
				location /sizes/ { alias {{dir}}/html/; autoindex_exact_size off; }
				location /json/ { alias {{dir}}/html/; autoindex_format json; }
				location /jsonp/ { alias {{dir}}/html/; autoindex_format jsonp; }
				location /xml/ { alias {{dir}}/html/; autoindex_format xml; }
				location /local/ { alias {{dir}}/html/; autoindex_localtime on; }
				location /off/ { alias {{dir}}/html/; autoindex off; }
				location /noslash { alias {{dir}}/html; }
			}`,
		Files: map[string]string{
			"html/a.txt": "a", "html/empty": "", "html/.hidden": "x", "html/dir/": "", "html/zdir/": "", "html/with/index.html": "index",
			"html/sp ace": "x", "html/<b>&\"q\"": "x", "html/new\nline": "x", "html/back\\slash": "x", "html/colon:x": "x", "html/q?x": "x",
			"html/\xc3\xa9t\xc3\xa9": "x", "html/\xff": "x",
			"html/" + strings.Repeat("f", 49): "x", "html/" + strings.Repeat("g", 50): "x", "html/" + strings.Repeat("h", 51): "x",
			"html/" + strings.Repeat("<", 51): "x", "html/" + strings.Repeat("d", 49) + "/": "", "html/" + strings.Repeat("e", 50) + "/": "",
			"html/none/": "",
			"html/9999":  strings.Repeat("x", 9999), "html/10000": strings.Repeat("x", 10000), "html/10751": strings.Repeat("x", 10751), "html/10752": strings.Repeat("x", 10752),
			"html/file/x": "",
		},
		Prepare: func(t testing.TB, dir string) {
			html := filepath.Join(dir, "html")
			for name, size := range map[string]int64{"1m": 1 << 20, "1m5": 3 << 19, "1g": 1 << 30, "almost1m": 1<<20 - 1} {
				path := filepath.Join(html, name)
				if err := os.WriteFile(path, nil, 0o644); err != nil {
					t.Fatal(err)
				}
				if err := os.Truncate(path, size); err != nil {
					t.Fatal(err)
				}
			}
			links := map[string]string{"todir": "dir", "tofile": "a.txt"}
			for name, to := range links {
				if err := os.Symlink(to, filepath.Join(html, name)); err != nil {
					t.Fatal(err)
				}
			}
			if err := syscall.Mkfifo(filepath.Join(html, "fifo"), 0o644); err != nil {
				t.Fatal(err)
			}
			entries, err := os.ReadDir(html)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if err := os.Chtimes(filepath.Join(html, e.Name()), httptest.FileTime(), httptest.FileTime()); err != nil {
					t.Fatal(err)
				}
			}
		},
	}
	cases := httptest.Gets("/", "/dir/", "/dir", "/with/", "/sizes/", "/json/", "/json/dir/", "/jsonp/?callback=f.x", "/jsonp/", "/jsonp/?callback=f(", "/jsonp/?callback="+strings.Repeat("x", 129),
		"/xml/", "/xml/dir/", "/local/", "/off/", "/noslash/", "/nope/", "/a.txt/", "/a.txt")
	for _, target := range []string{"/", "/json/"} {
		cases = append(cases,
			httptest.Case{Request: httptest.Request("HEAD", target)}, httptest.Case{Request: httptest.Request("POST", target)},
			httptest.Case{Name: "HTTP/1.0 " + target, Request: "GET " + target + " HTTP/1.0\r\n\r\n"})
	}
	httptest.Compare(t, modules.HTTP(), site, cases)
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{`autoindex;`, `autoindex x;`, `autoindex_format x;`, `autoindex on; autoindex on;`, `autoindex_exact_size 1;`} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}}; ` + text + ` }`})
	}
}
