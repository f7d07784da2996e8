package gateway

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
)

// StoreSettings are the directives with which answers become files that others
// serve.
type StoreSettings struct {
	Store  conf.Setting[*conf.Directive] // "on" or a path; nil: off
	Access conf.Setting[uint32]          // of the files
}

func (s *Settings) setStore(d *conf.Directive) error {
	switch {
	case s.Store.IsSet():
		return conf.ErrDuplicate
	case d.Args[0] == "off":
		return s.Store.Set(nil)
	case d.Args[0] == "":
		return d.Errorf("empty path")
	case s.Cache.IsSet() && s.Cache.V != nil:
		return d.Errorf(`"%s" directive is incompatible with "%scache"`, d.Name, strings.TrimSuffix(d.Name, "store"))
	}
	return s.Store.Set(d)
}

// mergeStore fills what s left unset. Files and a cache exclude each other: what
// the level itself says counts.
func (s *Settings) mergeStore(outer *Settings) {
	if s.Store.V != nil && !s.Cache.IsSet() {
		_ = s.Cache.Set(nil) // it was not set
	}
	if s.Cache.V != nil && !s.Store.IsSet() {
		_ = s.Store.Set(nil)
	}
	s.Store.Inherit(outer.Store, nil)
	s.Access.Inherit(outer.Access, 0o600)
}

// compileStore compiles the path.
func (p *Pass) compileStore(b *http.Builder) (err error) {
	if d := p.Settings.Store.V; d != nil && d.Args[0] != "on" {
		p.store, err = b.Compile(d, d.Args[0])
	}
	return err
}

// stored is an answer that becomes a file. The upstream is read to the end of it
// whether the client waits for that or not.
type stored struct{ fill fill }

// stores reports whether answers become files.
func (x *Exchange) stores() bool { return x.Pass.Settings.Store.V != nil }

// beginStore begins the file of the answer whose head has been sent, if that is to
// become one: all of it, and an answer of status 200.
func (x *Exchange) beginStore(hasBody bool) bool {
	r := x.Request
	if !x.stores() || x.Answer.Status != 200 || !x.buffering || r.Out.HeadersOnly && !hasBody {
		return false
	}
	s := new(stored)
	s.fill = fill{x: x, keeper: s}
	var err error
	if s.fill.file, s.fill.temp, err = r.CreateTemp(x.Pass.Settings.TempPath.V); err != nil {
		r.Logf(log.Crit, "%v", err)
		return false
	}
	x.store = s
	return true
}

// endStore removes what did not become a file.
func (x *Exchange) endStore() {
	if x.store != nil {
		x.store.fill.remove(x)
		x.store.fill.end(x)
		x.store = nil
	}
}

// drop is for [keeper].
func (s *stored) drop(f *fill) { f.remove(f.x) }

// place is for [keeper].
func (s *stored) place(f *fill) {
	x := f.x
	if n := x.Answer.ContentLength; n >= 0 && n != f.n {
		return
	}
	name := x.storeName()
	if name == "" {
		return
	}
	access := x.Pass.Settings.Access.V
	_ = x.Request.Place(f.temp, name, http.Placement{ // what cannot be placed is logged, and removed
		Access: access, FolderAccess: access, MakeFolders: true, Modified: x.Answer.LastModified,
	})
	f.temp = ""
}

// storeName is where the file is to be; "": nowhere.
func (x *Exchange) storeName() string {
	if v := x.Pass.store; v != nil {
		return v.Eval(x.Request)
	}
	return x.Request.Path(x.Request.URI, 0)
}
