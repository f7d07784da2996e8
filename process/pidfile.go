package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// oldbin is appended to a pid file's name while a new binary runs.
const oldbin = ".oldbin"

// writePIDFile creates or replaces the pid file at path. An empty path means
// that none is wanted.
func writePIDFile(path string, pid int) error {
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return failed(err, "open() %q", path)
	}
	_, err = f.WriteString(strconv.Itoa(pid) + "\n") // one write: a reader sees all or nothing
	if err != nil {
		f.Close()
		return failed(err, "write() %q", path)
	}
	return failed(f.Close(), "close() %q", path)
}

// removePIDFile removes the pid file at path, if it still is pid's: another
// master may have written its own there.
func removePIDFile(path string, pid int) error {
	if path == "" {
		return nil
	}
	if owner, err := ReadPIDFile(path); err == nil && owner != pid {
		return nil
	}
	return failed(os.Remove(path), "unlink() %q", path)
}

// ReadPIDFile returns the pid in the pid file at path. The error is nginx's
// sentence: open() "PATH" failed (2: No such file or directory), or invalid PID
// number "" in "PATH".
func ReadPIDFile(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, failed(err, "open() %q", path)
	}
	return parsePID(string(text), path)
}

func parsePID(text, path string) (int, error) {
	text = strings.TrimRight(text, "\r\n")
	pid, err := strconv.ParseInt(text, 10, 32)
	if err != nil || pid <= 0 {
		return 0, fmt.Errorf("invalid PID number %q in %q", text, path)
	}
	return int(pid), nil
}
