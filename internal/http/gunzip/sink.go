package gunzip

import (
	"bufio"
	"errors"
	"io"
	"iter"
	"sync"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/klauspost/compress/gzip"
)

// pieceSize is how many decoded bytes are passed on at a time.
const pieceSize = 32 << 10

// A decoder decodes one body after the other. Package gzip reads for itself when it
// wants more, while a sink is handed what there is: so it runs as a coroutine that
// stands still whenever it has a piece, or needs input.
type decoder struct {
	input  []byte              // what is there to decode
	ended  bool                // nothing follows input
	need   func(p []byte) bool // hands over to the sink; false: the end has come
	buffer *bufio.Reader       // on the decoder itself
	gzip   gzip.Reader
	piece  [pieceSize]byte
}

// errStopped ends a decoder whose exchange broke.
var errStopped = errors.New("stopped")

// Read gives package gzip what the sink was handed, and waits for more.
func (d *decoder) Read(p []byte) (int, error) {
	for len(d.input) == 0 {
		if d.ended {
			return 0, io.EOF
		}
		if !d.need(nil) {
			return 0, errStopped
		}
	}
	n := copy(p, d.input)
	d.input = d.input[n:]
	return n, nil
}

// run is the coroutine: it yields decoded pieces, and nil where it needs input. The
// error that ends it is left in err.
func (d *decoder) run(err *error) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		d.need = yield
		d.buffer.Reset(d)
		if *err = d.gzip.Reset(d.buffer); *err != nil {
			return
		}
		for {
			n, failure := d.gzip.Read(d.piece[:])
			if n > 0 && !yield(d.piece[:n]) {
				return
			}
			if failure != nil {
				*err = failure
				return
			}
		}
	}
}

// pool holds the decoders that are not at work, for all locations.
type pool struct{ decoders sync.Pool }

func (p *pool) get() *decoder {
	if d, ok := p.decoders.Get().(*decoder); ok {
		return d
	}
	return &decoder{buffer: bufio.NewReaderSize(nil, 4096)}
}

// A sink decodes one body.
type sink struct {
	r    *http.Request
	next http.Sink
	pool *pool

	work   *decoder // nil: nothing has come yet, or all is done
	resume func() ([]byte, bool)
	stop   func()
	err    error // why the coroutine ended
}

func (s *sink) start() {
	s.work = s.pool.get()
	s.resume, s.stop = iter.Pull(s.work.run(&s.err))
	s.r.OnEnd(s.release)
}

// release ends the coroutine and gives the decoder back.
func (s *sink) release() {
	if s.work == nil {
		return
	}
	s.stop()
	d := s.work
	s.work = nil
	d.input, d.ended, d.need = nil, false, nil
	s.pool.decoders.Put(d)
}

// Write decodes p.
func (s *sink) Write(p []byte) error {
	if s.work == nil {
		s.start()
	}
	s.work.input = p
	for {
		piece, running := s.resume()
		switch {
		case !running:
			return s.failed()
		case piece == nil:
			return nil
		}
		if err := s.next.Write(piece); err != nil {
			return err
		}
	}
}

// SendFile reads the file to decode it.
func (s *sink) SendFile(f *fd.Owned, off, n int64) error {
	return s.r.EachPiece(f, off, n, s.Write)
}

// Flush sends on what is decoded.
func (s *sink) Flush() error { return s.next.Flush() }

// Finish sees to it that the body ended where its encoding does.
func (s *sink) Finish() error {
	if s.work == nil {
		s.start()
	}
	s.work.ended = true
	if err := s.Write(nil); err != nil {
		return err
	}
	s.release()
	return s.next.Finish()
}

// failed tells the end of the last member from a broken one, which breaks the
// exchange, and logs that as nginx does.
func (s *sink) failed() error {
	switch err := s.err; {
	case errors.Is(err, io.EOF) && s.work.ended && s.work.input == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		s.r.Logf(log.Error, "inflate() returned -5 on response end")
		return io.ErrUnexpectedEOF
	default:
		s.r.Logf(log.Error, "inflate() failed: 0, -3")
		return err
	}
}
