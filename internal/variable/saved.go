package variable

// Saved is what a subject remembers of its variables, on its way to another process,
// whose configuration may have other ones.
type Saved struct {
	Values  []string `cbor:"1,keyasint,omitempty"` // name, value, name, value
	Missing []string `cbor:"2,keyasint,omitempty"` // names of those known to have no value
	// Captures are "$1", "$2" and so on, as far as there are any.
	Captures []string `cbor:"3,keyasint,omitempty"`
}

// Save returns what s has; the strings are views.
func (r *Registry[S]) Save(s *State) (saved Saved) {
	for _, v := range r.kept {
		c := &s.Values[v.slot]
		switch value, found := c.Learned(); {
		case found:
			saved.Values = append(saved.Values, v.Name, value)
		case c.Known():
			saved.Missing = append(saved.Missing, v.Name)
		}
	}
	for n := 1; n <= maxCapture && 2*n+1 < len(s.CaptureAt); n++ {
		saved.Captures = append(saved.Captures, s.Capture(n))
	}
	return saved
}

// maxCapture is the highest n of "$n".
const maxCapture = 9

// Restore gives s, which has room for its variables, the values that are known here
// as well.
func (r *Registry[S]) Restore(s *State, saved *Saved) {
	for i := 1; i < len(saved.Values); i += 2 {
		r.learn(s, saved.Values[i-1], saved.Values[i], true)
	}
	for _, name := range saved.Missing {
		r.learn(s, name, "", false)
	}
	if len(saved.Captures) == 0 {
		return
	}
	s.Captured, s.CaptureAt = "", []int{0, 0}
	for _, text := range saved.Captures {
		from := len(s.Captured)
		s.Captured += text
		s.CaptureAt = append(s.CaptureAt, from, len(s.Captured))
	}
}

func (r *Registry[S]) learn(s *State, name, value string, found bool) {
	if v := r.byName[name]; v != nil && v.slot >= 0 {
		s.Values[v.slot].Learn(value, found)
	}
}
