package baton

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/baton-project/baton"

// floors are the storeys of docs/architecture.md, lowest first: a package may
// import what lies on a lower floor, never sideways and never up. The longest
// matching path decides, and a folder's subfolders belong to its floor.
var floors = []struct {
	number int
	paths  []string
}{
	{0, []string{"fd"}},
	{1, []string{"handover", "process"}},
	{2, []string{"handover/nethttp"}},
	{3, []string{"internal/conf", "internal/log", "internal/poll", "internal/cidr", "internal/crypt", "internal/zone", "internal/wire", "internal/freeport", "internal/pcre", "internal/heirs"}},
	{4, []string{"internal/limit", "internal/metrics", "internal/conf/bundle", "internal/pool/hashkit", "internal/match", "internal/variable", "internal/resolve", "internal/tls/record"}},
	{5, []string{"internal/listen", "internal/http/cache", "internal/variable/*", "internal/tls", "internal/tls/ocsp", "internal/upstream", "internal/pool/nutcracker"}},
	{6, []string{"internal/http", "internal/stream", "internal/pool", "internal/tls/settings"}},
	{7, []string{"internal/http/gateway", "internal/stream/upstream"}},
	{8, []string{"internal/http/cgi", "internal/http/h2up"}},
	{9, []string{"internal/core", "internal/http/*", "internal/stream/*", "internal/pool/*"}},
	{10, []string{"internal/modules"}},
	{11, []string{"internal/cycle"}},
	{12, []string{"internal/server/welcome"}},
	{13, []string{"internal/server"}},
	{14, []string{"cmd", "e2e", "bench", "docs"}},
}

// public packages are for other programs too: they import the standard
// library, x/sys, each other, and what is named here.
var public = map[string][]string{
	"fd":               nil,
	"process":          nil,
	"handover":         {"github.com/fxamacker/cbor/v2"},
	"handover/nethttp": nil,
}

func TestImportsGoDownOnly(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || !strings.Contains(name, "/") {
			return nil
		}
		files++
		checkFile(t, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Fatal("no file was checked")
	}
}

func checkFile(t *testing.T, name string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	from := path.Dir(filepath.ToSlash(name))
	fromFloor, ok := floorOf(from)
	if !ok {
		t.Errorf("%s is on no floor; name it in layers_test.go", from)
		return
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		to, ours := strings.CutPrefix(imported, module+"/")
		if allowed, isPublic := public[from]; isPublic && !publicMayImport(imported, to, ours, allowed) {
			t.Errorf("%s: public package imports %s", name, imported)
		}
		if !ours {
			continue
		}
		if toFloor, ok := floorOf(to); !ok || toFloor >= fromFloor {
			t.Errorf("%s (floor %d) imports %s (floor %d): imports go down only", name, fromFloor, to, toFloor)
		}
	}
}

func publicMayImport(imported, to string, ours bool, allowed []string) bool {
	if ours {
		_, isPublic := public[to]
		return isPublic
	}
	for _, a := range allowed {
		if imported == a {
			return true
		}
	}
	standard := !strings.Contains(strings.SplitN(imported, "/", 2)[0], ".")
	return standard || strings.HasPrefix(imported, "golang.org/x/sys/")
}

// floorOf finds the entry with the longest match; "x/*" matches the folders
// below x but not x itself.
func floorOf(pkg string) (number int, ok bool) {
	best := -1
	for _, f := range floors {
		for _, p := range f.paths {
			prefix, below := strings.CutSuffix(p, "/*")
			matches := pkg == prefix || strings.HasPrefix(pkg, prefix+"/")
			if below {
				matches = strings.HasPrefix(pkg, prefix+"/")
			}
			if matches && len(p) > best {
				best, number, ok = len(p), f.number, true
			}
		}
	}
	return number, ok
}
