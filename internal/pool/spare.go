package pool

import (
	"runtime/debug"
	"time"
	"unsafe"
)

// Buffers and requests are kept for reuse: a worker that serves the same load all
// the time allocates nothing. What a burst has needed is given back to the
// system some time later.

const (
	// Small buffers are for replies that are held one by one, and all others for
	// what is gathered.
	smallSize  = 512
	normalSize = 4 << 10

	maxSpareSize  = 256 << 10 // of one buffer
	maxSpareBytes = 4 << 20   // of all that are kept
	maxSplits     = 64

	// muchMade is how many bytes of new buffers make trim run, trimAfter later.
	muchMade  = 1 << 20
	trimAfter = 5 * time.Second
)

// spares is what is kept. The worker's mutex guards it.
type spares struct {
	small, normal [][]byte
	bytes         int      // in both
	requests      *request // by next
	splits        []*split

	made int         // bytes of buffers made since trim last ran
	trim *time.Timer // runs when made is above muchMade
}

// spare returns an empty buffer for what is gathered. Needs w.mu.
func (w *Worker) spare() []byte { return w.spares.take(&w.spares.normal, normalSize) }

// spareFor returns an empty buffer for about n bytes. Needs w.mu.
func (w *Worker) spareFor(n int) []byte {
	if n <= smallSize {
		return w.spares.take(&w.spares.small, smallSize)
	}
	return w.spare()
}

func (s *spares) take(from *[][]byte, size int) []byte {
	last := len(*from) - 1
	if last < 0 {
		s.count(size)
		return make([]byte, 0, size)
	}
	b := (*from)[last]
	(*from)[last] = nil
	*from = (*from)[:last]
	s.bytes -= cap(b)
	return b
}

// count notes that so much memory was needed that was not there.
func (s *spares) count(size int) {
	if s.made <= muchMade && s.made+size > muchMade {
		s.trim.Reset(trimAfter)
	}
	s.made += size
}

// keep takes a buffer that is of no use any more. Needs w.mu.
func (w *Worker) keep(b []byte) {
	s := &w.spares
	n := cap(b)
	switch {
	case n < smallSize || n > maxSpareSize || s.bytes+n > maxSpareBytes:
		s.count(n) // it was made to be thrown away
	case n < normalSize:
		s.small = append(s.small, b[:0])
		s.bytes += n
	default:
		s.normal = append(s.normal, b[:0])
		s.bytes += n
	}
}

// request returns a new request. Needs w.mu.
func (w *Worker) request() *request {
	r := w.spares.requests
	if r == nil {
		w.spares.count(int(unsafe.Sizeof(*r)))
		return new(request)
	}
	w.spares.requests = r.next
	r.next = nil
	return r
}

// release takes back a request that nobody refers to. Needs w.mu.
func (w *Worker) release(r *request) {
	w.keep(r.held)
	*r = request{next: w.spares.requests}
	w.spares.requests = r
}

// newSplit returns an empty split. Needs w.mu.
func (w *Worker) newSplit() *split {
	s := &w.spares
	if last := len(s.splits) - 1; last >= 0 {
		found := s.splits[last]
		s.splits = s.splits[:last]
		return found
	}
	return new(split)
}

// dropSplit takes back a split that nobody refers to. Needs w.mu.
func (w *Worker) dropSplit(s *split) {
	if cap(s.keys) > 1024 || len(w.spares.splits) >= maxSplits {
		return
	}
	clear(s.parts)
	*s = split{parts: s.parts[:0], keys: s.keys[:0], text: s.text[:0]}
	w.spares.splits = append(w.spares.splits, s)
}

// trim gives back what is kept, to the system, after a time in which much was
// needed: it costs some milliseconds. What is needed all the time is made again.
func (w *Worker) trim() {
	w.mu.Lock()
	w.spares = spares{trim: w.spares.trim}
	w.mu.Unlock()
	debug.FreeOSMemory()
}
