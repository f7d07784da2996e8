package headers

import "github.com/baton-project/baton/internal/http"

// expectTrailers announces the trailers that fit the response, and has them made
// when its body ends.
func (f *filter) expectTrailers(r *http.Request, ordinary bool) {
	for i := range f.trailers {
		if ordinary || f.trailers[i].always {
			r.Out.Trailers.Add("", "") // holds the place: their values are not known yet
			r.Filter(func(next http.Sink) http.Sink {
				return &trailerSink{Sink: next, r: r, lines: f.trailers, ordinary: ordinary}
			})
			return
		}
	}
}

// A trailerSink lets a body through and adds the lines at its end.
type trailerSink struct {
	http.Sink
	r        *http.Request
	lines    []compiledLine
	ordinary bool
}

// Finish evaluates the lines.
func (s *trailerSink) Finish() error {
	s.r.Out.Trailers.Del("")
	for i := range s.lines {
		if l := &s.lines[i]; s.ordinary || l.always {
			if value := l.value.Eval(s.r); value != "" {
				s.r.Out.Trailers.Add(l.name, value) // the next one's value may refer to it
			}
		}
	}
	return s.Sink.Finish()
}
