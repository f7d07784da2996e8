package http

import (
	"strings"
	"syscall"
	"unsafe"

	"github.com/baton-project/baton/internal/conf"
	"golang.org/x/sys/unix"
)

// linkMode says which symbolic links a path may lead through.
type linkMode uint8

const (
	followLinks linkMode = iota // all of them
	ownersLinks                 // those that belong to the owner of what they lead to
	noLinks
)

// linkConf is disable_symlinks as the file has it.
type linkConf struct {
	mode linkMode
	from string          // "": the whole path is checked
	at   *conf.Directive // where from stands
}

// A linkRule is disable_symlinks for one path.
type linkRule struct {
	mode linkMode
	from int // bytes of the path that links may be in; a slash follows them
}

// setLinks reads "off", or "on|if_not_owner [from=part]".
func (c *filesConf) setLinks(d *conf.Directive) error {
	if c.Links.IsSet() {
		return conf.ErrDuplicate
	}
	links, given, partGiven := linkConf{at: d}, false, false
	for _, arg := range d.Args {
		part, isPart := strings.CutPrefix(arg, "from=")
		switch {
		case arg == "off":
			links.mode, given = followLinks, true
		case arg == "if_not_owner":
			links.mode, given = ownersLinks, true
		case arg == "on":
			links.mode, given = noLinks, true
		case isPart:
			links.from, partGiven = part, true
		default:
			return d.Errorf(`invalid parameter "%s"`, arg)
		}
	}
	switch {
	case !given:
		return d.Errorf(`"%s" must have "off", "on" or "if_not_owner" parameter`, d.Name)
	case len(d.Args) == 2 && !partGiven:
		return d.Errorf(`duplicate parameters "%s %s"`, d.Args[0], d.Args[1])
	case partGiven && links.mode == followLinks:
		return d.Errorf(`"from=" cannot be used with "off" parameter`)
	}
	return c.Links.Set(links)
}

// linkRule is what disable_symlinks says of path here. A part that path does not
// begin with, or that ends within a name, leaves all of path checked.
func (r *Request) linkRule(path string) linkRule {
	rule := linkRule{mode: r.loc.files.Links.V.mode}
	if r.loc.linksFrom == nil {
		return rule
	}
	from := r.loc.linksFrom.Eval(r)
	switch {
	case from == "" || !strings.HasPrefix(path, from):
	case len(from) == len(path):
		return linkRule{}
	case path[len(from)] == '/':
		rule.from = len(from)
	case from[len(from)-1] == '/':
		rule.from = len(from) - 1
	}
	return rule
}

const (
	// readFlags never wait for the other end of a pipe.
	readFlags = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_CLOEXEC
	// searchFlags open a folder on the way to a file.
	searchFlags = unix.O_PATH | unix.O_DIRECTORY | unix.O_NONBLOCK | unix.O_CLOEXEC
)

// openChecked opens path for reading, one name after the other, so that nobody
// can put a link in the place of a folder behind the check. The descriptor is
// the caller's.
func openChecked(path string, rule linkRule) (uintptr, FileError) {
	var room [nameRoom]byte
	name := append(append(room[:0], path...), 0)
	end := len(path)
	at, p := atCWD, 0
	switch {
	case rule.from > 0:
		name[rule.from] = 0
		n, errno := openAt(atCWD, &name[0], searchFlags)
		if errno != 0 {
			return 0, FileError{"open()", errno}
		}
		at, p = n, rule.from+1
	case end > 0 && name[0] == '/':
		root := [...]byte{'/', 0}
		n, errno := openAt(atCWD, &root[0], searchFlags)
		if errno != 0 {
			return 0, FileError{"openat()", errno}
		}
		at, p = n, 1
	}
	for i := p; i < end; i++ {
		if name[i] != '/' {
			continue
		}
		if i > p {
			name[i] = 0
			n, errno := rule.mode.openAt(at, &name[p], searchFlags)
			closeFolder(at)
			if errno != 0 {
				return 0, FileError{"openat()", errno}
			}
			at = n
		}
		p = i + 1
	}
	var n uintptr
	var errno syscall.Errno
	if p == end {
		dot := [...]byte{'.', 0} // a slash at the end: what was found again, to be read
		n, errno = openAt(at, &dot[0], readFlags)
	} else {
		n, errno = rule.mode.openAt(at, &name[p], readFlags)
	}
	closeFolder(at)
	if errno != 0 {
		return 0, FileError{"openat()", errno}
	}
	return n, FileError{}
}

// openAt opens name, which is in the folder at, unless it is a link that m is
// against. That is ELOOP, or ENOTDIR where a folder is looked for.
func (m linkMode) openAt(at uintptr, name *byte, flags uintptr) (uintptr, syscall.Errno) {
	if m == noLinks {
		return openAt(at, name, flags|unix.O_NOFOLLOW)
	}
	n, errno := openAt(at, name, flags)
	if errno != 0 {
		return 0, errno
	}
	// Owners are compared also when name is no link now: it may have been one when
	// it was opened.
	var named unix.Statx_t
	var opened unix.Stat_t
	_, _, errno = syscall.Syscall6(unix.SYS_STATX, at, uintptr(unsafe.Pointer(name)), unix.AT_SYMLINK_NOFOLLOW,
		unix.STATX_UID, uintptr(unsafe.Pointer(&named)), 0)
	if errno == 0 {
		_, _, errno = syscall.RawSyscall(unix.SYS_FSTAT, n, uintptr(unsafe.Pointer(&opened)), 0)
	}
	if errno == 0 && named.Uid != opened.Uid {
		errno = syscall.ELOOP
	}
	if errno != 0 {
		_ = unix.Close(int(n))
		return 0, errno
	}
	return n, 0
}

// openAt is openat(2), begun again when a signal comes in between.
func openAt(at uintptr, name *byte, flags uintptr) (n uintptr, errno syscall.Errno) {
	errno = syscall.EINTR
	for errno == syscall.EINTR {
		n, _, errno = syscall.Syscall6(unix.SYS_OPENAT, at, uintptr(unsafe.Pointer(name)), flags, 0, 0, 0)
	}
	return n, errno
}

// closeFolder closes what openChecked has come through.
func closeFolder(n uintptr) {
	if n != atCWD {
		_ = unix.Close(int(n)) // it was only searched
	}
}
