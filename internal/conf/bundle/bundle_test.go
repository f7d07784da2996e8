package bundle

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/internal/conf"
)

var _, _ conf.Source = (*Recorder)(nil), (*Bundle)(nil)

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestWorkerSeesWhatTheMasterSaw(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a.conf", "one")
	missing, pattern := dir+"/missing", dir+"/*.conf"
	r := new(Recorder)
	if _, err := r.ReadFile(dir + "/a.conf"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadFile(dir); !errors.Is(err, syscall.EISDIR) {
		t.Fatalf("a folder: %v", err)
	}
	if _, err := r.ReadFile(missing); !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if _, err := r.Glob(pattern); err != nil {
		t.Fatal(err)
	}
	if _, err := r.LookupHost("127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/a.conf", "two") // after the master has read
	write(t, dir+"/b.conf", "two")
	write(t, missing, "two")

	memfd, err := r.Bundle().Memfd()
	if err != nil {
		t.Fatal(err)
	}
	defer memfd.Close()
	b, err := FromMemfd(memfd)
	if err != nil {
		t.Fatal(err)
	}
	for name, src := range map[string]conf.Source{"recorder": r, "bundle": b} {
		if data, err := src.ReadFile(dir + "/a.conf"); string(data) != "one" || err != nil {
			t.Errorf("%s: a.conf = %q, %v", name, data, err)
		}
		_, err := src.ReadFile(missing)
		if !errors.Is(err, syscall.ENOENT) || err.Error() != "open "+missing+": no such file or directory" {
			t.Errorf("%s: missing: %v", name, err)
		}
		if _, err := src.ReadFile(dir); !errors.Is(err, syscall.EISDIR) {
			t.Errorf("%s: a folder: %v", name, err)
		}
		got, err := src.Glob(pattern)
		if diff := cmp.Diff([]string{dir + "/a.conf"}, got); diff != "" || err != nil {
			t.Errorf("%s: glob: %v %s", name, err, diff)
		}
		if addrs, err := src.LookupHost("127.0.0.1"); err != nil || len(addrs) != 1 || addrs[0].String() != "127.0.0.1" {
			t.Errorf("%s: lookup: %v %v", name, addrs, err)
		}
	}
}

func TestBundleNeverTouchesTheDisk(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a", "secret")
	b := new(Bundle)
	if _, err := b.ReadFile(dir + "/a"); !errors.Is(err, ErrNotRecorded) {
		t.Error(err)
	}
	if _, err := b.Glob(dir + "/*"); !errors.Is(err, ErrNotRecorded) {
		t.Error(err)
	}
	if _, err := b.LookupHost("localhost"); !errors.Is(err, ErrNotRecorded) {
		t.Error(err)
	}
}

func TestFIFOIsReadOnce(t *testing.T) {
	name := t.TempDir() + "/password"
	if err := unix.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		if f, err := os.OpenFile(name, os.O_WRONLY, 0); err == nil {
			f.WriteString("secret\n")
			f.Close()
		}
	}()
	r := new(Recorder)
	for range 2 {
		if data, err := r.ReadFile(name); string(data) != "secret\n" || err != nil {
			t.Fatalf("%q, %v", data, err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	newer, err := cbor.Marshal(encoded{Version: version + 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decode(newer); !errors.Is(err, ErrVersion) {
		t.Errorf("a newer version: %v", err)
	}
	good, err := new(Bundle).Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{nil, {0xff}, []byte("hello"), append(good, 0), good[:len(good)-1]} {
		if _, err := Decode(bad); err == nil {
			t.Errorf("%x was taken for a bundle", bad)
		}
	}
}

func FuzzDecode(f *testing.F) {
	b := &Bundle{
		files: map[string]entry{"/a": {Data: []byte("x")}, "/b": {Op: "open", Errno: 2}, "/\xff": {}},
		globs: map[string][]string{"/*": {"/a", "/\xff"}, "/none": nil},
		hosts: map[string]host{"h": {Addrs: [][]byte{{127, 0, 0, 1}}}, "g": {Err: "no"}},
	}
	seed, err := b.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Decode(data)
		if err != nil {
			return
		}
		for name := range b.files {
			b.ReadFile(name)
		}
		for name := range b.hosts {
			b.LookupHost(name)
		}
		again, err := b.Encode()
		if err != nil {
			t.Fatal(err)
		}
		c, err := Decode(again)
		if err != nil {
			t.Fatalf("what was encoded cannot be decoded: %v", err)
		}
		if len(b.files) != len(c.files) || len(b.globs) != len(c.globs) || len(b.hosts) != len(c.hosts) {
			t.Fatal("the copy differs")
		}
	})
}
