package log

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/fd"
)

func TestFileIsOpenedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "both.log")
	files := openLogs(t)
	f, err := opened(files, path)
	if err != nil {
		t.Fatal(err)
	}
	l := mustLogger(t, files, Spec{Level: Error, Path: path})
	again, err := opened(files, path)
	if err != nil || again != f || l.outputs[0].file != f || f.Path() != path {
		t.Fatalf("the file was opened twice, %v", err)
	}
	if lent := files.Handout(); len(lent) != 1 || lent[0].Name != "log:"+path {
		t.Fatalf("handed out: %v", lent)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&^0o644 != 0 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
}

func TestOpenFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "e.log")
	files := openLogs(t)
	if _, err := files.Logger([]Spec{{Level: Error, Path: path}}); err != nil {
		t.Fatalf("naming a file opened it: %v", err)
	}
	err := files.Open()
	want := "open() \"" + path + "\" failed (2: No such file or directory)"
	if err == nil || err.Error() != want || !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%v, want %s", err, want)
	}
}

// A worker writes to what it was given, and opens nothing.
func TestAdopt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.log")
	master := openLogs(t)
	mustLogger(t, master, Spec{Level: Error, Path: path})
	var given []Named
	for _, n := range master.Handout() {
		o, err := n.FD.Dup()
		if err != nil {
			t.Fatal(err)
		}
		given = append(given, Named{n.Name, o})
	}
	stranger, err := given[0].FD.Dup()
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	given = append(given, Named{"listen 127.0.0.1:80", stranger})

	worker := AdoptFiles(given)
	defer worker.Close()
	if stranger.Raw() < 0 {
		t.Error("a descriptor that is no log was taken")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	l := mustLogger(t, worker, Spec{Level: Error, Path: path})
	l.Log(Error, 0, "into the removed file")
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the worker opened its path: %v", err)
	}
	if _, err := worker.File(path + ".other"); err == nil {
		t.Error("the worker opened a path")
	}
	if _, err := worker.Reopen(-1); err == nil {
		t.Error("the worker reopened")
	}
}

// Rotation: rename, then USR1 in the master, then Replace in the worker.
func TestReopenAndReplace(t *testing.T) {
	dir := t.TempDir()
	path, gone := filepath.Join(dir, "e.log"), filepath.Join(dir, "gone", "a.log")
	if err := os.Mkdir(filepath.Dir(gone), 0o755); err != nil {
		t.Fatal(err)
	}
	master := openLogs(t)
	l := mustLogger(t, master, Spec{Level: Error, Path: path})
	master.SetMain(l)
	if _, err := opened(master, gone); err != nil {
		t.Fatal(err)
	}
	first, err := master.Handout()[0].FD.Dup()
	if err != nil {
		t.Fatal(err)
	}
	worker := AdoptFiles([]Named{{"log:" + path, first}})
	defer worker.Close()
	w := mustLogger(t, worker, Spec{Level: Error, Path: path})

	l.Log(Error, 0, "before")
	w.Log(Error, 0, "before")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Dir(gone)); err != nil {
		t.Fatal(err)
	}
	lent, err := master.Reopen(os.Getuid())
	if err == nil || !strings.Contains(err.Error(), "open() \""+gone+"\" failed (2: ") {
		t.Errorf("reopening in a folder that is gone: %v", err)
	}
	if len(lent) != 1 || lent[0].Name != "log:"+path {
		t.Fatalf("reopened %v", lent)
	}
	l.Log(Error, 0, "after")
	w.Log(Error, 0, "still before")
	next, err := lent[0].FD.Dup()
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Replace(lent[0].Name, next); err != nil {
		t.Fatal(err)
	}
	w.Log(Error, 0, "after")
	if got := messages(content(t, path+".1")); got != "before,before,still before" {
		t.Errorf("the renamed file has %s", got)
	}
	if got := messages(content(t, path)); !strings.HasSuffix(got, "(2: No such file or directory),after,after") {
		t.Errorf("the new file has %s", got)
	}
	spare, err := lent[0].FD.Dup()
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Replace("log:/unknown", spare); err == nil || spare.Raw() >= 0 {
		t.Errorf("replacing an unknown name: %v, descriptor %d", err, spare.Raw())
	}
}

func messages(log string) string {
	head := regexp.MustCompile(`(?m)^.*?#\d+: `)
	return strings.ReplaceAll(strings.TrimSpace(head.ReplaceAllString(log, "")), "\n", ",")
}

func TestReopenGivesTheFileToTheWorker(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("chown needs root")
	}
	path := filepath.Join(t.TempDir(), "e.log")
	files := openLogs(t)
	if _, err := opened(files, path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o044); err != nil {
		t.Fatal(err)
	}
	if _, err := files.Reopen(4242); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if uid := info.Sys().(*syscall.Stat_t).Uid; uid != 4242 || info.Mode().Perm() != 0o644 {
		t.Errorf("owner %d, mode %o", uid, info.Mode().Perm())
	}
}

func TestWriteLineComplainsOnceAMinute(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.log")
	files := openLogs(t)
	l := mustLogger(t, files, Spec{Level: Error, Path: path})
	full, err := opened(files, "/dev/full")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := full.WriteLine([]byte("line\n")); err != nil {
			l.Log(Alert, 9, err.Error())
		}
	}
	if got := messages(content(t, path)); got != "*9 write() to \"/dev/full\" failed (28: No space left on device)" {
		t.Errorf("error log has %s", got)
	}
	if full.full.Load() == 0 {
		t.Error("the full disk was not noted")
	}
}

// A line is not torn and no descriptor is used after it was closed, whoever
// reopens, replaces and closes meanwhile.
func TestWritersDuringReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.log")
	files := openLogs(t)
	l := mustLogger(t, files, Spec{Level: Error, Path: path})
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					l.Log(Error, 1, "whole line")
				}
			}
		})
	}
	for range 50 {
		lent, err := files.Reopen(-1)
		if err != nil {
			t.Error(err)
			break
		}
		o, err := lent[0].FD.Dup()
		if err != nil {
			t.Error(err)
			break
		}
		if err := files.Replace(lent[0].Name, o); err != nil {
			t.Error(err)
		}
		time.Sleep(100 * time.Microsecond)
	}
	files.Close()
	close(stop)
	writers.Wait()
	for line := range strings.Lines(content(t, path)) {
		if !strings.HasSuffix(line, ": *1 whole line\n") {
			t.Fatalf("torn line %q", line)
		}
	}
	if _, err := opened(files, path+".late"); err == nil {
		t.Error("opened after Close")
	}
	o := new(fd.Owned)
	if err := files.Replace("log:"+path, o); err == nil {
		t.Error("replaced after Close")
	}
}

func TestStderrTarget(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.log")
	files := openLogs(t)
	if files.StderrTarget() != nil {
		t.Error("a target without a main logger")
	}
	files.SetMain(mustLogger(t, files, Spec{Level: Error, Path: path}, Spec{Level: Debug, Syslog: &Syslog{Path: "/none"}}))
	if files.StderrTarget() != files.Handout()[0].FD {
		t.Error("the target is not the main log's file")
	}
	mustLogger(t, files, Spec{Level: Error, Stderr: true})
	if files.StderrTarget() != nil {
		t.Error("stderr would be taken away from an error_log")
	}
}
