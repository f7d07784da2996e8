package randomindex_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func TestAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `server {
			listen {{addr}};
			root {{dir}}/html;
			location / { random_index on; location /off/ { random_index off; } }
			location /alias/ { alias {{dir}}/html/one/; random_index on; }
		}`,
		Files: map[string]string{"html/one/a.txt": "a", "html/one/.hidden": "h", "html/one/folder/b": "b", "html/link/": "", "html/empty/": "",
			"html/hidden/.x": "x", "html/off/index.html": "index", "html/index/index.html": "index", "html/file": "file"},
		Prepare: func(t testing.TB, dir string) {
			for from, to := range map[string]string{"link/good": "../one/a.txt", "link/broken": "nowhere", "link/folder": "../one"} {
				if err := os.Symlink(to, filepath.Join(dir, "html", from)); err != nil {
					t.Fatal(err)
				}
			}
		},
	}
	cases := httptest.Gets("/one/", "/one/?a=b", "/link/", "/empty/", "/hidden/", "/off/", "/index/", "/none/", "/file/", "/alias/", "/alias/folder/", "/one")
	for _, method := range []string{"HEAD", "POST", "PUT"} {
		cases = append(cases, httptest.Case{Request: httptest.Request(method, "/one/")})
	}
	httptest.Compare(t, modules.HTTP(), site, cases)
}

func TestEveryFileComesUp(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{
		HTTP:  `server { listen {{addr}}; location / { root {{dir}}/html; random_index on; } }`,
		Files: map[string]string{"html/a": "a", "html/b": "b", "html/c": "c"},
	})
	seen := make(map[string]bool)
	for range 200 {
		seen[httptest.Body(s.Get("/"))] = true
	}
	if len(seen) != 3 || !seen["a"] || !seen["b"] || !seen["c"] {
		t.Errorf("seen: %v", seen)
	}
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{`random_index on;`, `location / { random_index yes; }`, `location / { random_index on; random_index on; }`} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}}; ` + text + ` }`})
	}
}
