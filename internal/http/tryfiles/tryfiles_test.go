package tryfiles_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

func TestAsNginx(t *testing.T) {
	site := httptest.Site{
		HTTP: `
			types { text/plain txt; text/html html; }
			access_log {{dir}}/access.log;
			server {
				listen {{addr}};
				root {{dir}}/html;
				try_files $uri $uri/ /fallback.txt;
				location /spa/ { try_files $uri $uri/ /spa/index.html; }
				location /code/ { try_files $uri =404; }
				location /code503/ { try_files /nope =503; }
				location /named/ { try_files $uri @app; }
				location /gone/ { try_files $uri @nowhere; }
				location @app { return 200 "app $uri $args\n"; }
				location /args/ { try_files /nope /echo?a=1&$args; }
				location = /echo { return 200 "$uri $args\n"; }
				location /alias/ { alias {{dir}}/other/; try_files $uri $uri/ /alias/b.txt; }
				location /aliasstatic/ { alias {{dir}}/other/; try_files b.txt =404; }
				location /static/ { try_files /a.txt =404; }
				location /dir/ { try_files /sub/ =404; }
				location /plain/ { }
				location /loop/ { try_files /nope /loop/again; }
				location /relative/ { try_files /nope a.txt; }
				location /empty/ { try_files $arg_nothing $arg_nothing; }
				location /denied/ { try_files /secret/x.txt /a.txt; }
			}`,
		Files: map[string]string{
			"html/a.txt": "a\n", "html/fallback.txt": "fallback\n", "html/spa/index.html": "spa\n", "html/spa/x.txt": "x\n",
			"html/spa/dir/": "", "html/spa/full/index.html": "full\n", "html/code/a.txt": "code\n", "html/named/a.txt": "named\n",
			"html/sub/index.html": "sub\n", "other/b.txt": "b\n", "other/sub/index.html": "other sub\n", "other/c.txt": "c\n",
		},
	}
	httptest.Compare(t, modules.HTTP(), site, httptest.Gets(
		"/", "/a.txt", "/nope", "/sub", "/sub/",
		"/spa/", "/spa/x.txt", "/spa/nope", "/spa/dir", "/spa/dir/", "/spa/full/", "/spa/full", "/spa/x.txt/",
		"/code/a.txt", "/code/nope", "/code503/x", "/named/a.txt", "/named/x?y=1", "/gone/x",
		"/args/?b=2", "/args/", "/echo?q", "/alias/b.txt", "/alias/c.txt", "/alias/nope", "/alias/sub/", "/alias/sub",
		"/aliasstatic/x", "/static/x", "/dir/x", "/plain/x", "/loop/x", "/relative/x",
	))
}

func TestRejectedAsNginx(t *testing.T) {
	for _, text := range []string{
		`try_files a;`, `try_files a =1000;`, `try_files a =x;`, `try_files a =;`, `try_files a b; try_files a b;`,
		`try_files $nowhere =404;`, `if ($uri) { try_files a b; }`, `try_files "$" b;`,
	} {
		httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: `server { listen {{addr}}; location / { ` + text + ` } }`})
	}
	httptest.CompareRejected(t, modules.HTTP(), httptest.Site{HTTP: `try_files a b; server { listen {{addr}}; }`})
}

// A name that cannot be looked at is logged and passed over.
func TestPermissionDenied(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may look at everything")
	}
	s := httptest.Start(t, modules.HTTP(), httptest.Site{
		HTTP:  `server { listen {{addr}}; root {{dir}}/html; try_files /secret/x.txt /a.txt; }`,
		Files: map[string]string{"html/a.txt": "a", "html/secret/x.txt": "x"},
		Prepare: func(t testing.TB, dir string) {
			if err := os.Chmod(filepath.Join(dir, "html/secret"), 0); err != nil {
				t.Fatal(err)
			}
		},
	})
	if body := httptest.Body(s.Get("/")); body != "a" {
		t.Errorf("body %q", body)
	}
}
