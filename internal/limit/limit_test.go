package limit

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/zone"
)

// In the test of dead processes this program is also the other process.
func TestMain(m *testing.M) {
	if os.Getenv("LIMIT_TEST_OTHER") == "" {
		os.Exit(m.Run())
	}
	s := new(zone.Set)
	z, _, _ := s.Declare(zone.Spec{Name: "z", Tag: "test", Size: 1 << 20})
	if err := s.Adopt([]zone.Named{{Name: "zone:z", FD: fd.New(3)}}); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	c := Count{Zone: z}
	fmt.Println(c.Take("k", 5), c.Take("k", 5), c.Take("only", 5))
	time.Sleep(time.Minute)
}

// opened returns the mapped zone of a set.
func opened(t testing.TB, size int64) (*zone.Zone, *zone.Set) {
	t.Helper()
	s := new(zone.Set)
	z, _, err := s.Declare(zone.Spec{Name: "z", Tag: "test", Size: size})
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
	return z, s
}

// The amounts are those that nginx logs for the same moments.
func TestRate(t *testing.T) {
	z, _ := opened(t, 64<<10)
	r := Rate{Zone: z, PerSecond: 2000}
	const second = 1000
	for i, tt := range []struct {
		at, burst int64
		excess    int64
		verdict   Verdict
	}{
		{at: 0, excess: 0},
		{at: 0, excess: 1000, verdict: Exceeded},
		{at: 0, burst: 2000, excess: 1000},
		{at: 0, burst: 2000, excess: 2000},
		{at: 0, burst: 2000, excess: 3000, verdict: Exceeded},
		{at: second / 4, burst: 2000, excess: 2500, verdict: Exceeded},
		{at: second / 2, burst: 2000, excess: 2000},
		{at: second/2 - 100, burst: 3000, excess: 3000}, // a clock that goes back a little
		{at: 10 * second, excess: 0},
		{at: -100 * second, burst: 1000, excess: 998}, // and far
	} {
		excess, verdict := r.Test("key", 1e9+tt.at, tt.burst, true)
		if excess != tt.excess || verdict != tt.verdict {
			t.Errorf("%d: %d %d, want %d %d", i, excess, verdict, tt.excess, tt.verdict)
		}
	}
	if d := r.Delay(3000, 1000); d != time.Second {
		t.Errorf("delay %v", d)
	}
}

// Without a charge nothing is put into the bucket.
func TestRateIsChargedLater(t *testing.T) {
	z, _ := opened(t, 64<<10)
	r := Rate{Zone: z, PerSecond: 1000}
	for range 3 {
		if _, v := r.Test("key", 1e9, 0, false); v != Passed {
			t.Fatal(v)
		}
	}
	if excess := r.Charge("key", 1e9); excess != 0 {
		t.Errorf("first charge: %d", excess)
	}
	if excess := r.Charge("key", 1e9); excess != 1000 {
		t.Errorf("second charge: %d", excess)
	}
	if excess := r.Charge("unknown", 1e9); excess != 0 {
		t.Errorf("unknown key: %d", excess)
	}
}

// A full zone forgets the keys that were not used for longest.
func TestRateOfManyKeys(t *testing.T) {
	z, _ := opened(t, 64<<10)
	r := Rate{Zone: z, PerSecond: 1}
	for i := range 5000 {
		key := fmt.Sprint("key", i)
		if i%10 == 0 {
			key += strings.Repeat("x", i%3000)
		}
		if _, v := r.Test(key, 1e9, 0, true); v != Passed {
			t.Fatalf("key %d: %d", i, v)
		}
		r.Test("steady", 1e9, 1e9, true)
	}
	if excess, _ := r.Test("steady", 1e9, 1e9, true); excess != 5000_000 {
		t.Errorf("a key in use was forgotten: %d", excess)
	}
}

func TestCount(t *testing.T) {
	z, _ := opened(t, 64<<10)
	c := Count{Zone: z}
	for round := range 3 {
		for i, want := range []Verdict{Passed, Passed, Passed, Exceeded, Exceeded} {
			if v := c.Take("key", 3); v != want {
				t.Fatalf("round %d: %d is %d, want %d", round, i, v, want)
			}
		}
		for range 3 {
			c.Give("key")
		}
		c.Give("key") // once too often
	}
	table := z.Table()
	table.Lock()
	if _, ok := table.Oldest(); ok {
		t.Error("a key is left that nobody uses")
	}
	z.Unlock()
}

func TestCountIsFull(t *testing.T) {
	z, _ := opened(t, 64<<10)
	c := Count{Zone: z}
	taken := 0
	for ; ; taken++ {
		if v := c.Take(fmt.Sprint(taken), 1); v != Passed {
			if v != Full {
				t.Fatal(v)
			}
			break
		}
	}
	c.Give("7")
	if v := c.Take("another", 1); v != Passed {
		t.Errorf("%d keys, one given back: %d", taken, v)
	}
}

// The counts of other processes count, until those have died.
func TestCountOfTheDead(t *testing.T) {
	z, s := opened(t, 1<<20)
	c := Count{Zone: z}
	var others []*exec.Cmd
	for range 6 { // more than the first row of shares has room for
		copied, err := s.Files()[0].FD.Dup()
		if err != nil {
			t.Fatal(err)
		}
		f := copied.File("zone")
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "LIMIT_TEST_OTHER=1")
		cmd.ExtraFiles = []*os.File{f}
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		said := make([]byte, 100)
		n, _ := out.Read(said)
		t.Log(string(said[:n]))
		others = append(others, cmd)
	}
	for i, want := range []Verdict{Passed, Exceeded} {
		if v := c.Take("k", 6); v != want {
			t.Errorf("%d: %d, want %d", i, v, want)
		}
	}
	for _, cmd := range others {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	for end := time.Now().Add(30 * time.Second); c.Take("k", 2) != Passed; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the dead still count")
		}
	}
	if v := c.Take("k", 2); v != Exceeded {
		t.Errorf("own counts are lost: %d", v)
	}
}

func TestNothingAllocates(t *testing.T) {
	z, _ := opened(t, 1<<20)
	r, c := Rate{Zone: z, PerSecond: 1000}, Count{Zone: z}
	c.Take("other", 1)
	if n := testing.AllocsPerRun(1000, func() { r.Test("rate", 1e9, 1e9, true) }); n != 0 {
		t.Errorf("Test: %v allocations", n)
	}
	if n := testing.AllocsPerRun(1000, func() { c.Take("count", 3); c.Give("count") }); n != 0 {
		t.Errorf("Take and Give: %v allocations", n)
	}
}

func BenchmarkRate(b *testing.B) {
	z, _ := opened(b, 1<<20)
	r := Rate{Zone: z, PerSecond: 1000}
	for b.Loop() {
		r.Test("\x7f\x00\x00\x01", 1e9, 0, true)
	}
}

func BenchmarkCount(b *testing.B) {
	z, _ := opened(b, 1<<20)
	c := Count{Zone: z}
	for b.Loop() {
		c.Take("\x7f\x00\x00\x01", 3)
		c.Give("\x7f\x00\x00\x01")
	}
}
