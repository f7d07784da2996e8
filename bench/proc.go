package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A usage is what the scheduler has counted for all threads of a process.
type usage struct {
	ran    time.Duration // user and system
	waited time.Duration // ready to run while something else had the core
}

// cpuUsage reads the scheduler's counts, which are in nanoseconds;
// /proc/PID/stat knows only ticks of 10 ms.
func cpuUsage(pid int) (usage, error) {
	var u usage
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return u, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return u, err
		}
		var ran, waited int64
		if _, err := fmt.Sscan(string(text), &ran, &waited); err != nil {
			return u, fmt.Errorf("%s: %w", file, err)
		}
		u.ran += time.Duration(ran)
		u.waited += time.Duration(waited)
	}
	if u.ran == 0 {
		return u, fmt.Errorf("process %d has no schedstat", pid)
	}
	return u, nil
}

// resident is the memory of a process in bytes that is its own: neither file pages
// nor shared memory.
func resident(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, fmt.Errorf("process %d says nothing about its memory", pid)
}

// childrenOf are the pids of a process's children. The kernel lists them with the
// thread that started them.
func childrenOf(pid int) ([]int, error) {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, list := range lists {
		text, _ := os.ReadFile(list) // the thread may be gone
		for _, child := range strings.Fields(string(text)) {
			n, err := strconv.Atoi(child)
			if err != nil {
				return nil, err
			}
			pids = append(pids, n)
		}
	}
	slices.Sort(pids)
	return pids, nil
}
