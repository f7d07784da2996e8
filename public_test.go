package baton

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Everything that a public package exports says what it is, and stands in an example.
func TestPublicNamesAreExplained(t *testing.T) {
	for dir := range public {
		t.Run(dir, func(t *testing.T) {
			set := token.NewFileSet()
			files, shown := parsePackage(t, set, dir)
			p, err := doc.NewFromFiles(set, files, module+"/"+dir)
			if err != nil {
				t.Fatal(err)
			}
			check := func(name, text string) {
				if text == "" {
					t.Errorf("%s has no comment", name)
				}
				if _, last, _ := strings.Cut("."+name, "."); !shown[last[strings.LastIndexByte(last, '.')+1:]] {
					t.Errorf("%s is in no example", name)
				}
			}
			funcs := func(list []*doc.Func, of string) {
				for _, f := range list {
					if !implied[f.Name] {
						check(of+f.Name, f.Doc)
					}
				}
			}
			values := func(list []*doc.Value) {
				for _, v := range list {
					for _, name := range v.Names {
						if ast.IsExported(name) {
							check(name, v.Doc+valueDoc(v, name))
						}
					}
				}
			}
			values(p.Consts)
			values(p.Vars)
			funcs(p.Funcs, "")
			for _, y := range p.Types {
				check(y.Name, y.Doc)
				values(y.Consts)
				values(y.Vars)
				funcs(y.Funcs, "")
				funcs(y.Methods, y.Name+".")
			}
		})
	}
}

// implied are methods of interfaces that everybody knows, called by others.
var implied = map[string]bool{"Error": true, "String": true, "SetReadDeadline": true, "SetDeadline": true}

// parsePackage returns the files of a package, and which names its examples use.
func parsePackage(t *testing.T, set *token.FileSet, dir string) (files []*ast.File, shown map[string]bool) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	shown = map[string]bool{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(set, name, text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.HasPrefix(filepath.Base(name), "example_"):
			ast.Inspect(f, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					for name := range strings.SplitSeq(strings.TrimPrefix(id.Name, "Example"), "_") {
						shown[name] = true
					}
				}
				return true
			})
		case !strings.HasSuffix(name, "_test.go"):
			files = append(files, f)
		}
	}
	return files, shown
}

// valueDoc is the comment at one name of a group.
func valueDoc(v *doc.Value, name string) string {
	for _, spec := range v.Decl.Specs {
		s := spec.(*ast.ValueSpec)
		for _, id := range s.Names {
			if id.Name == name {
				return s.Doc.Text() + s.Comment.Text()
			}
		}
	}
	return ""
}
