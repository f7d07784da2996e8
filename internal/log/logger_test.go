package log

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/fd"
	"golang.org/x/sys/unix"
)

// openLogs returns Files that the test closes.
func openLogs(t *testing.T) *Files {
	t.Helper()
	before := countDescriptors(t)
	files := NewFiles()
	t.Cleanup(func() {
		files.Close()
		if after := countDescriptors(t); after != before {
			t.Errorf("%d descriptors before, %d after", before, after)
		}
	})
	return files
}

func countDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries { // Go's poller keeps its own
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && !strings.HasPrefix(to, "anon_inode:") {
			n++
		}
	}
	return n
}

func mustLogger(t *testing.T, files *Files, specs ...Spec) *Logger {
	t.Helper()
	l, err := files.Logger(specs)
	if err == nil && !files.adopted {
		err = files.Open()
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// opened names a file and opens it.
func opened(files *Files, path string) (*File, error) {
	f, err := files.File(path)
	if err != nil {
		return nil, err
	}
	return f, files.Open()
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestLineHasNginxsForm(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.log")
	l := mustLogger(t, openLogs(t), Spec{Level: Info, Path: path})
	before := time.Now().Truncate(time.Second)
	l.Log(Error, 7, "one")
	l.LogBytes(Notice, 0, []byte("two"))
	l.Logf(Emerg, 0, "%s(%d)", "three", 3)
	l.Log(Debug, 0, "unseen")
	got := content(t, path)
	want := regexp.MustCompile(fmt.Sprintf(
		`^(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[error\] %[1]d#%[1]d: \*7 one\n.* \[notice\] %[1]d#%[1]d: two\n.* \[emerg\] %[1]d#%[1]d: three\(3\)\n$`,
		os.Getpid()))
	m := want.FindStringSubmatch(got)
	if m == nil {
		t.Fatalf("log is\n%s", got)
	}
	when, err := time.ParseInLocation("2006/01/02 15:04:05", m[1], time.Local)
	if err != nil || when.Before(before) || when.After(time.Now()) {
		t.Fatalf("time %s is not now: %v", m[1], err)
	}
}

func TestLongLineIsCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.log")
	l := mustLogger(t, openLogs(t), Spec{Level: Error, Path: path})
	l.Log(Error, 1, strings.Repeat("x", 5000))
	got := content(t, path)
	if len(got) != 2048 || !strings.HasSuffix(got, "x\n") {
		t.Fatalf("line has %d bytes and ends with %q", len(got), got[len(got)-2:])
	}
}

// Each output gets lines down to its own level, and a file that is named twice
// gets them twice.
func TestSeveralOutputs(t *testing.T) {
	dir := t.TempDir()
	quiet, talkative := filepath.Join(dir, "quiet"), filepath.Join(dir, "talkative")
	l := mustLogger(t, openLogs(t),
		Spec{Level: Crit, Path: quiet}, Spec{Level: Debug, Path: talkative}, Spec{Level: Warn, Path: quiet})
	for level := Emerg; level <= Debug; level++ {
		if !l.Enabled(level) {
			t.Errorf("%s is not enabled", level)
		}
		l.Log(level, 0, "line")
	}
	if n := strings.Count(content(t, talkative), "line\n"); n != 8 {
		t.Errorf("debug output has %d lines, want 8", n)
	}
	if n := strings.Count(content(t, quiet), "line\n"); n != 3+5 {
		t.Errorf("the file named twice has %d lines, want 8", n)
	}
	if n := strings.Count(content(t, quiet), "[warn]"); n != 1 {
		t.Errorf("[warn] stands %d times in the file named twice, want once", n)
	}
}

func TestNilAndEmptyLoggersDiscard(t *testing.T) {
	var l *Logger
	l.Log(Emerg, 0, "nowhere")
	l.Slog().Error("nowhere")
	empty := mustLogger(t, openLogs(t))
	if empty.Enabled(Emerg) {
		t.Error("a logger without outputs is enabled")
	}
}

// captureStderr returns what f writes to descriptor 2.
func captureStderr(t *testing.T, f func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	pipe, err := fd.FromFile(w)
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	saved, err := fd.New(2).Dup()
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Dup3(pipe.Raw(), 2, 0); err != nil {
		t.Fatal(err)
	}
	f()
	if err := unix.Dup3(saved.Raw(), 2, 0); err != nil {
		t.Fatal(err)
	}
	saved.Close()
	pipe.Close()
	var out bytes.Buffer
	if _, err := out.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestConsole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.log")
	files := openLogs(t)
	toFile := mustLogger(t, files, Spec{Level: Error, Path: path}).WithConsole("nginx")
	toStderr := mustLogger(t, files, Spec{Level: Notice, Stderr: true}).WithConsole("nginx")
	got := captureStderr(t, func() {
		NewConsole("nginx", Notice).Log(Notice, 0, "alone")
		NewConsole("nginx", Warn).Log(Notice, 0, "too quiet")
		toFile.Log(Emerg, 5, "both")
		toFile.Log(Warn, 0, "console only")
		toFile.Log(Notice, 0, "neither")
		toStderr.Log(Emerg, 0, "once")
	})
	want := regexp.MustCompile(`^nginx: \[notice\] alone\n` +
		`nginx: \[emerg\] both\nnginx: \[warn\] console only\n` +
		`\d{4}/.* \[emerg\] \d+#\d+: once\n$`)
	if !want.MatchString(got) {
		t.Errorf("stderr has\n%s", got)
	}
	if got := content(t, path); strings.Count(got, "\n") != 1 || !strings.Contains(got, ": *5 both\n") {
		t.Errorf("the file has\n%s", got)
	}
}

func TestSlog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.log")
	s := mustLogger(t, openLogs(t), Spec{Level: Debug, Path: path}).Slog()
	for _, level := range []slog.Level{-8, -4, 0, 2, 4, 8, 9, 10, 12, 14, 20} {
		s.Log(context.Background(), level, "x")
	}
	s.Error("open() \"/x\" failed", "err", unix.EACCES, "pid", 12)
	s.With("slot", 3).WithGroup("worker").Info("gone", "err", fmt.Errorf("read: %w", fs.ErrClosed), "pid", 4,
		slog.Group("exit", "code", 0))
	var levels, messages []string
	for line := range strings.Lines(content(t, path)) {
		_, rest, _ := strings.Cut(line, "[")
		level, rest, _ := strings.Cut(rest, "]")
		_, msg, _ := strings.Cut(rest, ": ")
		levels, messages = append(levels, level), append(messages, msg)
	}
	if got := strings.Join(levels[:11], " "); got != "debug debug info notice warn error error crit alert emerg emerg" {
		t.Errorf("levels are %s", got)
	}
	want := []string{
		"open() \"/x\" failed (13: Permission denied), pid: 12\n",
		"gone, slot: 3: read: file already closed, worker.pid: 4, worker.exit.code: 0\n",
	}
	for i, w := range want {
		if messages[11+i] != w {
			t.Errorf("line is %q, want %q", messages[11+i], w)
		}
	}
}

func TestErrText(t *testing.T) {
	for err, want := range map[error]string{
		unix.EADDRINUSE:                       "98: Address already in use",
		&fs.PathError{Err: unix.ENOENT}:       "2: No such file or directory",
		errors.New("plain"):                   "plain",
		fmt.Errorf("wrapped: %w", unix.EPERM): "1: Operation not permitted",
	} {
		if got := ErrText(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
	err := Failed("open() \"/x\"", unix.EACCES)
	if err.Error() != "open() \"/x\" failed (13: Permission denied)" || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Failed: %v", err)
	}
}

func TestNoAllocation(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	files := openLogs(t)
	f, err := opened(files, "/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	full, err := opened(files, "/dev/full")
	if err != nil {
		t.Fatal(err)
	}
	l := mustLogger(t, files, Spec{Level: Error, Path: "/dev/null"})
	line, msg := []byte("line\n"), []byte("message")
	for name, call := range map[string]func(){
		"disabled level":          func() { l.Log(Debug, 1, "x") },
		"disabled level, nil":     func() { (*Logger)(nil).Log(Emerg, 1, "x") },
		"disabled level, bytes":   func() { l.LogBytes(Debug, 1, msg) },
		"File.Write":              func() { _, _ = f.Write(line) },
		"File.Write, disk full":   func() { _, _ = full.Write(line) },
		"File.WriteLine":          func() { _ = f.WriteLine(line) },
		"a line, the clock aside": func() { l.LogBytes(Error, 1, msg) },
	} {
		if n := testing.AllocsPerRun(200, call); n >= 1 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkLog(b *testing.B) {
	files := NewFiles()
	defer files.Close()
	l, err := files.Logger([]Spec{{Level: Error, Path: "/dev/null"}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		l.Log(Error, 1, "open() \"/x\" failed (2: No such file or directory)")
	}
}

func BenchmarkDisabled(b *testing.B) {
	l := &Logger{level: Error}
	b.ReportAllocs()
	for b.Loop() {
		l.Log(Debug, 1, "x")
	}
}
