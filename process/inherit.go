package process

import (
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

// inheritVar names the listening sockets that a master passes to the new
// binary: "NGINX=6;7;". The protocol is nginx's own.
const inheritVar = "NGINX"

// estateVar names what else a master of this engine passes on:
// "BATON_ESTATE=zone%3Aone:8;". An nginx does not look at it.
const estateVar = "BATON_ESTATE"

// Inherits says whether another master, baton or nginx, started this process to
// take its place (USR2): NGINX= is in the environment. Such a process is a
// daemon already and goes straight to RunMaster.
func Inherits() bool {
	_, ok := os.LookupEnv(inheritVar)
	return ok
}

// inherit takes the sockets that NGINX= names, and the variable away, so that
// no child finds it. The log lines are nginx's.
func (m *master) inherit() []*fd.Owned {
	value, ok := os.LookupEnv(inheritVar)
	if !ok {
		return nil
	}
	os.Unsetenv(inheritVar)
	m.inherited = true
	m.logf(LevelNotice, "using inherited sockets from %q", value)
	numbers, err := parseInherited(value)
	if err != nil {
		m.logf(LevelEmerg, "%v", err)
	}
	var sockets []*fd.Owned
	for _, n := range numbers {
		if o := m.own(n, "socket"); o != nil {
			sockets = append(sockets, o)
		}
	}
	return sockets
}

// own makes an inherited descriptor ours alone; nil, and a line in the log, when
// there is none.
func (m *master) own(n int, what string) *fd.Owned {
	if _, err := unix.FcntlInt(uintptr(n), unix.F_SETFD, unix.FD_CLOEXEC); err != nil {
		m.logf(LevelCrit, "%v", failed(err, "fcntl(FD_CLOEXEC) of the inherited %s #%d", what, n))
		return nil
	}
	return fd.New(n)
}

// inheritEstate takes what BATON_ESTATE= names, and the variable away. sockets
// are descriptors that have an owner already.
func (m *master) inheritEstate(sockets []*fd.Owned) []File {
	value, ok := os.LookupEnv(estateVar)
	if !ok {
		return nil
	}
	os.Unsetenv(estateVar)
	if !m.inherited {
		return nil // somebody's leftover: the numbers mean nothing here
	}
	taken := map[int]bool{}
	for _, o := range sockets {
		taken[o.Raw()] = true
	}
	names, numbers, err := parseEstate(value, taken)
	if err != nil {
		m.logf(LevelError, "%v", err)
	}
	var files []File
	for i, n := range numbers {
		if o := m.own(n, "file"); o != nil {
			files = append(files, File{Name: names[i], FD: o})
		}
	}
	return files
}

// parseEstate reads the value of BATON_ESTATE=, names and descriptors that are
// not in taken. With an error it returns what comes before the mistake.
func parseEstate(value string, taken map[int]bool) (names []string, numbers []int, err error) {
	seen := map[int]bool{}
	for rest := value; rest != ""; {
		var entry string
		var ended bool
		entry, rest, ended = strings.Cut(rest, ";")
		escaped, number, _ := strings.Cut(entry, ":")
		name, nameErr := url.PathUnescape(escaped)
		n, numberErr := strconv.ParseUint(number, 10, 31)
		if !ended || nameErr != nil || numberErr != nil || n < 3 || seen[int(n)] || taken[int(n)] {
			return names, numbers, fmt.Errorf("invalid entry %q in "+estateVar+
				" environment variable, ignoring the rest of the variable", entry)
		}
		seen[int(n)] = true
		names, numbers = append(names, name), append(numbers, int(n))
	}
	return names, numbers, nil
}

// bequest is the value of BATON_ESTATE= for files that start at descriptor
// first.
func bequest(files []File, first int) string {
	var b strings.Builder
	for i, f := range files {
		name := strings.ReplaceAll(url.PathEscape(f.Name), ":", "%3A")
		fmt.Fprintf(&b, "%s:%d;", name, first+i)
	}
	return b.String()
}

// parseInherited returns the descriptors in the value of NGINX=, each closed by
// ";" or ":". With an error it returns those before the mistake. Standard
// descriptors and repetitions are mistakes: each must have one owner.
func parseInherited(value string) ([]int, error) {
	var numbers []int
	seen := map[int]bool{}
	for value != "" {
		end := strings.IndexAny(value, ";:")
		if end < 0 {
			return numbers, fmt.Errorf("invalid socket number %q in "+inheritVar+
				" environment variable, ignoring", value)
		}
		n, err := strconv.ParseUint(value[:end], 10, 31)
		if err != nil || n < 3 || seen[int(n)] {
			return numbers, fmt.Errorf("invalid socket number %q in "+inheritVar+
				" environment variable, ignoring the rest of the variable", value)
		}
		seen[int(n)] = true
		numbers = append(numbers, int(n))
		value = value[end+1:]
	}
	return numbers, nil
}

// inheritance is the value of NGINX= for n sockets that start at descriptor 3.
func inheritance(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d;", i+3)
	}
	return b.String()
}

// withoutVar returns env without the variable name.
func withoutVar(env []string, name string) []string {
	kept := make([]string, 0, len(env)+1)
	for _, v := range env {
		if !strings.HasPrefix(v, name+"=") {
			kept = append(kept, v)
		}
	}
	return kept
}
