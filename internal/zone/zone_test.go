package zone

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

// In the tests of the lock this program is also the other process.
func TestMain(m *testing.M) {
	if mode := os.Getenv("ZONE_TEST_MODE"); mode != "" {
		other(mode)
		return
	}
	os.Exit(m.Run())
}

func spec(size int64) Spec { return Spec{Name: "one", Tag: "test", Key: "$key", Size: size} }

// opened returns a mapped zone and its file, which the test closes.
func opened(t testing.TB, size int64) (*Zone, *fd.Owned) {
	t.Helper()
	s := new(Set)
	z, _, err := s.Declare(spec(size))
	if err == nil {
		err = s.Open(nil, nil)
	}
	if err == nil {
		err = s.Map()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return z, z.file
}

// other maps the zone that is its descriptor 3.
func other(mode string) {
	s := new(Set)
	z, _, err := s.Declare(spec(1 << 20))
	if err == nil {
		err = s.Adopt([]Named{{"zone:one", fd.New(3)}})
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	table := z.Table()
	switch mode {
	case "hold": // dies with the lock, in the middle of a change
		table.Lock()
		e, _ := table.Insert("half", 8)
		setMark(e.cell, 0)
		fmt.Println("ready")
		_ = unix.Pause()
	case "seat":
		z.Lock()
		seat, err := z.Seats(nil).Take()
		z.Unlock()
		fmt.Println("ready", seat, err)
		_ = unix.Pause()
	case "count":
		fmt.Println("ready")
		for range 20000 {
			increment(table, "n")
		}
	}
}

func increment(t *Table, key string) {
	t.Lock()
	defer t.Unlock()
	e, ok := t.Find(key)
	if !ok {
		e, _ = t.Insert(key, 8)
	}
	binary.NativeEndian.PutUint64(e.Value(), binary.NativeEndian.Uint64(e.Value())+1)
}

// start runs other, and returns when it is ready, with what it said.
func start(t *testing.T, file *fd.Owned, mode string) (*exec.Cmd, string) {
	t.Helper()
	copied, err := file.Dup()
	if err != nil {
		t.Fatal(err)
	}
	f := copied.File("zone")
	defer f.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "ZONE_TEST_MODE="+mode)
	cmd.ExtraFiles = []*os.File{f}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	said := make([]byte, 100)
	n, err := out.Read(said)
	if err != nil || !strings.HasPrefix(string(said[:n]), "ready") {
		t.Fatalf("the other process says %q, %v", said[:n], err)
	}
	return cmd, string(said[:n])
}

func TestLockOfTheDeadIsBroken(t *testing.T) {
	z, file := opened(t, 1<<20)
	table := z.Table()
	table.Lock()
	for i := range 500 {
		table.Insert(fmt.Sprint("before ", i), 8)
	}
	table.Unlock()
	cmd, _ := start(t, file, "hold")
	var told []string
	z.mem.notify = func(text string) { told = append(told, text) }
	done := make(chan int)
	go func() {
		increment(table, "n")
		table.Lock()
		defer table.Unlock()
		n := 0
		for i := range 500 {
			if _, ok := table.Find(fmt.Sprint("before ", i)); ok {
				n++
			}
		}
		if _, ok := table.Find("half"); ok {
			n = -1
		}
		done <- n
	}()
	select {
	case <-done:
		t.Fatal("the lock of a living process was taken")
	case <-time.After(3 * patience):
	}
	if err := cmd.Process.Kill(); err != nil { // a zombie until it is waited for
		t.Fatal(err)
	}
	select {
	case n := <-done:
		if n != 500 {
			t.Errorf("%d of 500 entries are left", n)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the lock of a dead process hangs")
	}
	if len(told) != 1 || !strings.Contains(told[0], "has died") {
		t.Errorf("told %q", told)
	}
	verify(t, table)
}

func TestLockCountsExactly(t *testing.T) {
	z, file := opened(t, 1<<20)
	table := z.Table()
	first, _ := start(t, file, "count")
	second, _ := start(t, file, "count")
	for range 2 {
		go func() {
			for range 5000 {
				increment(table, "n")
			}
		}()
	}
	_, _ = first.Process.Wait()
	_, _ = second.Process.Wait()
	var n uint64
	for end := time.Now().Add(30 * time.Second); n != 50000; time.Sleep(time.Millisecond) {
		table.Lock()
		e, _ := table.Find("n")
		n = binary.NativeEndian.Uint64(e.Value())
		table.m.unlock()
		if time.Now().After(end) {
			t.Fatalf("counted %d, want 50000", n)
		}
	}
}

func TestSeatsOfTheDeadAreFreed(t *testing.T) {
	z, file := opened(t, 1<<20)
	cmd, said := start(t, file, "seat")
	if said != "ready 0 <nil>\n" {
		t.Fatal(said)
	}
	var freed []int
	seats := z.Seats(func(seat int) { freed = append(freed, seat) })
	z.Lock()
	defer z.Unlock()
	if seat, err := seats.Take(); seat != 1 || err != nil {
		t.Fatalf("seat %d, %v", seat, err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	seats.swept = time.Time{}
	if !seats.Sweep() || len(freed) != 1 || freed[0] != 0 || seats.Owner(0) != 0 || seats.Owner(1) == 0 {
		t.Errorf("freed %v", freed)
	}
}

// A model of the table, in this process's memory, must agree with it.
func TestTableAgreesWithMap(t *testing.T) {
	z, _ := opened(t, 64<<10)
	table := z.Table()
	model := map[string]byte{}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		key := strings.Repeat("k", random.IntN(3)*random.IntN(2500)) + fmt.Sprint(random.IntN(300))
		func() {
			table.Lock()
			defer table.Unlock()
			e, ok := table.Find(key)
			want, known := model[key]
			if ok != known || ok && e.Value()[0] != want {
				t.Fatalf("%.20s: found %v, want %v", key, ok, known)
			}
			switch {
			case ok && random.IntN(2) == 0:
				table.Delete(e)
				delete(model, key)
			case ok:
				table.Touch(e)
			default:
				for {
					if e, ok = table.Insert(key, 1+random.IntN(40)); ok {
						e.Value()[0] = byte(len(model))
						model[key] = byte(len(model))
						return
					}
					oldest, any := table.Oldest()
					if !any {
						t.Fatalf("no room for %d bytes in an empty table", len(key))
					}
					delete(model, string(oldest.Key()))
					table.Delete(oldest)
				}
			}
		}()
	}
	verify(t, table)
	table.Lock()
	for {
		e, ok := table.Oldest()
		if !ok {
			break
		}
		delete(model, string(e.Key()))
		table.Delete(e)
	}
	table.m.pagesFor(table.m.shape.pages + 1) // gives up spare pages
	if left := table.m.get(atUsed); left != 0 || len(model) != 0 {
		t.Errorf("%d pages in use by nothing, %d keys lost", left, len(model))
	}
	table.m.unlock()
}

// verify rebuilds the table and checks that this finds what was there.
func verify(t *testing.T, table *Table) {
	t.Helper()
	count := func() (n int) {
		for r := ref(table.m.get(atOldest)); r != 0; n++ {
			r = ref(table.entry(r).field(entryNewer))
		}
		return n
	}
	table.Lock()
	defer table.m.unlock()
	table.m.pagesFor(table.m.shape.pages + 1) // gives up spare pages
	before, pages := count(), table.m.get(atUsed)
	table.rebuild()
	if after := count(); after != before || table.m.get(atUsed) != pages {
		t.Errorf("%d entries in %d pages, rebuilt %d in %d", before, pages, after, table.m.get(atUsed))
	}
}

func FuzzDamagedTable(f *testing.F) {
	f.Add(uint64(1), []byte("abcdefgh"))
	f.Add(uint64(99), []byte{0xff, 0xff, 0xff, 0xff, 0, 1})
	z, _ := opened(f, 64<<10)
	f.Fuzz(func(t *testing.T, seed uint64, what []byte) { damageTable(z, seed, what) })
}

// damageTable fills a table, writes over it, and uses it.
func damageTable(z *Zone, seed uint64, what []byte) {
	table := z.Table()
	clear(table.m.data[atNewest:pageSize])
	clear(table.m.data[bucketsAt:])
	random := rand.New(rand.NewPCG(seed, 0))
	key := func() string {
		return strings.Repeat("x", random.IntN(2)*random.IntN(3000)) + fmt.Sprint(random.IntN(50))
	}
	use := func(rounds int) {
		for range rounds {
			increment2(table, key(), random.IntN(8))
		}
	}
	use(100)
	for len(what) > 0 {
		n := min(len(what), 4)
		at := atNewest + random.IntN(100)
		if random.IntN(3) > 0 {
			at = bucketsAt + random.IntN(len(table.m.data)-bucketsAt-4)
		}
		copy(table.m.data[at:], what[:n])
		what = what[n:]
	}
	use(100)
	table.Lock()
	table.recover()
	table.m.unlock()
	use(100)
}

func increment2(t *Table, key string, choice int) {
	t.Lock()
	defer t.Unlock()
	e, ok := t.Find(key)
	switch {
	case !ok:
		if _, ok = t.Insert(key, 8); !ok {
			if e, ok = t.Oldest(); ok {
				t.Delete(e)
			}
		}
	case choice == 0:
		t.Delete(e)
	default:
		t.Touch(e)
	}
}

func TestDamagedTable(t *testing.T) {
	z, _ := opened(t, 64<<10)
	random := rand.New(rand.NewPCG(3, 4))
	for seed := range uint64(300) {
		what := make([]byte, 4*random.IntN(40))
		for i := range what {
			if random.IntN(2) == 0 {
				what[i] = byte(random.IntN(256))
			}
		}
		damageTable(z, seed, what)
	}
}

func TestZonesGoOn(t *testing.T) {
	before := descriptors(t)
	declare := func(spec ...Spec) *Set {
		s := new(Set)
		for _, one := range spec {
			if _, _, err := s.Declare(one); err != nil {
				t.Fatal(err)
			}
		}
		return s
	}
	old := declare(spec(1<<20), Spec{Name: "gone", Tag: "test", Size: 1 << 16})
	if err := old.Open(nil, nil); err != nil {
		t.Fatal(err)
	}
	same, larger := declare(spec(1<<20)), declare(spec(2<<20))
	for _, s := range []*Set{same, larger} {
		if err := s.Open(old, nil); err != nil {
			t.Fatal(err)
		}
	}
	if inode(t, same.zones[0].file) != inode(t, old.zones[0].file) {
		t.Error("a zone was made anew")
	}
	if inode(t, larger.zones[0].file) == inode(t, old.zones[0].file) {
		t.Error("a zone of another size was kept")
	}
	otherKey := spec(1 << 20)
	otherKey.Key = "$other"
	err := declare(otherKey).Open(old, nil)
	if want := `test "one" uses the "$other" key while previously it used the "$key" key`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	// To another binary: the key may be another one, the zone then is, too.
	heir, stranger := declare(spec(1<<20)), declare(otherKey)
	for _, s := range []*Set{heir, stranger} {
		if err := s.Open(nil, old.Files()); err != nil {
			t.Fatal(err)
		}
	}
	if inode(t, heir.zones[0].file) != inode(t, old.zones[0].file) || inode(t, stranger.zones[0].file) == inode(t, old.zones[0].file) {
		t.Error("the wrong zone was inherited")
	}
	unsized := new(Set)
	if _, err := unsized.Use("x", "test"); err != nil {
		t.Fatal(err)
	}
	if err := unsized.Open(old, nil); err == nil || err.Error() != `zero size shared memory zone "x"` {
		t.Error(err)
	}
	for _, s := range []*Set{old, same, larger, heir, stranger, unsized} {
		s.Close()
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func TestForeignFilesAreRefused(t *testing.T) {
	sealed, err := fd.Memfd("x", make([]byte, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer sealed.Close()
	if err := check(sealed, spec(1<<20)); err == nil {
		t.Error("a file of zeros is taken for a zone")
	}
	z, file := opened(t, 1<<20)
	if err := unix.Ftruncate(file.Raw(), 0); err == nil {
		t.Error("a zone was truncated")
	}
	z.mem.put(atLayout, layout+1)
	if err := check(file, spec(1<<20)); err == nil {
		t.Error("another layout is taken")
	}
}

func TestTableDoesNotAllocate(t *testing.T) {
	z, _ := opened(t, 1<<20)
	if n := testing.AllocsPerRun(1000, func() { increment(z.Table(), "key") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkFindAndChange(b *testing.B) {
	z, _ := opened(b, 10<<20)
	table := z.Table()
	for i := range 50000 {
		increment(table, fmt.Sprint(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		increment(table, "4711")
	}
}

func inode(t *testing.T, o *fd.Owned) uint64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Fstat(o.Raw(), &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
