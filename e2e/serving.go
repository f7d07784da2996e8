package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// Serving tells whether a process waits for connections: a listening socket is
// in one of its epoll sets. It is an event that nginx and baton share and that
// nobody has to be asked about. Where we may not look, the answer is yes.
func Serving(pid int) bool {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return errors.Is(err, fs.ErrPermission)
	}
	listening := listeningInodes()
	for _, e := range entries {
		if target, _ := os.Readlink(dir + "/" + e.Name()); target != "anon_inode:[eventpoll]" {
			continue
		}
		info, _ := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%s", pid, e.Name()))
		for _, m := range watched.FindAllSubmatch(info, -1) {
			target, _ := os.Readlink(dir + "/" + string(m[1]))
			if listening[strings.TrimSuffix(strings.TrimPrefix(target, "socket:["), "]")] {
				return true
			}
		}
	}
	return false
}

var watched = regexp.MustCompile(`(?m)^tfd:\s+(\d+)`)

// listeningInodes are the inodes of all sockets that listen.
func listeningInodes() map[string]bool {
	found := make(map[string]bool)
	add := func(table string, state, is, inode int) {
		f, err := os.Open(table)
		if err != nil {
			return
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			fields := strings.Fields(lines.Text())
			if len(fields) > max(state, inode) {
				if n, err := strconv.ParseUint(fields[state], 16, 32); err == nil && int(n) == is {
					found[fields[inode]] = true
				}
			}
		}
	}
	const listen, acceptsConnections = 0x0A, 0x10000 // TCP_LISTEN, __SO_ACCEPTCON
	add("/proc/net/tcp", 3, listen, 9)
	add("/proc/net/tcp6", 3, listen, 9)
	add("/proc/net/unix", 3, acceptsConnections, 6)
	return found
}

// serves tells whether the current master has as many workers as the
// configuration wants and all of them wait for connections.
func (b *Server) serves() bool {
	pid, err := b.readPID("nginx.pid")
	if err != nil || !Alive(pid) {
		return false
	}
	if strings.Contains(b.conf, "master_process off") {
		return Serving(pid)
	}
	workers := WorkersOf(pid, false)
	for _, w := range workers {
		if !Serving(w) {
			return false
		}
	}
	return len(workers) == b.configuredWorkers()
}

func (b *Server) configuredWorkers() int {
	n := 1
	if m := workerProcesses.FindStringSubmatch(b.conf + strings.Join(b.Args, " ")); m != nil {
		n, _ = strconv.Atoi(m[1])
	}
	return n
}

var workerProcesses = regexp.MustCompile(`\bworker_processes (\d+);`)
