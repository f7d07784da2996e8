package http

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
	"golang.org/x/sys/unix"
)

// A TempPath is a folder for temporary files, as directives such as
// client_body_temp_path name it.
type TempPath struct {
	folder string // relative to the prefix in a default
	levels []int  // how many digits of a file's number name the folders below
}

// ParseTempPath reads "path [level1 [level2 [level3]]]".
func ParseTempPath(d *conf.Directive) (TempPath, error) {
	p := TempPath{folder: d.Tree().FullName(strings.TrimSuffix(d.Args[0], "/"))}
	total := 0
	for _, level := range d.Args[1:] {
		n, ok := parseNumber(level)
		if !ok || n == 0 {
			return p, conf.ErrInvalidValue
		}
		p.levels = append(p.levels, n)
		total += n + 1
	}
	if total > 10+len(p.levels) {
		return p, conf.ErrInvalidValue
	}
	return p, nil
}

// DefaultTempPath is a folder, relative to the prefix, that no directive names.
func DefaultTempPath(folder string, levels ...int) TempPath {
	return TempPath{folder: folder, levels: levels}
}

// in is the folder's absolute path.
func (p TempPath) in(prefix string) string {
	if strings.HasPrefix(p.folder, "/") {
		return p.folder
	}
	return prefix + p.folder
}

// collision is how far a number jumps when its file exists, so that workers that
// have begun at the same number part at once.
const collision = 123456

// create makes a new file. numbers are the worker's.
func (p TempPath) create(prefix string, numbers *atomic.Uint32) (*fd.Owned, string, error) {
	name := p.name(prefix, numbers.Add(1))
	for {
		n, err := unix.Open(name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
		switch {
		case err == nil:
			return fd.New(n), name, nil
		case err == unix.EINTR:
		case err == unix.EEXIST:
			name = p.name(prefix, numbers.Add(collision))
		case err == unix.ENOENT && len(p.levels) > 0 && p.makeLevels(prefix, name) == nil:
			// the file has its folders now
		default:
			return nil, "", log.Failed(fmt.Sprintf(`open() "%s"`, name), err)
		}
	}
}

// CreateTemp makes a new temporary file in p's folder, which is the caller's to
// close and to remove. The folder is there when the feature has said
// [Builder.TempFolder].
func (r *Request) CreateTemp(p TempPath) (*fd.Owned, string, error) {
	w := r.conn.worker
	return p.create(w.main.env.Prefix, &w.tempNumbers)
}

// name is the file with a number: with levels 1 and 2 it is
// "folder/7/56/0001234567".
func (p TempPath) name(prefix string, number uint32) string {
	digits := fmt.Sprintf("%010d", number)
	name := p.in(prefix)
	end := len(digits)
	for _, level := range p.levels {
		name += "/" + digits[end-level:end]
		end -= level
	}
	return name + "/" + digits
}

// makeLevels makes the folders between the folder, which must exist, and the
// file.
func (p TempPath) makeLevels(prefix, name string) error {
	folder := p.in(prefix)
	for _, part := range strings.Split(filepath.Dir(name)[len(folder)+1:], "/") {
		folder += "/" + part
		if err := unix.Mkdir(folder, 0o700); err != nil && err != unix.EEXIST {
			return err
		}
	}
	return nil
}

// TempFolders are the absolute paths of the folders for temporary files that the
// configuration names or its features need. The master makes them.
func (m *Main) TempFolders() []string { return m.tempFolders }

// addTempFolder remembers a folder that has to be there.
func (m *Main) addTempFolder(p TempPath) {
	folder := p.in(m.env.Prefix)
	for _, known := range m.tempFolders {
		if known == folder {
			return
		}
	}
	m.tempFolders = append(m.tempFolders, folder)
}

// BuffersBody says that a handler of this location calls
// [Request.BufferBody], which may need a folder for temporary files.
func (b *Builder) BuffersBody() { b.main.addTempFolder(conf.Get[bodyConf](b.level).TempPath.V) }

// TempFolder says that a handler of this location makes files in p by
// [Request.CreateTemp].
func (b *Builder) TempFolder(p TempPath) { b.main.addTempFolder(p) }
