package cache

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/zone"
)

// made is a cache in a folder of the test's.
func made(t *testing.T, size int64) *Cache {
	t.Helper()
	set := new(zone.Set)
	z, _, err := set.Declare(zone.Spec{Name: "one", Tag: "test", Key: "k", Size: size})
	if err == nil {
		err = set.Open(nil, nil)
	}
	if err == nil {
		err = set.Map()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	pace := Pace{Files: 1000, Threshold: time.Minute, Sleep: time.Millisecond}
	c := &Cache{Name: "one", Dir: t.TempDir(), Levels: []int{1, 2}, Inactive: 10 * time.Second, MaxSize: 1 << 60, Manager: pace, Loader: pace,
		Zone: z, tell: log.NewConsole("test", log.Alert)}
	c.sit()
	return c
}

// store puts a file of some bytes into c.
func store(t *testing.T, c *Cache, k Key, size int, now int64) string {
	t.Helper()
	name := string(c.AppendName(nil, k))
	f, temp, err := c.CreateTemp(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.WriteFile(temp, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	onDisk, err := c.Place(f, temp, name)
	if err != nil {
		t.Fatal(err)
	}
	c.Stored(k, HeaderSize, onDisk, now)
	return name
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func TestName(t *testing.T) {
	c := &Cache{Dir: "/data", Levels: []int{1, 2}}
	var k Key
	_, _ = hex.Decode(k[:], []byte("b7f54b2df7773722d382f4809d65029c"))
	const want = "/data/c/29/b7f54b2df7773722d382f4809d65029c"
	if got := string(c.AppendName(nil, k)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, ok := keyOfName(want); !ok || got != k {
		t.Errorf("%x, %v", got, ok)
	}
	if !isTemporary(want+".0123456789") || isTemporary(want) {
		t.Error("temporary files are not told from others")
	}
}

func TestVariant(t *testing.T) {
	lines := func(name string) []string {
		return map[string][]string{"accept-encoding": {"gzip,  br", "x"}, "x-a": {"1", "2"}}[name]
	}
	same := func(name string) []string {
		return map[string][]string{"accept-encoding": {"gzip, br , x"}, "x-a": {"1,2"}}[name]
	}
	a, b := Variant(Key{1}, "Accept-Encoding, X-A", lines), Variant(Key{1}, "accept-encoding x-a", same)
	if a != b {
		t.Error("lines that mean the same make another variant")
	}
	if a == Variant(Key{2}, "Accept-Encoding, X-A", lines) || a == Variant(Key{1}, "Accept-Encoding", lines) {
		t.Error("different answers have the same variant")
	}
}

func TestIndexKnowsFiles(t *testing.T) {
	c, k := made(t, 64<<10), Key{1}
	if f := c.Look(k, 2, false, 100); f.Kind != New || !f.Cold {
		t.Errorf("at first: %+v", f)
	}
	if f := c.Look(k, 3, false, 100); f.Kind != Rare {
		t.Errorf("asked for twice, of three times: %+v", f)
	}
	if f := c.Look(k, 3, false, 100); f.Kind != Known || f.Exists {
		t.Errorf("asked for three times: %+v", f)
	}
	c.Stored(k, 400, 5000, 100)
	if f := c.Look(k, 5, false, 100); f.Kind != Known || !f.Exists || f.BodyStart != 400 {
		t.Errorf("stored: %+v", f)
	}
	if blocks, count, _ := c.Size(); blocks != (5000+c.block-1)/c.block || count != 1 {
		t.Errorf("%d blocks, %d nodes", blocks, count)
	}
}

func TestOneGetsTheLock(t *testing.T) {
	c, k := made(t, 64<<10), Key{1}
	c.Look(k, 1, false, 100)
	ticket := c.Lock(k, time.Second, 5000)
	if ticket == 0 || c.Lock(k, time.Second, 5999) != 0 || !c.Locked(k, 5999) {
		t.Fatal("two have the lock, or nobody")
	}
	if second := c.Lock(k, time.Second, 6000); second == 0 || second == ticket {
		t.Error("a lock of old age is not given to another one")
	}
	c.Free(k, ticket, 0, 0, 1) // of who was too slow
	if !c.Locked(k, 6001) {
		t.Error("one has given back another's lock")
	}
	c.Stored(k, 400, 1, 100)
	if c.Locked(k, 6001) {
		t.Error("locked though it is there")
	}
	if first := c.Update(k); first == 0 || c.Update(k) != 0 {
		t.Error("two update at once")
	}
	c.table.Lock()
	_, n, _ := c.node(k)
	n.put(nodeOwner, int64(c.self)+1) // a process that has no seat any more
	c.table.Unlock()
	if c.Update(k) == 0 {
		t.Error("a dead process updates for ever")
	}
}

func TestFailuresAreRemembered(t *testing.T) {
	c, k := made(t, 64<<10), Key{1}
	c.Look(k, 1, false, 100)
	c.Free(k, 0, 502, 110, 1)
	if f := c.Look(k, 1, false, 110); f.Status != 502 {
		t.Errorf("%+v", f)
	}
	if f := c.Look(k, 1, false, 111); f.Status != 0 || f.Kind != New {
		t.Errorf("afterwards: %+v", f)
	}
}

func TestManagerRemoves(t *testing.T) {
	now := time.Now().Unix()
	c := made(t, 64<<10)
	old := store(t, c, Key{1}, 100, now-20)
	fresh := store(t, c, Key{2}, 100, now)
	c.manage(context.Background())
	if exists(old) || !exists(fresh) {
		t.Errorf("old: %v, fresh: %v", exists(old), exists(fresh))
	}
	newest := store(t, c, Key{3}, 5000, now)
	blocks, _, _ := c.Size()
	c.MaxSize = blocks * c.block
	c.manage(context.Background())
	if exists(fresh) || !exists(newest) {
		t.Errorf("too much: oldest: %v, newest: %v", exists(fresh), exists(newest))
	}
	c.MinFree = 1 << 62
	c.manage(context.Background())
	if blocks, count, _ := c.Size(); exists(newest) || blocks != 0 || count != 0 {
		t.Errorf("the disk is full: %v, %d blocks, %d nodes", exists(newest), blocks, count)
	}
}

func TestFullIndexForgetsTheOldest(t *testing.T) {
	c := made(t, smallestTable)
	now := time.Now().Unix()
	first := store(t, c, Key{0, 0, 1}, 1, now)
	for i := range 1000 {
		k := Key{byte(i), byte(i >> 8), 2}
		if f := c.Look(k, 1, false, now); f.Kind != New {
			t.Fatalf("%d: %+v", i, f)
		}
	}
	if exists(first) {
		t.Error("the oldest file is there still")
	}
	if _, count, mark := c.Size(); mark == 0 || count < mark {
		t.Errorf("%d nodes, %d are too many", count, mark)
	}
	c.manage(context.Background())
	if _, count, mark := c.Size(); count >= mark {
		t.Errorf("afterwards %d nodes, %d are too many", count, mark)
	}
}

func TestLoaderFindsFiles(t *testing.T) {
	before := made(t, 64<<10)
	now := time.Now().Unix()
	name := store(t, before, Key{7}, 5000, now)
	c := made(t, 64<<10)
	c.Dir = before.Dir
	foreign, temporary, small := filepath.Join(c.Dir, "readme"), name+".0000000001", string(c.AppendName(nil, Key{8}))
	if err := c.makeFolders(small); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{foreign, temporary, small} {
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.load(context.Background())
	if f := c.Look(Key{7}, 1, false, now); f.Kind != Known || !f.Exists {
		t.Errorf("%+v", f)
	}
	if c.isCold() || exists(foreign) || exists(small) || !exists(temporary) || !exists(name) {
		t.Errorf("cold %v, foreign %v, small %v, temporary %v, file %v", c.isCold(), exists(foreign), exists(small), exists(temporary), exists(name))
	}
}

func TestOneProcessIsTheManager(t *testing.T) {
	c := made(t, 64<<10)
	for range 2 {
		if !c.lead() {
			t.Fatal("nobody is the manager")
		}
	}
	self := c.self
	c.self, c.seat = 12345, 77 // another process
	if c.lead() {
		t.Error("two are")
	}
	c.self = self
	c.resign()
	c.self = 12345
	if !c.lead() {
		t.Error("the manager has resigned, and nobody takes its place")
	}
	c.self = self
	if !c.lead() {
		t.Error("the manager is dead, and nobody takes its place")
	}
}

func TestRunEnds(t *testing.T) {
	c := made(t, 64<<10)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { c.Run(ctx, log.NewConsole("test", log.Alert)); close(done) }()
	cancel()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("it does not end")
	}
}

func TestFilesAreReplaced(t *testing.T) {
	c, k := made(t, 64<<10), Key{1}
	key := []byte("k")
	h := Header{LastModified: 7, HeadStart: HeadStart(1), BodyStart: HeadStart(1)}
	name := string(c.AppendName(nil, k))
	if err := c.makeFolders(name); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, h.AppendStart(nil, key), 0o600); err != nil {
		t.Fatal(err)
	}
	var f File
	if call, errno := f.Open(append([]byte(name), 0)); errno != 0 {
		t.Fatal(call, errno)
	}
	defer f.Close()
	renewed := h
	renewed.ValidUntil = 99
	if err := f.Refresh(name, &h, &renewed, key); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, h.BodyStart)
	if n, errno := f.ReadStart(buf); n != len(buf) || errno != 0 {
		t.Fatal(n, errno)
	}
	var got Header
	if err := got.Parse(buf, key, 0); err != nil || got.ValidUntil != 99 {
		t.Errorf("%+v, %v", got, err)
	}
	left, _ := os.ReadDir(c.Dir)
	if text := fmt.Sprint(left); strings.Contains(text, ".0") {
		t.Errorf("left: %s", text)
	}
}
