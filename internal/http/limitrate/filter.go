package limitrate

import (
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
)

// filter is the header filter of one location; nil values are 0.
type filter struct{ rate, after *http.Value }

// install adds the filter everywhere: $limit_rate may be set for any request.
func (c *Conf) install(b *http.Builder) error {
	f := new(filter)
	for _, part := range []struct {
		d     *conf.Directive
		value **http.Value
	}{{c.Rate.V, &f.rate}, {c.After.V, &f.after}} {
		if part.d == nil {
			continue
		}
		var err error
		if *part.value, err = b.Compile(part.d, part.d.Args[0]); err != nil {
			return err
		}
	}
	b.ClientFilter(f.apply)
	return nil
}

func (f *filter) apply(r *http.Request) http.Result {
	rate, given := r.LimitRate()
	if !given {
		if f.rate == nil {
			return http.Declined
		}
		rate = size(r, f.rate)
	}
	if rate > 0 {
		s := &sink{r: r, rate: rate, after: size(r, f.after)}
		r.PaceHead(s)
		if !r.Out.HeadersOnly {
			r.Filter(func(next http.Sink) http.Sink {
				s.next = next
				return s
			})
		}
	}
	return http.Declined
}

// size is the value of a directive; one that is no size is logged and 0.
func size(r *http.Request, v *http.Value) int64 {
	text := v.Eval(r)
	if text == "" {
		return 0
	}
	n, err := conf.ParseSize(text)
	if err != nil {
		r.Logf(log.Error, `invalid size "%s"`, text)
		return 0
	}
	return n
}

// A sink lets an answer through piece by piece.
type sink struct {
	next  http.Sink
	r     *http.Request
	rate  int64 // bytes per second
	after int64
	// ready is when the next piece may go.
	ready time.Time
}

// largestPiece is nginx's sendfile_max_chunk: a fast client gets many small
// pieces rather than one large each second.
const largestPiece = 2 << 20

// Pieces is for [http.Pacer].
func (s *sink) Pieces(n int64, send func(n int64) error) error {
	for n > 0 {
		room, err := s.wait()
		if err != nil {
			return err
		}
		piece := min(n, room, largestPiece)
		before := max(0, s.r.BytesSent()-s.after)
		if err := send(piece); err != nil {
			return err
		}
		n -= piece
		limited := max(0, s.r.BytesSent()-s.after) - before
		s.ready = s.r.Time().Add(time.Duration(limited * int64(time.Second) / s.rate))
	}
	return nil
}

// wait returns how much may be sent now, which is more than nothing.
func (s *sink) wait() (int64, error) {
	for {
		now := s.r.Time()
		delay := s.ready.Sub(now)
		if delay <= 0 {
			passed := now.Unix() - s.r.Started().Unix() + 1
			room := s.rate*passed - (s.r.BytesSent() - s.after)
			if room > 0 {
				return room, nil
			}
			delay = time.Duration(-room*int64(time.Second)/s.rate) + time.Millisecond
		}
		if err := s.r.Pause(delay); err != nil {
			return 0, err
		}
	}
}

func (s *sink) Write(p []byte) error {
	return s.Pieces(int64(len(p)), func(n int64) error {
		piece := p[:n]
		p = p[n:]
		return s.next.Write(piece)
	})
}

func (s *sink) SendFile(f *fd.Owned, off, n int64) error {
	return s.Pieces(n, func(n int64) error {
		at := off
		off += n
		return s.next.SendFile(f, at, n)
	})
}

func (s *sink) Flush() error  { return s.next.Flush() }
func (s *sink) Finish() error { return s.next.Finish() }
