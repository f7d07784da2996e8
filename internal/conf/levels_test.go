package conf

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const levelsText = `
note top;
http {
	size 1k;
	server {
		flag off;
		location / { }
		location /a { size 2k; if (x) { note deep; } }
	}
	server { location /b { location /b/c { flag on; } } }
}
`

func TestLevelsInherit(t *testing.T) {
	tree := mustParse(t, files{"/c/main.conf": levelsText})
	http := tree.Root.Children[0]
	first, second := http.Children[0], http.Children[1]
	for _, tc := range []struct {
		name  string
		level *Level
		flag  bool
		size  int64
	}{
		{"top", tree.Root, true, 512},
		{"http", http, true, 1024},
		{"server 1", first, false, 1024},
		{"location /", first.Children[0], false, 1024},
		{"location /a", first.Children[1], false, 2048},
		{"if", first.Children[1].Children[0], false, 2048},
		{"server 2", second, true, 1024},
		{"location /b/c", second.Children[0].Children[0], true, 1024},
	} {
		if c := Get[web](tc.level); c.Flag.V != tc.flag || c.Size.V != tc.size {
			t.Errorf("%s: flag %v size %d, want %v %d", tc.name, c.Flag.V, c.Size.V, tc.flag, tc.size)
		}
	}
	if Get[web](first.Children[0]) != Get[web](first) {
		t.Error("a level without directives has settings of its own")
	}
	if Own[web](first.Children[0]) != nil {
		t.Error("Own found settings where no directive stands")
	}
	if !Own[web](first).Flag.IsSet() || Own[web](first).Size.IsSet() {
		t.Error("IsSet does not tell a level's own values from inherited ones")
	}
	if l := first.Children[1]; l.Context != Location || l.Parent != first || l.Directive.Args[0] != "/a" {
		t.Errorf("level: %+v", l)
	}
}

// quiet is a feature that nothing in the text mentions.
type quiet struct{ N Setting[int] }

func TestDefaultsOfWhatIsNotConfigured(t *testing.T) {
	reg := testRegistry()
	Register(reg, Feature[quiet]{Name: "quiet", Merge: func(c, outer *quiet) error {
		c.N.Inherit(outer.N, 7)
		return nil
	}})
	tree, err := Parse("/c/main.conf", files{"/c/main.conf": levelsText}, reg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	deep := tree.Root.Children[0].Children[0].Children[0]
	if c := Get[quiet](deep); c.N.V != 7 || c.N.IsSet() {
		t.Errorf("%+v", c)
	}
}

func TestRegisterRefusesWrongTables(t *testing.T) {
	set := func(*quiet, *Directive) error { return nil }
	for name, entry := range map[string]Entry[quiet]{
		"no name":     {In: Main, Args: Take1, Set: set},
		"include":     {Name: "include", In: Main, Args: Take1, Set: set},
		"no context":  {Name: "x", Args: Take1, Set: set},
		"no arity":    {Name: "x", In: Main, Set: set},
		"only block":  {Name: "x", In: Main, Args: Block, Set: set},
		"no function": {Name: "x", In: Main, Args: Take1},
		"no reader":   {Name: "x", In: Main, Args: NoArgs | Block, Accepted: "why not"},
		"taken":       {Name: "server", In: AnyLevel, Args: Take1, Set: set},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: registered", name)
				}
			}()
			Register(testRegistry(), Feature[quiet]{Table: Table[quiet]{entry}})
		}()
	}
}

func TestBlockThatNobodyReadsIsAnError(t *testing.T) {
	reg := NewRegistry()
	Register(reg, Feature[quiet]{Table: Table[quiet]{
		{Name: "x", In: Global, Args: NoArgs | Block, Set: func(*quiet, *Directive) error { return nil }},
	}})
	_, err := Parse("/m", files{"/m": "x { a; }"}, reg, Options{})
	if err == nil || !strings.Contains(err.Error(), "was not read in /m:1") {
		t.Error(err)
	}
}

func TestReferenceListsEverything(t *testing.T) {
	var names []string
	for _, info := range testRegistry().All() {
		names = append(names, info.Name)
		if info.Name == "tuning" && (info.Accepted == "" || info.Feature != "web") {
			t.Errorf("%+v", info)
		}
	}
	want := []string{"include", "http", "server", "location", "if", "types", "note", "one", "flag", "size", "tuning"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if got := strings.Join((AnyLevel | LocationIf).Names(), ", "); got != "http, server, location, if in location" {
		t.Error(got)
	}
}
