package conf

import (
	"net/netip"
	"path"
	"reflect"
	"strings"
)

// Source is where Parse gets its bytes: the disk, or a recording of it.
// Errors should hold the error number of the failed call, as those of package
// os do; an [*os.PathError] says by its Op whether open or read failed.
type Source interface {
	// ReadFile returns the contents of a file. The caller must not write to them.
	ReadFile(path string) ([]byte, error)
	// Glob returns the files that match a glob(7) pattern, sorted by bytes;
	// none is not an error.
	Glob(pattern string) ([]string, error)
	// LookupHost returns the addresses of a host name that stands in the
	// configuration, in the order of preference.
	LookupHost(name string) ([]netip.Addr, error)
}

// Options are the circumstances of a Parse.
type Options struct {
	// Globals is the text given with -g.
	Globals string
	// Prefix is the folder that relative paths of most directives start at.
	Prefix string
	// ConfDir is the folder that relative paths of include, certificates and
	// keys start at. Empty: the folder of the main file.
	ConfDir string
	// Privileged says that the master is root: it can become another user and
	// bind any port. A worker is told, as it has become somebody else.
	Privileged bool
	// Warn gets what is odd but works, in the order of the text. Nil: not told.
	Warn func(*Error)
}

// File is one file of the configuration.
type File struct {
	Name string // absolute, as nginx would print it
	Text []byte
}

// Tree is a configuration as it was read.
type Tree struct {
	// Root is the outermost level, in context [Global].
	Root *Level
	// Files are all files that were read, each once, in the order in which
	// they were opened first.
	Files []File

	opt      Options
	reg      *Registry
	src      Source
	defaults map[reflect.Type]any
	texts    map[string][]byte
	reading  []string // the files that are being read, outermost first
}

// Parse reads the file, which must be an absolute path, and all it includes,
// and applies the directives in the order nginx would. On failure the error
// is nginx's sentence, an [*Error]; the tree then holds the files that were
// read so far and nothing else of use.
func Parse(file string, src Source, reg *Registry, opt Options) (*Tree, error) {
	if opt.ConfDir == "" {
		opt.ConfDir = path.Dir(file)
	}
	t := &Tree{opt: opt, reg: reg, src: src, texts: make(map[string][]byte)}
	t.Root = &Level{Context: Global, tree: t}
	if err := t.makeDefaults(); err != nil {
		return t, err
	}
	if err := t.readGlobals(opt.Globals); err != nil {
		return t, err
	}
	if err := t.readFile(file, nil, t.walkRoot); err != nil {
		return t, err
	}
	t.texts = nil
	return t, t.Root.Merge()
}

func (t *Tree) walkRoot(statements []*Directive) error {
	return t.walk(statements, t.Root)
}

// FullName makes a path absolute as nginx does for most directives: a
// relative one starts at the prefix. Nothing is cleaned up.
func (t *Tree) FullName(name string) string {
	return join(t.opt.Prefix, name)
}

// ConfName makes a path absolute that starts, when it is relative, at the
// folder of the configuration: includes, certificates, keys, password files.
func (t *Tree) ConfName(name string) string {
	return join(t.opt.ConfDir, name)
}

// ReadFile returns the contents of a file that the configuration names, from
// the source that the configuration itself came from.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	return t.src.ReadFile(name)
}

// LookupHost returns the addresses of a host that the configuration names, from
// the source that the configuration itself came from.
func (t *Tree) LookupHost(name string) ([]netip.Addr, error) {
	return t.src.LookupHost(name)
}

// Privileged is [Options].Privileged.
func (t *Tree) Privileged() bool { return t.opt.Privileged }

// Warn tells the administrator of something odd that has no single place; see
// [Directive.Warnf].
func (t *Tree) Warn(msg string) {
	if t.opt.Warn != nil {
		t.opt.Warn(&Error{Msg: msg})
	}
}

func join(folder, name string) string {
	if strings.HasPrefix(name, "/") || folder == "" {
		return name
	}
	if strings.HasSuffix(folder, "/") {
		return folder + name
	}
	return folder + "/" + name
}
