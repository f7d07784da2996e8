package core

import (
	"strconv"
	"strings"

	"github.com/baton-project/baton/internal/conf"
)

// User is who the workers run as.
type User struct {
	Name     string
	UID, GID int
	Groups   []int // the supplementary groups, GID among them
}

// The files of the user database. They are read through the tree's source, so
// that a worker finds what the master found.
const (
	passwdFile = "/etc/passwd"
	groupFile  = "/etc/group"
)

func (c *Conf) setUser(d *conf.Directive) error {
	if c.User.IsSet() {
		return conf.ErrDuplicate
	}
	if !d.Tree().Privileged() {
		d.Warnf(`the "user" directive makes sense only if the master process runs ` +
			`with super-user privileges, ignored`)
		return nil
	}
	name, group := d.Args[0], d.Args[len(d.Args)-1]
	u, err := lookupUser(d.Tree(), name, group)
	if err != nil {
		return d.Errorf("%s", err)
	}
	return c.User.Set(u)
}

// lookupError says which lookup failed, in nginx's words.
type lookupError struct {
	call, name string
	err        error // why the database could not be read, nil if it was
}

func (e *lookupError) Error() string {
	return e.call + `("` + e.name + `") failed` + conf.Errno(e.err)
}

func lookupUser(t *conf.Tree, name, group string) (*User, error) {
	passwd, err := t.ReadFile(passwdFile)
	if err != nil {
		return nil, &lookupError{"getpwnam", name, err}
	}
	// name:password:uid:gid:...
	uid, ok := number(find(passwd, name), 2)
	if !ok {
		return nil, &lookupError{"getpwnam", name, nil}
	}
	groups, err := t.ReadFile(groupFile)
	if err != nil {
		return nil, &lookupError{"getgrnam", group, err}
	}
	// name:password:gid:member,member
	gid, ok := number(find(groups, group), 2)
	if !ok {
		return nil, &lookupError{"getgrnam", group, nil}
	}
	return &User{Name: name, UID: uid, GID: gid, Groups: memberships(groups, name, gid)}, nil
}

// find returns the fields of the line that begins with name, nil if none does.
func find(database []byte, name string) []string {
	if name == "" {
		return nil
	}
	for line := range strings.Lines(string(database)) {
		if fields := strings.Split(strings.TrimSuffix(line, "\n"), ":"); fields[0] == name {
			return fields
		}
	}
	return nil
}

func number(fields []string, i int) (int, bool) {
	if len(fields) <= i {
		return 0, false
	}
	n, err := strconv.ParseUint(fields[i], 10, 32)
	return int(n), err == nil
}

// memberships returns the groups that initgroups(3) would set: gid, and those
// that list the user.
func memberships(groups []byte, user string, gid int) []int {
	ids := []int{gid}
	for line := range strings.Lines(string(groups)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		id, ok := number(fields, 2)
		if !ok || len(fields) < 4 || id == gid {
			continue
		}
		for member := range strings.SplitSeq(fields[3], ",") {
			if member == user {
				ids = append(ids, id)
				break
			}
		}
	}
	return ids
}
