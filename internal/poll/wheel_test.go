package poll

import (
	"testing"

	"pgregory.net/rapid"
)

// Against a map of deadlines: nothing expires early, nothing is forgotten, and
// the tick that next names is never late.
func TestWheelAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w wheel
		w.now = rapid.Int64Range(0, 1<<40).Draw(t, "start")
		conns := make([]Conn, 20)
		model := map[*Conn]int64{}
		advance := func(to int64) {
			for _, c := range w.advance(to, nil) {
				due, ok := model[c]
				if !ok || due > to {
					t.Fatalf("at %d expired one with deadline %d (known: %v)", to, due, ok)
				}
				delete(model, c)
			}
			for _, due := range model {
				if due <= to {
					t.Fatalf("at %d deadline %d did not expire", to, due)
				}
			}
		}
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			c := &conns[rapid.IntRange(0, len(conns)-1).Draw(t, "conn")]
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0, 1:
				exponent := rapid.IntRange(0, 34).Draw(t, "exponent")
				due := w.now + 1 + rapid.Int64Range(0, 1<<exponent).Draw(t, "delay")
				w.add(c, due)
				model[c] = due
			case 2:
				w.remove(c)
				delete(model, c)
			case 3:
				advance(w.now + rapid.Int64Range(0, 1<<rapid.IntRange(0, 30).Draw(t, "exponent")).Draw(t, "time"))
			}
			next, ok := w.next()
			for _, due := range model {
				if !ok || next > due {
					t.Fatalf("next is %d, %v, and a deadline is %d", next, ok, due)
				}
			}
		}
		for len(model) > 0 {
			next, ok := w.next()
			if !ok {
				t.Fatal("the wheel says that it is empty")
			}
			advance(next)
		}
	})
}

func TestWheelWithPastDeadline(t *testing.T) {
	var w wheel
	w.now = 1000
	var c Conn
	w.add(&c, 10)
	if got := w.advance(1001, nil); len(got) != 1 {
		t.Fatalf("%d expired, want 1", len(got))
	}
	if c.timer.due.Load() != 0 || c.timer.at != nil {
		t.Fatal("an expired entry still looks as if it were in the wheel")
	}
}

func BenchmarkWheelMove(b *testing.B) {
	var w wheel
	var c Conn
	b.ReportAllocs()
	for i := range b.N {
		w.add(&c, int64(i)+75_000)
	}
}
