package variable

import "testing"

// What the last regular expression has captured travels, but not what it was tried on.
func TestCapturesTravel(t *testing.T) {
	r := NewRegistry[*subject]()
	from := State{Captured: "see a.example.com", CaptureAt: []int{4, 17, 4, 5, -1, -1, 6, 13}}
	saved := r.Save(&from)
	var to State
	r.Restore(&to, &saved)
	for n := range 12 {
		if n > 0 && to.Capture(n) != from.Capture(n) {
			t.Errorf("$%d is %q, was %q", n, to.Capture(n), from.Capture(n))
		}
	}
	if to.Capture(1) != "a" || to.Capture(3) != "example" {
		t.Errorf("%+v", to)
	}
	saved = r.Save(new(State))
	r.Restore(&to, &saved)
	if len(saved.Captures) > 0 || to.Capture(1) != "a" {
		t.Error("no captures take others away")
	}
}
