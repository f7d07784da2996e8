package tls_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/tls"
	"github.com/baton-project/baton/internal/zone"
)

func sessions(t *testing.T) *tls.Sessions {
	t.Helper()
	set := new(zone.Set)
	t.Cleanup(set.Close)
	made, _, err := set.Declare(zone.Spec{Name: "s", Tag: "test", Size: 64 << 10})
	if err == nil {
		err = set.Open(nil, nil)
	}
	if err == nil {
		err = set.Map()
	}
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Sessions{Zone: made}
}

// id is a name of a session.
func id(n int) []byte { return fmt.Appendf(nil, "%032d", n) }

func TestSessions(t *testing.T) {
	s := sessions(t)
	now := time.Now()
	s.Put(id(1), []byte("one"), now, time.Minute)
	s.Put(id(2), []byte("two"), now, 0)
	if got := s.Get(id(1), now.Add(time.Minute)); string(got) != "one" {
		t.Errorf("got %q", got)
	}
	for _, absent := range [][]byte{id(3), nil, []byte("x"), bytes.Repeat([]byte("x"), 1000)} {
		if got := s.Get(absent, now); got != nil {
			t.Errorf("%q: got %q", absent, got)
		}
	}
	if s.Get(id(1), now.Add(62*time.Second)) != nil {
		t.Error("a session whose time is over")
	}
	if got := s.Get(id(2), now.Add(time.Hour)); string(got) != "two" {
		t.Errorf("a session without a time: got %q", got)
	}
	s.Put(id(4), make([]byte, 9<<10), now, time.Minute)
	if s.Get(id(4), now) != nil {
		t.Error("a session that is too large was kept")
	}
}

// When memory is full the oldest ones go, few at a time, large ones too.
func TestSessionsFull(t *testing.T) {
	s := sessions(t)
	now := time.Now()
	const n = 2000
	for i := range n {
		s.Put(id(i), bytes.Repeat([]byte{byte(i)}, 100+i%200), now, time.Hour)
		if got := s.Get(id(i), now); len(got) != 100+i%200 || got[0] != byte(i) {
			t.Fatalf("session %d: got %d bytes", i, len(got))
		}
	}
	kept := 0
	for i := range n {
		if s.Get(id(i), now) != nil {
			kept++
		}
	}
	if kept < 50 || kept > 400 {
		t.Errorf("%d of %d sessions are kept in 64 kB", kept, n)
	}
	s.Put(id(n), make([]byte, 8<<10), now, time.Hour)
	if len(s.Get(id(n), now)) != 8<<10 {
		t.Error("a large session found no room among small ones")
	}
}

func TestSessionsWithoutMemory(t *testing.T) {
	s := new(tls.Sessions)
	s.Put(id(1), []byte("one"), time.Now(), time.Minute)
	if s.Get(id(1), time.Now()) != nil {
		t.Error("a session out of nothing")
	}
}
