package zone

import (
	"errors"
	"fmt"
	"strings"

	"github.com/baton-project/baton/fd"
)

// A Spec says what a zone is.
type Spec struct {
	Name string // unique within a configuration
	Tag  string // what uses it: "limit_req"; zones of another tag are others
	Key  string // what its contents depend on, such as the text of their key
	Size int64  // in bytes; 0: referred to, but not declared yet
}

// A Zone is a declared zone, and once it is mapped, its memory.
type Zone struct {
	Spec
	file  *fd.Owned // nil before Open, and in a worker
	mem   *memory   // nil unless mapped
	users []*Seats  // who may have seats for this process
}

// leave gives back every seat.
func (z *Zone) leave() {
	if z.mem == nil {
		return
	}
	z.Lock()
	defer z.Unlock()
	for _, s := range z.users {
		for _, seat := range s.taken {
			s.leave(seat)
		}
		s.taken = nil
	}
}

// A Set holds the zones of one configuration. The zero Set is empty.
//
//	Declare... --Open--> files, in the master: Files go to the workers
//	Declare... --Adopt-> mapped, in a worker
//
// It is not for concurrent use until it is mapped; zones then are.
type Set struct {
	// Notify, when not nil, is told what happened to a zone that an
	// administrator should know. It is called under the zone's lock.
	Notify func(text string)

	zones []*Zone
}

// A Named is a descriptor under the name by which a worker, or a new binary,
// knows it.
type Named struct {
	Name string
	FD   *fd.Owned
}

const namePrefix = "zone:"

// Declare adds a zone, or completes one that was only referred to. declared is
// true when it was declared before, which nothing but the size forbids here.
// Errors are nginx's sentences.
func (s *Set) Declare(spec Spec) (z *Zone, declared bool, err error) {
	z, err = s.Use(spec.Name, spec.Tag)
	switch {
	case err != nil:
		return nil, false, err
	case z.Size == 0:
		z.Spec = spec
		return z, false, nil
	case spec.Size != z.Size:
		return nil, false, fmt.Errorf(`the size %d of shared memory zone "%s" conflicts with already declared size %d`,
			spec.Size, z.Name, z.Size)
	}
	return z, true, nil
}

// Use refers to a zone that is declared before or after.
func (s *Set) Use(name, tag string) (*Zone, error) {
	for _, z := range s.zones {
		if z.Name != name {
			continue
		}
		if z.Tag != tag {
			return nil, fmt.Errorf(`the shared memory zone "%s" is already declared for a different use`, name)
		}
		return z, nil
	}
	z := &Zone{Spec: Spec{Name: name, Tag: tag}}
	s.zones = append(s.zones, z)
	return z, nil
}

// Open gives every zone its memory: that of the zone in old, which may be nil,
// with the same name, tag and size; else that which another binary has left in
// estate, of which the rest is ignored; else new memory. On failure nothing is
// left open. estate stays the caller's.
func (s *Set) Open(old *Set, estate []Named) error {
	for _, z := range s.zones {
		if err := z.open(old, estate); err != nil {
			s.Close()
			return err
		}
	}
	return nil
}

func (z *Zone) open(old *Set, estate []Named) (err error) {
	if z.Size == 0 {
		return fmt.Errorf(`zero size shared memory zone "%s"`, z.Name)
	}
	if before := old.like(z); before != nil {
		if z.Key != before.Key {
			return fmt.Errorf(`%s "%s" uses the "%s" key while previously it used the "%s" key`, z.Tag, z.Name, z.Key, before.Key)
		}
		z.file, err = before.file.Dup()
		return err
	}
	for _, left := range estate {
		if left.Name == namePrefix+z.Name && check(left.FD, z.Spec) == nil {
			z.file, err = left.FD.Dup()
			return err
		}
	}
	z.file, err = create(z.Spec)
	return err
}

// like is the open zone of s that z goes on with.
func (s *Set) like(z *Zone) *Zone {
	if s == nil {
		return nil
	}
	for _, before := range s.zones {
		if before.Name == z.Name && before.Tag == z.Tag && before.Size == z.Size && before.file != nil {
			return before
		}
	}
	return nil
}

// Files lends the memory of every zone, for workers and for a new binary.
func (s *Set) Files() []Named {
	var files []Named
	for _, z := range s.zones {
		if z.file != nil {
			files = append(files, Named{namePrefix + z.Name, z.file})
		}
	}
	return files
}

// Adopt maps every zone from what the master handed out. The zones' files are
// closed, and the rest ignored, on failure too.
func (s *Set) Adopt(files []Named) error {
	byName := make(map[string]*fd.Owned)
	for _, f := range files {
		if name, ok := strings.CutPrefix(f.Name, namePrefix); ok {
			byName[name] = f.FD
			defer f.FD.Close()
		}
	}
	for _, z := range s.zones {
		f := byName[z.Name]
		if f == nil {
			return fmt.Errorf("shared memory zone \"%s\" was not handed out", z.Name)
		}
		if err := z.attach(f, s.Notify); err != nil {
			return err
		}
	}
	return nil
}

// Map maps the zones that Open has opened into this very process.
func (s *Set) Map() error {
	for _, z := range s.zones {
		if err := z.attach(z.file, s.Notify); err != nil {
			return err
		}
	}
	return nil
}

// Look maps a zone in a process that does not use it otherwise. It does nothing to
// one that is mapped.
func (z *Zone) Look() error {
	if z.mem != nil {
		return nil
	}
	return z.attach(z.file, nil)
}

var errSpec = errors.New("is not of that name, use, size and layout")

func (z *Zone) attach(f *fd.Owned, notify func(string)) error {
	if err := check(f, z.Spec); err != nil {
		return fmt.Errorf("shared memory zone \"%s\": %w", z.Name, err)
	}
	m, err := attach(f, z.Spec, notify)
	if err != nil {
		return fmt.Errorf("shared memory zone \"%s\": %w", z.Name, err)
	}
	z.mem = m
	return nil
}

// Close closes the files and gives back the seats that were taken by these
// zones. What is mapped stays so as long as somebody refers to it.
func (s *Set) Close() {
	for _, z := range s.zones {
		z.leave()
		if z.file != nil {
			z.file.Close()
		}
	}
}
