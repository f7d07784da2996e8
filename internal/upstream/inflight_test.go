package upstream

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// With inflight, requests that are not done count for what they have taken so far.
func TestLeastTimeInflight(t *testing.T) {
	c := newClock()
	for _, body := range []string{
		"least_time last_byte inflight; server 127.0.0.1:1; server 127.0.0.1:2;",
		"least_time header inflight; server 127.0.0.1:1; server 127.0.0.1:2;",
	} {
		g := group(t, body, Env{Now: c.now})
		hang, p := next(g)
		if p != "1" || !hang.AtOnce() {
			t.Fatalf("%s: begins with %s", body, p)
		}
		c.pass(3 * time.Second) // the first one hangs
		for i := range 10 {
			s, p := next(g)
			if p != "2" {
				t.Fatalf("%s: request %d goes to %s", body, i, p)
			}
			c.pass(10 * time.Millisecond)
			s.Took(10 * time.Millisecond)
			if s.AtOnce() {
				t.Fatal("told, and asked again")
			}
			s.Free(Served)
		}
		hang.Took(3 * time.Second)
		hang.Took(4 * time.Second) // it is known already
		hang.Free(Served)
		for i := range g.own {
			if u := g.own[i].underWay; u.number != 0 || u.sum != 0 {
				t.Errorf("%s: %+v is under way when all is done", body, u)
			}
		}
		if took := g.own[0].took; took != 3000 {
			t.Errorf("%s: took %d ms, want 3000", body, took)
		}
	}
}

// Failures, and requests that went on to another peer, are no times.
func TestFailuresAreNoTimes(t *testing.T) {
	g := group(t, "least_time header; server 127.0.0.1:1 max_fails=0; server 127.0.0.1:2;", Env{})
	for _, o := range []Outcome{Failed, Passed} {
		s, _ := next(g)
		s.Took(time.Second)
		s.Free(o)
	}
	for i := range g.own {
		if took := g.own[i].took; took != 0 {
			t.Errorf("server %d took %d ms", i, took)
		}
	}
}

// What is under way is the sum of what began and did not end, whatever the order;
// in memory that others have written to, nothing worse than a wrong number happens.
func TestUnderWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var u underWay
		var began []int64
		now := int64(1 << 40)
		for range rapid.IntRange(0, 50).Draw(t, "steps") {
			now += rapid.Int64Range(0, 5000).Draw(t, "passed")
			if len(began) > 0 && rapid.Bool().Draw(t, "ends") {
				i := rapid.IntRange(0, len(began)-1).Draw(t, "which")
				u.end(now, now-began[i])
				began = append(began[:i], began[i+1:]...)
			} else {
				u.begin(now)
				began = append(began, now)
			}
			var sum int64
			for _, b := range began {
				sum += u.at - b
			}
			if int(u.number) != len(began) || len(began) > 0 && u.sum != sum {
				t.Fatalf("%+v, want %d that took %d", u, len(began), sum)
			}
		}
		u = underWay{number: rapid.Uint32().Draw(t, "number"), sum: rapid.Int64().Draw(t, "sum"),
			at: rapid.Int64().Draw(t, "at"), average: rapid.Int64().Draw(t, "average")}
		conns := rapid.Uint32().Draw(t, "conns")
		u.look(now, conns)
		u.end(now, 5)
		u.begin(now)
		if int64(u.number) > int64(conns)+1 {
			t.Fatalf("%d under way with %d connections", u.number, conns)
		}
	})
}
