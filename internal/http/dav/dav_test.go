package dav_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/modules"
)

// ask is a request with lines added to its head.
func ask(method, target string, lines ...string) httptest.Case {
	var more strings.Builder
	for _, line := range lines {
		more.WriteString(line + "\r\n")
	}
	text := strings.Replace(httptest.Request(method, target), "\r\n\r\n", "\r\n"+more.String()+"\r\n", 1)
	return httptest.Case{Name: strings.Join(append([]string{method, target}, lines...), " "), Request: text}
}

func put(target, body string, lines ...string) httptest.Case {
	c := ask("PUT", target, append(lines, fmt.Sprintf("Content-Length: %d", len(body)))...)
	c.Request += body
	return c
}

func to(where string) string { return "Destination: " + where }

const site = `
	access_log {{dir}}/access.log;
	server {
		listen {{addr}};
		root {{dir}}/html;
		client_body_buffer_size 1k;
		dav_methods PUT DELETE MKCOL COPY MOVE;
		location / { autoindex on; }
		location /deep/ { create_full_put_path on; min_delete_depth 3; }
		location /alias/ { alias {{dir}}/html/; }
		location /put/ { dav_methods put; }
		location /off/ { dav_methods off; }
	}`

// Each case sees what those before it have left.
func TestAsNginx(t *testing.T) {
	big := strings.Repeat("0123456789", 300)
	cases := []httptest.Case{
		put("/a", "one"), ask("GET", "/a"), put("/a", big), ask("GET", "/a"), put("/a", ""), ask("GET", "/a"),
		put("/sp%20ace%3f", "x"), ask("GET", "/sp%20ace%3f"),
		put("/dated", "x", "Date: Thu, 01 Jan 2026 00:00:00 GMT"), ask("GET", "/dated"), put("/dated", "x", "Date: never"),
		put("/", "x"), put("/folder/", "x"), put("/folder", "x"), put("/a", "x", "Content-Range: bytes 0-1/2"),
		put("/deep/1/2/3", "x"), ask("GET", "/deep/1/2/3"), put("/alias/by", "x"), ask("GET", "/by"), put("/put/x", "x"), put("/off/x", "x"),
		ask("DELETE", "/put/x"), ask("PATCH", "/a"),

		ask("MKCOL", "/made/"), ask("MKCOL", "/made/"), ask("MKCOL", "/made"), ask("MKCOL", "/none/made/"), ask("MKCOL", "/a/made/"),
		ask("MKCOL", "/made/sp%20ace/"), ask("MKCOL", "/with/", "Content-Length: 1"), ask("MKCOL", "/with/", "Transfer-Encoding: chunked"),

		ask("COPY", "/by"), ask("COPY", "/by", to("/copy")), ask("GET", "/copy"), ask("COPY", "/by", to("http://localhost/copy")),
		ask("COPY", "/by", to("http://localhost:81/copy2")), ask("COPY", "/by", to("https://localhost/copy")), ask("COPY", "/by", to("http://other/copy")),
		ask("COPY", "/by", to("http://localhost")), ask("COPY", "/by", to("copy")), ask("COPY", "/by", to("/../copy")),
		ask("COPY", "/by", to("/copy"), "Overwrite: F"), ask("COPY", "/by", to("/copy"), "Overwrite: T"), ask("COPY", "/by", to("/copy"), "Overwrite: yes"),
		ask("COPY", "/by", to("/copy"), "Depth: 0"), ask("COPY", "/by", to("/copy"), "Depth: 1"), ask("COPY", "/by", to("/copy"), "Depth: x"),
		ask("COPY", "/by", to("/folder")), ask("COPY", "/by", to("/folder/")), ask("COPY", "/by", to("/none/copy")), ask("COPY", "/none", to("/copy")),
		ask("COPY", "/folder", to("/copy")), ask("COPY", "/alias/by", to("/alias/other")), ask("GET", "/other"), ask("COPY", "/alias/by", to("/x")),
		ask("COPY", "/by", to("/with%20blank")), ask("GET", "/with%20blank"),
		ask("COPY", "/folder/", to("/twin/")), ask("GET", "/twin/in/file"), ask("COPY", "/folder/", to("/twin/")), ask("COPY", "/folder/", to("/twin/"), "Overwrite: F"),
		ask("COPY", "/folder/", to("/none/twin/")), ask("GET", "/twin/"),

		ask("MOVE", "/copy", to("/moved")), ask("GET", "/copy"), ask("GET", "/moved"), ask("MOVE", "/moved", to("/new/folders/moved")), ask("GET", "/new/folders/moved"),
		ask("MOVE", "/by", to("/other")), ask("MOVE", "/other", to("/folder")), ask("MOVE", "/other", to("/x"), "Depth: 0"), ask("MOVE", "/other"),
		ask("MOVE", "/twin/", to("/triplet/")), ask("GET", "/triplet/in/file"), ask("GET", "/twin/in/file"), ask("MOVE", "/triplet/", to("/made/")), ask("GET", "/made/in/file"),

		ask("DELETE", "/other"), ask("DELETE", "/other"), ask("DELETE", "/a/x"), ask("DELETE", "/folder"), ask("DELETE", "/folder/", "Depth: 0"),
		ask("DELETE", "/dated", "Depth: 1"), ask("DELETE", "/dated", "Depth: 0"), ask("DELETE", "/a", "Content-Length: 1"), ask("DELETE", "/a/"),
		ask("DELETE", "/deep/x"), ask("DELETE", "/deep/1/"), ask("DELETE", "/deep/1/2/"), ask("DELETE", "/deep/1/2/3"),
		ask("DELETE", "/made/", "Depth: infinity"), ask("DELETE", "/folder/"),
	}
	for i := range cases {
		if strings.HasSuffix(cases[i].Name, "Content-Length: 1") {
			cases[i].Request += "x"
		}
		if strings.HasSuffix(cases[i].Name, "chunked") {
			cases[i].Request += "1\r\nx\r\n0\r\n\r\n"
		}
	}
	httptest.Compare(t, modules.HTTP(), httptest.Site{
		HTTP:  site,
		Files: map[string]string{"client_body_temp/": "", "html/folder/in/file": "file", "html/folder/other": "other", "html/put/": ""},
	}, cases)
}

