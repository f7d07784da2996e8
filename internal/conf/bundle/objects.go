package bundle

import (
	"slices"
	"syscall"

	"github.com/baton-project/baton/internal/conf"
)

// Objects are files that a configuration was made of, with what was made of them, for the
// [Recorder] that reads the next one.
type Objects map[string]heldObject

type heldObject struct {
	version fileVersion
	object  *conf.Object
}

// A fileVersion tells a file from one that was written later, as nginx does: its device, its
// inode, and the second when it was changed. Empty: that is not known.
type fileVersion []int64

func versionOf(name string) fileVersion {
	var st syscall.Stat_t
	if syscall.Stat(name, &st) != nil {
		return nil
	}
	return fileVersion{int64(st.Dev), int64(st.Ino), st.Mtim.Sec}
}

// ReadObject is ReadFile for a file that is made into something. One that an earlier
// configuration has read, and that is the same still, is not read again.
func (r *Recorder) ReadObject(name string) (*conf.Object, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.bundle.objects[name]; known != nil {
		return known, nil
	}
	e, read := r.bundle.files[name]
	if !read {
		version := versionOf(name) // before it is read: what is written meanwhile is another one
		if old, ok := r.Old[name]; ok && version != nil && slices.Equal(old.version, version) {
			r.bundle.keep(name, entry{Data: old.object.Data(), Version: version}, old.object)
			return old.object, nil
		}
		e = readEntry(name)
		e.Version = version
	}
	data, err := e.result(name)
	if err != nil {
		r.bundle.keep(name, e, nil)
		return nil, err
	}
	made := conf.NewObject(data)
	r.bundle.keep(name, e, made)
	return made, nil
}

// ReadObject is ReadFile for a file that is made into something.
func (b *Bundle) ReadObject(name string) (*conf.Object, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if known := b.objects[name]; known != nil {
		return known, nil
	}
	data, err := b.ReadFile(name)
	if err != nil {
		return nil, err
	}
	made := conf.NewObject(data)
	if b.objects == nil {
		b.objects = make(map[string]*conf.Object)
	}
	b.objects[name] = made
	return made, nil
}

func (b *Bundle) keep(name string, e entry, made *conf.Object) {
	if b.files == nil {
		b.files = make(map[string]entry)
	}
	b.files[name] = e
	if made == nil {
		return
	}
	if b.objects == nil {
		b.objects = make(map[string]*conf.Object)
	}
	b.objects[name] = made
}

// Objects are the objects that were read from b, or recorded in it.
func (b *Bundle) Objects() Objects {
	b.mu.Lock()
	defer b.mu.Unlock()
	made := make(Objects, len(b.objects))
	for name, object := range b.objects {
		if e := b.files[name]; len(e.Version) > 0 {
			made[name] = heldObject{e.Version, object}
		}
	}
	return made
}
