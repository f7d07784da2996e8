package conf

import (
	"errors"
	"net/netip"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// files is a Source in memory.
type files map[string]string

func (f files) ReadFile(name string) ([]byte, error) {
	text, ok := f[name]
	if !ok {
		return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
	}
	return []byte(text), nil
}

func (f files) Glob(pattern string) ([]string, error) {
	var names []string
	for name := range f {
		if ok, err := path.Match(pattern, name); err != nil {
			return nil, err
		} else if ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (f files) LookupHost(string) ([]netip.Addr, error) {
	return nil, errors.New("no such host")
}

// web is a small server's worth of directives.
type web struct {
	Lines []string // what was set here, in order
	Flag  Setting[bool]
	Size  Setting[int64]
	Types map[string]string
}

func (c *web) note(d *Directive) error {
	c.Lines = append(c.Lines, strings.Join(append([]string{d.Name}, d.Args...), "|"))
	return nil
}

func (c *web) merge(outer *web) error {
	c.Flag.Inherit(outer.Flag, true)
	c.Size.Inherit(outer.Size, 512)
	return nil
}

func enter(ctx Context) func(*web, *Directive) error {
	return func(_ *web, d *Directive) error {
		_, err := d.Enter(ctx)
		return err
	}
}

func (c *web) types(d *Directive) error {
	c.Types = make(map[string]string)
	return d.Each(func(d *Directive) error {
		for _, ext := range d.Args {
			c.Types[ext] = d.Name
		}
		return nil
	})
}

func testRegistry() *Registry {
	const inHTTP = AnyLevel | LocationIf
	r := NewRegistry()
	Register(r, Feature[web]{Name: "web", Merge: (*web).merge, Table: Table[web]{
		{Name: "http", In: Global, Args: NoArgs | Block, Set: enter(Main)},
		{Name: "server", In: Main, Args: NoArgs | Block, Set: enter(Server)},
		{Name: "location", In: Server | Location, Args: Take12 | Block, Set: enter(Location)},
		{Name: "if", In: Location, Args: OneMore | Block, Set: enter(LocationIf)},
		{Name: "types", In: AnyLevel, Args: NoArgs | Block, Set: (*web).types},
		{Name: "note", In: Global | inHTTP, Args: Any, Set: (*web).note},
		{Name: "one", In: inHTTP, Args: Take1, Set: (*web).note},
		{Name: "flag", In: inHTTP, Args: Flag, Set: OnOff(func(c *web) *Setting[bool] { return &c.Flag })},
		{Name: "size", In: inHTTP, Args: Take1, Set: Size(func(c *web) *Setting[int64] { return &c.Size })},
		{Name: "tuning", In: Global, Args: Take1, Accepted: "nothing to tune"},
	}})
	return r
}

func parseString(t *testing.T, text string) (*Tree, error) {
	t.Helper()
	return Parse("/c/main.conf", files{"/c/main.conf": text}, testRegistry(), Options{Prefix: "/p/"})
}

func mustParse(t *testing.T, src files) *Tree {
	t.Helper()
	tree, err := Parse("/c/main.conf", src, testRegistry(), Options{Prefix: "/p/"})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}