// Links in a folder are removed and not copied; nginx follows them, and empties what
// they lead to.
func TestLinks(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{
		HTTP: site, Files: map[string]string{"html/folder/file": "file", "html/outside/file": "outside"},
		Prepare: func(t testing.TB, dir string) {
			if err := os.Symlink("../outside", filepath.Join(dir, "html/folder/link")); err != nil {
				t.Fatal(err)
			}
		},
	})
	for _, c := range []httptest.Case{ask("COPY", "/folder/", to("/copy/")), ask("DELETE", "/folder/")} {
		if answer := s.Raw(c.Request); !strings.HasPrefix(answer, "HTTP/1.1 20") {
			t.Errorf("%s: %s", c.Name, answer)
		}
	}
	entries, err := os.ReadDir(filepath.Join(s.Dir, "html/copy"))
	if err != nil || len(entries) != 1 || s.ReadFile("html/copy/file") != "file" || s.ReadFile("html/outside/file") != "outside" {
		t.Errorf("%v, %v, %q", entries, err, s.ReadFile("html/outside/file"))
	}
}

func TestPutWhereNothingCanBe(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{HTTP: site, Files: map[string]string{"client_body_temp/": "", "html/file": "file"}})
	for _, c := range []httptest.Case{put("/none/x", "x"), put("/file/x", "x")} {
		if answer := s.Raw(c.Request); !strings.HasPrefix(answer, "HTTP/1.1 500 ") {
			t.Errorf("%s: %s", c.Name, answer)
		}
	}
	// A request without a body puts an empty file; nginx answers 500.
	if answer := s.Raw(ask("PUT", "/empty").Request); !strings.HasPrefix(answer, "HTTP/1.1 201 ") {
		t.Error(answer)
	}
	left, err := os.ReadDir(filepath.Join(s.Dir, "client_body_temp"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
}

// What would come to lie in itself, or to be removed by its own copy, is refused; the
// nginx that we compare with does it, for ever or until nothing is left.
func TestOntoItself(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{
		HTTP: "error_log {{dir}}/error.log;" + site, Files: map[string]string{"html/folder/in/file": "file", "html/file": "file"},
	})
	for _, c := range []struct{ from, to, want string }{
		{"/file", "/file", "point to the same location"}, {"/file", "//file", "point to the same location"}, {"/folder/", "/folder/", "point to the same location"},
		{"/folder/", "/folder/in/", "could not be"}, {"/folder/", "/folder/new/", "could not be"}, {"/folder/in/", "/folder/", "could not be"},
	} {
		for _, method := range []string{"COPY", "MOVE"} {
			answer := s.Raw(ask(method, c.from, to(c.to)).Request)
			if !strings.HasPrefix(answer, "HTTP/1.1 403 ") || !strings.Contains(s.ReadFile("error.log"), c.want) {
				t.Errorf("%s %s to %s: %s\n%s", method, c.from, c.to, answer, s.ReadFile("error.log"))
			}
		}
	}
	if s.ReadFile("html/file") != "file" || s.ReadFile("html/folder/in/file") != "file" {
		t.Error("something is gone")
	}
}

func TestAccess(t *testing.T) {
	s := httptest.Start(t, modules.HTTP(), httptest.Site{
		HTTP: `server { listen {{addr}}; root {{dir}}/html; dav_methods PUT MKCOL; create_full_put_path on;
			location / { dav_access group:rw all:r; } location /own/ { dav_access user:r; } location /default/ { } }`,
		Files: map[string]string{"client_body_temp/": "", "html/own/": "", "html/default/": ""},
	})
	for _, c := range []struct {
		method, target, path string
		want                 os.FileMode
	}{
		{"PUT", "/a/b/file", "a/b/file", 0o664}, {"", "", "a/b", 0o775}, {"", "", "a", 0o775}, {"MKCOL", "/c/", "c", 0o775},
		{"PUT", "/own/file", "own/file", 0o400}, {"PUT", "/default/file", "default/file", 0o600}, {"MKCOL", "/default/c/", "default/c", 0o700},
	} {
		if c.method != "" {
			if answer := s.Raw(put(c.target, "").Request); c.method == "PUT" && !strings.Contains(answer, " 201 ") {
				t.Errorf("PUT %s: %s", c.target, answer)
			}
			if c.method == "MKCOL" {
				s.Raw(ask("MKCOL", c.target).Request)
			}
		}
		info, err := os.Stat(filepath.Join(s.Dir, "html", c.path))
		if err != nil {
			t.Error(err)
			continue
		}
		umask := os.FileMode(0)
		if info.IsDir() {
			umask = 0o022 // of whoever runs the test, most likely
		}
		if got := info.Mode().Perm(); got != c.want && got != c.want&^umask {
			t.Errorf("%s has %o, want %o", c.path, got, c.want)
		}
	}
}
