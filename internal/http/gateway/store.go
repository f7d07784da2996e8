package gateway

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
	"golang.org/x/sys/unix"
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

// setStoreAccess reads "users:permissions ...".
func (s *Settings) setStoreAccess(d *conf.Directive) error {
	if s.Access.IsSet() {
		return conf.ErrDuplicate
	}
	var access uint32
	owner := uint32(0o600)
	for _, arg := range d.Args {
		who, rights, _ := strings.Cut(arg, ":")
		right := map[string]uint32{"rw": 6, "r": 4}[rights]
		switch {
		case right == 0:
			return d.Errorf(`invalid value "%s"`, arg)
		case who == "user":
			owner, access = 0, access|right<<6
		case who == "group":
			access |= right << 3
		case who == "all":
			access |= right
		default:
			return d.Errorf(`invalid value "%s"`, arg)
		}
	}
	return s.Access.Set(access | owner)
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
	if err := s.move(f, name); err != nil {
		x.Request.Logf(log.Crit, "%v", err)
		f.remove(x)
		return
	}
	f.temp = ""
}

// storeName is where the file is to be; "": nowhere.
func (x *Exchange) storeName() string {
	if v := x.Pass.store; v != nil {
		return v.Eval(x.Request)
	}
	return x.Request.Path(x.Request.URI, 0)
}

// move gives the temporary file its rights, its time and its name.
func (s *stored) move(f *fill, name string) error {
	access, modified := f.x.Pass.Settings.Access.V, f.x.Answer.LastModified
	if err := unix.Chmod(f.temp, access); err != nil {
		return log.Failed(fmt.Sprintf(`chmod() "%s"`, f.temp), err)
	}
	if modified != h1.NoTime {
		times := []unix.Timespec{{Nsec: unix.UTIME_NOW}, unix.NsecToTimespec(modified * int64(time.Second))}
		if err := unix.UtimesNanoAt(unix.AT_FDCWD, f.temp, times, 0); err != nil {
			return log.Failed(fmt.Sprintf(`utimes() "%s"`, f.temp), err)
		}
	}
	err := unix.Rename(f.temp, name)
	if err == unix.ENOENT {
		if err := makeFolders(name, access|access&0o444>>2); err != nil {
			return err
		}
		err = unix.Rename(f.temp, name)
	}
	if err == unix.EXDEV {
		if err = s.copyOver(f, name); err == nil {
			f.remove(f.x)
			return nil
		}
	}
	if err != nil {
		return log.Failed(fmt.Sprintf(`rename() "%s" to "%s"`, f.temp, name), err)
	}
	return nil
}

// makeFolders makes the folders that a name is in.
func makeFolders(name string, access uint32) error {
	for i := 1; i < len(name); i++ {
		if name[i] != '/' {
			continue
		}
		if err := unix.Mkdir(name[:i], access); err != nil && err != unix.EEXIST {
			return log.Failed(fmt.Sprintf(`mkdir() "%s"`, name), err)
		}
	}
	return nil
}

// copyOver makes the file by way of a copy beside it, as the temporary one is on
// another file system.
func (s *stored) copyOver(f *fill, name string) error {
	beside := fmt.Sprintf("%s.%010d", name, rand.Uint32())
	n, err := unix.Open(beside, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	to := fd.New(n)
	if err = s.copyTo(f, to); err == nil {
		err = copyTimes(f.file, beside)
	}
	if err == nil {
		err = unix.Rename(beside, name)
	}
	_ = to.Close() // what counts has been written, or has failed
	if err != nil {
		_ = unix.Unlink(beside) // it is of no use
	}
	return err
}

func (s *stored) copyTo(f *fill, to *fd.Owned) error {
	if err := unix.Fchmod(to.Raw(), f.x.Pass.Settings.Access.V); err != nil {
		return err
	}
	room := f.x.Pass.rooms.Get().(*[bodyRoom]byte)
	defer f.x.Pass.rooms.Put(room)
	for off := int64(0); off < f.n; {
		n, err := unix.Pread(f.file.Raw(), room[:], off)
		for done := 0; err == nil && done < n; {
			var w int
			w, err = unix.Pwrite(to.Raw(), room[done:n], off+int64(done))
			done += max(w, 0)
		}
		switch {
		case err != nil && err != unix.EINTR:
			return err
		case err == nil && n == 0:
			return unix.EIO // somebody has cut it
		case err == nil:
			off += int64(n)
		}
	}
	return nil
}

// copyTimes gives the file with a name the times of another one.
func copyTimes(from *fd.Owned, name string) error {
	var st unix.Stat_t
	if err := unix.Fstat(from.Raw(), &st); err != nil {
		return err
	}
	return unix.UtimesNanoAt(unix.AT_FDCWD, name, []unix.Timespec{st.Atim, st.Mtim}, 0)
}
