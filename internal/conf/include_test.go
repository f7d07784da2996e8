package conf

import (
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIncludes(t *testing.T) {
	tree := mustParse(t, files{
		"/c/main.conf":    "include d/*.conf;\nhttp { include /e/site; server { include snippet; } server { include snippet; } }\nnote last;\ninclude none/*;",
		"/c/d/b.conf":     "note b; include deep;",
		"/c/d/a.conf":     "note a;",
		"/c/deep":         "note deep;", // relative to the folder of the main file
		"/e/site":         "server { note site; types { include mime; } }",
		"/c/mime":         "text/html html htm;\ninclude more;",
		"/c/more":         "image/png png;",
		"/c/snippet":      "note snippet;",
		"/c/d/.hidden":    "foo;",
		"/c/not-included": "foo;",
	})
	want := []string{"note|a", "note|b", "note|deep", "note|last"}
	if diff := cmp.Diff(want, Own[web](tree.Root).Lines); diff != "" {
		t.Error(diff)
	}
	servers := tree.Root.Children[0].Children
	if len(servers) != 3 {
		t.Fatalf("%d servers", len(servers))
	}
	site := Own[web](servers[0])
	if diff := cmp.Diff(map[string]string{"html": "text/html", "htm": "text/html", "png": "image/png"}, site.Types); diff != "" {
		t.Error(diff)
	}
	for _, l := range servers[1:] {
		if diff := cmp.Diff([]string{"note|snippet"}, Own[web](l).Lines); diff != "" {
			t.Error(diff)
		}
	}
	var names []string
	for _, f := range tree.Files {
		names = append(names, f.Name)
	}
	wantFiles := "/c/main.conf /c/d/a.conf /c/d/b.conf /c/deep /e/site /c/mime /c/more /c/snippet"
	if diff := cmp.Diff(wantFiles, strings.Join(names, " ")); diff != "" {
		t.Error(diff)
	}
}

func TestIncludeFaults(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"include main.conf;", `"/c/main.conf" includes itself in /c/main.conf:1`},
		{"note a;\ninclude a;", `"/c/a" includes itself in /c/b:2`},
		{"http { types { include a-type; } }", `"/c/a-type" includes itself in /c/a-type:1`},
		{"\ninclude no;", `open() "/c/no" failed in /c/main.conf:2`},
		{"include dir;", `pread() "/c/dir" failed (21: Is a directory) in /c/main.conf:1`},
	} {
		src := withFolder{files{"/c/main.conf": tc.text, "/c/a": "include b;", "/c/b": "\ninclude a;", "/c/a-type": "include a-type;"}}
		_, err := Parse("/c/main.conf", src, testRegistry(), Options{})
		if err == nil || err.Error() != tc.want {
			t.Errorf("%q: %v, want %s", tc.text, err, tc.want)
		}
	}
}

// withFolder has a folder where a file should be.
type withFolder struct{ files }

func (b withFolder) ReadFile(name string) ([]byte, error) {
	if name == "/c/dir" {
		return nil, &fs.PathError{Op: "read", Path: name, Err: syscall.EISDIR}
	}
	return b.files.ReadFile(name)
}

func TestMainFileMissing(t *testing.T) {
	_, err := Parse("/c/main.conf", diskless{}, testRegistry(), Options{})
	if err == nil || err.Error() != `open() "/c/main.conf" failed (2: No such file or directory)` {
		t.Error(err)
	}
}

// diskless has no file at all.
type diskless struct{ files }

func (diskless) ReadFile(name string) ([]byte, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOENT}
}

func TestPathsAreMadeAbsolute(t *testing.T) {
	tree := mustParse(t, files{"/c/main.conf": ""})
	for got, want := range map[string]string{
		tree.FullName("logs/x"): "/p/logs/x",
		tree.FullName("/x"):     "/x",
		tree.ConfName("./x"):    "/c/./x",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestGlobalsComeFirst(t *testing.T) {
	tree, err := Parse("/c/main.conf", files{"/c/main.conf": "note b;"}, testRegistry(), Options{Globals: `note "a;" c; `})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"note|a;|c", "note|b"}, Own[web](tree.Root).Lines); diff != "" {
		t.Error(diff)
	}
}

func TestErrorsBehindABlockNameItsEnd(t *testing.T) {
	reg := NewRegistry()
	Register(reg, Feature[quiet]{Table: Table[quiet]{
		{Name: "x", In: Global, Args: NoArgs | Block, Set: func(_ *quiet, d *Directive) error {
			if _, err := d.Enter(Main); err != nil {
				return err
			}
			d.Warnf("odd")
			return d.Errorf("wrong")
		}},
	}})
	var warned string
	_, err := Parse("/m", files{"/m": "\nx\n{\n\n}\n"}, reg, Options{Warn: func(e *Error) { warned = e.Error() }})
	if err == nil || err.Error() != "wrong in /m:5" || warned != "odd in /m:5" {
		t.Errorf("%v, %s", err, warned)
	}
}
