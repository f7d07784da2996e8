package bundle

import (
	"os"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/conf"
)

var _, _ conf.ObjectSource = (*Recorder)(nil), (*Bundle)(nil)

// A file that has not changed is what it was for the configuration before, and what was
// made of it is made once; one that has changed, by name or in place, is read again.
func TestObjectsOfTheConfigurationBefore(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"same", "touched", "replaced", "gone"} {
		write(t, dir+"/"+name, "one")
	}
	then := time.Now().Add(-time.Hour)
	chtimes := func(name string) {
		if err := os.Chtimes(dir+"/"+name, then, then); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"same", "touched", "replaced"} {
		chtimes(name)
	}
	made := 0
	read := func(src conf.ObjectSource, name string) string {
		t.Helper()
		o, err := src.ReadObject(dir + "/" + name)
		if err != nil {
			return err.Error()
		}
		got, err := o.Make("text", func() (any, bool, error) { made++; return string(o.Data()), true, nil })
		if err != nil {
			t.Fatal(err)
		}
		return got.(string)
	}
	first := new(Recorder)
	for _, name := range []string{"same", "same", "touched", "replaced", "gone"} {
		if got := read(first, name); got != "one" {
			t.Errorf("%s: got %q", name, got)
		}
	}
	if made != 4 {
		t.Errorf("%d were made", made)
	}
	// A master that began as a daemon has the bundle of the process before it.
	memfd, err := first.Bundle().Memfd()
	if err != nil {
		t.Fatal(err)
	}
	defer memfd.Close()
	received, err := FromMemfd(memfd)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"same", "touched", "replaced", "gone"} {
		read(received, name)
	}
	write(t, dir+"/same", "two") // in place, with its time put back: as nginx, nobody looks further
	chtimes("same")
	write(t, dir+"/touched", "two")
	write(t, dir+"/new", "two")
	chtimes("new")
	if err := os.Rename(dir+"/new", dir+"/replaced"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir + "/gone"); err != nil {
		t.Fatal(err)
	}
	for name, objects := range map[string]Objects{"recorder": first.Bundle().Objects(), "bundle": received.Objects(), "nothing": nil} {
		made = 0
		next := &Recorder{Old: objects}
		same := map[bool]string{true: "two", false: "one"}[objects == nil]
		if got := read(next, "same"); got != same || (made == 0) != (objects != nil) {
			t.Errorf("%s: same is %q, %d made", name, got, made)
		}
		for _, file := range []string{"touched", "replaced"} {
			if got := read(next, file); got != "two" {
				t.Errorf("%s: %s is %q", name, file, got)
			}
		}
		if got := read(next, "gone"); got != "open "+dir+"/gone: no such file or directory" {
			t.Errorf("%s: gone is %q", name, got)
		}
		if data, err := next.Bundle().ReadFile(dir + "/same"); string(data) != same || err != nil {
			t.Errorf("%s: the bundle has %q, %v", name, data, err)
		}
	}
}
