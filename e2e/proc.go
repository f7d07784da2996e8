package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// stat returns parent and state letter of a process; ok is false when it is
// gone.
func stat(pid int) (parent int, state byte, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, false
	}
	_, tail, found := bytes.Cut(text[bytes.LastIndexByte(text, ')'):], []byte(") "))
	fields := bytes.Fields(tail)
	if !found || len(fields) < 2 {
		return 0, 0, false
	}
	parent, err = strconv.Atoi(string(fields[1]))
	return parent, fields[0][0], err == nil
}

// Alive tells whether a process runs; a zombie does not.
func Alive(pid int) bool {
	_, state, ok := stat(pid)
	return ok && state != 'Z' && state != 'X'
}

// A family is every process by its pid, zombies too: one that still has threads to
// end has its children until then.
type family map[int]relative

type relative struct {
	parent int
	alive  bool
}

// Children are the living children of a process, in order of their pids.
func Children(parent int) []int {
	all := everybody()
	return slices.DeleteFunc(all.childrenOf(parent), all.dead)
}

// Descendants are the living children of a process, theirs, and so on.
func Descendants(pid int) []int {
	all := everybody()
	found := all.childrenOf(pid)
	for i := 0; i < len(found); i++ {
		found = append(found, all.childrenOf(found[i])...)
	}
	return slices.DeleteFunc(found, all.dead)
}

func (all family) childrenOf(parent int) []int {
	var found []int
	for pid, process := range all {
		if process.parent == parent {
			found = append(found, pid)
		}
	}
	slices.Sort(found)
	return found
}

func (all family) dead(pid int) bool { return !all[pid].alive }

func everybody() family {
	all := make(family)
	dirs, _ := os.ReadDir("/proc")
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		if parent, state, ok := stat(pid); ok {
			all[pid] = relative{parent, state != 'Z' && state != 'X'}
		}
	}
	return all
}

// Title is what ps shows for a process: its arguments separated by blanks.
// Empty when it is gone.
func Title(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(bytes.ReplaceAll(bytes.TrimRight(text, "\x00"), []byte{0}, []byte{' '})))
}

// Descriptors lists what a process has open, as kinds: paths as they are,
// sockets and pipes without their numbers. Sorted.
func Descriptors(pid int) []string {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, _ := os.ReadDir(dir)
	var kinds []string
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err != nil {
			continue
		}
		kinds = append(kinds, inodeNumber.ReplaceAllString(target, ""))
	}
	slices.Sort(kinds)
	return kinds
}

// Settled is what a process has open once that stays the same for a moment: a
// worker that has just come or gone leaves traces in its master for as long.
func Settled(pid int) []string {
	last, since := Descriptors(pid), time.Now()
	Eventually(time.Second, func() bool {
		now := Descriptors(pid)
		if !slices.Equal(now, last) {
			last, since = now, time.Now()
		}
		return time.Since(since) > 40*time.Millisecond
	})
	return last
}

var inodeNumber = regexp.MustCompile(`\[[0-9]+\]$`)

// Status returns a number from /proc/PID/status, such as VmRSS (kB) or
// Threads; 0 when the process is gone.
func Status(pid int, key string) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, key+":"); ok {
			n, _ := strconv.Atoi(strings.Fields(value)[0])
			return n
		}
	}
	return 0
}

// Listening tells whether any process listens on a TCP port.
func Listening(port int) bool {
	return tcpListens("/proc/net/tcp", port) || tcpListens("/proc/net/tcp6", port)
}

func tcpListens(table string, port int) bool {
	f, err := os.Open(table)
	if err != nil {
		return false
	}
	defer f.Close()
	suffix := fmt.Sprintf(":%04X", port)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// sl local_address rem_address st ...; state 0A is LISTEN
		fields := strings.Fields(lines.Text())
		if len(fields) > 3 && fields[3] == "0A" && strings.HasSuffix(fields[1], suffix) {
			return true
		}
	}
	return false
}
