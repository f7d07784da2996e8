package metrics

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/zone"
)

// In the test of a dead worker this program is also the worker.
func TestMain(m *testing.M) {
	if os.Getenv("METRICS_TEST_OTHER") == "" {
		os.Exit(m.Run())
	}
	s := new(zone.Set)
	b, err := Declare(s)
	if err == nil {
		err = s.Adopt([]zone.Named{{Name: "zone:" + Name, FD: fd.New(3)}})
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	count(b)
	fmt.Println("ready")
	time.Sleep(time.Minute)
}

// count is a worker with one connection that writes.
func count(b *Board) {
	c, err := b.Seat()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	c.Accepted.Add(3)
	c.Handled.Add(3)
	c.Requests.Add(7)
	c.Active.Add(2)
	c.Writing.Add(1)
}

func TestTotals(t *testing.T) {
	s := new(zone.Set)
	b, err := Declare(s)
	if err == nil {
		err = s.Open(nil, nil)
	}
	if err == nil {
		err = s.Map()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	count(b)
	copied, err := s.Files()[0].FD.Dup()
	if err != nil {
		t.Fatal(err)
	}
	f := copied.File("zone")
	defer f.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "METRICS_TEST_OTHER=1")
	cmd.ExtraFiles = []*os.File{f}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 100)
	if n, _ := out.Read(said); string(said[:n]) != "ready\n" {
		t.Fatalf("%q", said[:n])
	}
	both := Totals{Accepted: 6, Handled: 6, Requests: 14, Active: 4, Writing: 2, Waiting: 2}
	if got := b.Totals(); got != both {
		t.Errorf("two workers: %+v", got)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	one := Totals{Accepted: 6, Handled: 6, Requests: 14, Active: 2, Writing: 1, Waiting: 1}
	for end := time.Now().Add(30 * time.Second); b.Totals() != one; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("one worker and a dead one: %+v", b.Totals())
		}
	}
}

func BenchmarkCounting(b *testing.B) {
	s := new(zone.Set)
	board, err := Declare(s)
	if err == nil {
		err = s.Open(nil, nil)
	}
	if err == nil {
		err = s.Map()
	}
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	c, err := board.Seat()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		c.Requests.Add(1)
	}
}

func BenchmarkTotals(b *testing.B) {
	s := new(zone.Set)
	board, err := Declare(s)
	if err == nil {
		err = s.Open(nil, nil)
	}
	if err == nil {
		err = s.Map()
	}
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if _, err := board.Seat(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		board.Totals()
	}
}
