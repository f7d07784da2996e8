package process

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrNoControl is returned by [Control] when no master of ours answers under
// that pid: it may be nginx's, which understands signals only.
var ErrNoControl = errors.New("no control socket")

// Control asks the master with that pid to do verb: "reload", "upgrade" or
// "status". Lines of progress go to progress as they come, unless it is nil.
// message is the final sentence (for status: several lines); ok says whether it
// was done. err is about the conversation; it wraps [ErrNoControl] when the
// caller should send a signal instead. ctx bounds the wait: when it is done
// while an old generation still drains, the rest is done and ok is true.
func Control(ctx context.Context, pid int, verb string, progress io.Writer) (ok bool, message string, err error) {
	return give(ctx, pid, order{Verb: verb}, progress)
}

// give gives an order and listens to the end; see Control.
func give(ctx context.Context, pid int, o order, progress io.Writer) (ok bool, message string, err error) {
	c, err := dialControl(ctx, pid)
	if err != nil {
		return false, "", err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.SetDeadline(time.Now()) })()
	b, err := json.Marshal(o)
	if err != nil {
		return false, "", err
	}
	if _, err := c.Write(append(b, '\n')); err != nil {
		return false, "", fmt.Errorf("control socket of process %d: %w", pid, err)
	}
	in := json.NewDecoder(bufio.NewReader(c))
	for {
		var t tidings
		if err := in.Decode(&t); err != nil {
			if ok {
				return true, message + ", the old one still drains", nil
			}
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return false, "", fmt.Errorf("control socket of process %d: %w", pid, err)
		}
		ok, message = t.OK, t.Text
		if t.Done {
			return ok, message, nil
		}
		if progress != nil {
			fmt.Fprintln(progress, t.Text)
		}
	}
}

// dialControl connects to the control socket of the master with that pid, and
// makes sure that it is him.
func dialControl(ctx context.Context, pid int) (*net.UnixConn, error) {
	var d net.Dialer
	address := controlAddress(pid)
	c, err := d.DialContext(ctx, address.Net, address.Name)
	if err != nil {
		return nil, fmt.Errorf("process %d: %w: %w", pid, ErrNoControl, err)
	}
	u := c.(*net.UnixConn)
	cred, err := peerOf(u)
	if err == nil && (int(cred.Pid) != pid || !trusted(cred)) {
		err = fmt.Errorf("process %d: %w: process %d of user %d listens in its place",
			pid, ErrNoControl, cred.Pid, cred.Uid)
	}
	if err != nil {
		u.Close()
		return nil, err
	}
	return u, nil
}

// serving waits first for the pid file, which both programs write when their
// sockets listen. One of ours then says by its control socket when its workers
// are ready. nginx has none: there it is the first child, as nginx's workers
// share the sockets and need nobody's leave to accept.
func (linux) serving(ctx context.Context, pid int, pidFile string) error {
	err := watchFile(ctx, pidFile, func() bool {
		owner, err := ReadPIDFile(pidFile)
		return err == nil && owner == pid
	})
	if err != nil {
		return err
	}
	ok, message, err := Control(ctx, pid, string(verbReady), nil)
	switch {
	case errors.Is(err, ErrNoControl):
		return awaitChild(ctx, pid)
	case err != nil:
		return err
	case !ok:
		return fmt.Errorf("new binary process %d: %s", pid, printable(message))
	}
	return nil
}

// awaitChild waits until a process has a child. The kernel has no event for
// that, so it asks every few milliseconds; a kernel that does not show children
// is not asked.
func awaitChild(ctx context.Context, pid int) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
		if err != nil || strings.TrimSpace(string(children)) != "" {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// watchFile calls done now and whenever something changes beside path, until
// done says so.
func watchFile(ctx context.Context, path string, done func() bool) error {
	n, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return failed(err, "inotify_init1()")
	}
	f := os.NewFile(uintptr(n), "inotify")
	defer f.Close()
	dir := path[:strings.LastIndexByte(path, '/')+1]
	if _, err := unix.InotifyAddWatch(n, dir, unix.IN_CLOSE_WRITE|unix.IN_MOVED_TO); err != nil {
		return failed(err, "inotify_add_watch(%q)", dir)
	}
	defer context.AfterFunc(ctx, func() { f.SetReadDeadline(time.Now()) })()
	buf := make([]byte, 4096)
	for !done() {
		if _, err := f.Read(buf); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return failed(err, "read() of inotify")
		}
	}
	return nil
}
