package gzip

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
	"sync"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/http"
	"github.com/klauspost/compress/flate"
)

// bufferSize is how many compressed bytes gather before they are sent.
const bufferSize = 16 << 10

// pools hold what compresses and is not at work, for all locations.
type pools struct {
	compressors [10]sync.Pool // of *compressor, by level
	buffers     sync.Pool     // of *buffer
}

// buffer is where compressed bytes gather.
type buffer [bufferSize]byte

// A compressor compresses for one sink after the other.
type compressor struct {
	flate *flate.Writer
	sink  *sink
}

// Write takes what the compressor has made.
func (c *compressor) Write(p []byte) (int, error) { return len(p), c.sink.gather(p) }

func (p *pools) compressor(level int, s *sink) (*compressor, error) {
	if c, ok := p.compressors[level].Get().(*compressor); ok {
		c.sink = s
		c.flate.Reset(c)
		return c, nil
	}
	c := &compressor{sink: s}
	var err error
	c.flate, err = flate.NewWriter(c, level)
	return c, err
}

func (p *pools) buffer() *buffer {
	if b, ok := p.buffers.Get().(*buffer); ok {
		return b
	}
	return new(buffer)
}

// A sink compresses one body. Compressor and buffer are borrowed while it does.
type sink struct {
	*filter
	r    *http.Request
	next http.Sink

	work *compressor // nil: nothing has come yet, or all is done
	room *buffer
	out  []byte // of room
	crc  uint32
	in   uint64 // bytes that came
	sent uint64 // bytes that went on
}

// header is that of a gzip member without a name and a time, made on Unix. See
// RFC 1952.
var header = [...]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3}

// start borrows what the work needs.
func (s *sink) start() error {
	if s.work != nil {
		return nil
	}
	work, err := s.pools.compressor(s.level, s)
	if err != nil {
		return fmt.Errorf("gzip level %d: %w", s.level, err)
	}
	s.work, s.room = work, s.pools.buffer()
	s.out = append(s.room[:0], header[:]...)
	return nil
}

// Write compresses p.
func (s *sink) Write(p []byte) error {
	if err := s.start(); err != nil {
		return err
	}
	s.crc = crc32.Update(s.crc, crc32.IEEETable, p)
	s.in += uint64(len(p))
	_, err := s.work.flate.Write(p)
	return s.check(err)
}

// SendFile reads the file to compress it.
func (s *sink) SendFile(f *fd.Owned, off, n int64) error {
	return s.check(s.r.EachPiece(f, off, n, s.Write))
}

// Flush makes all that came readable for the client.
func (s *sink) Flush() error {
	if err := s.start(); err != nil {
		return err
	}
	if err := s.work.flate.Flush(); err != nil {
		return s.check(err)
	}
	if err := s.send(); err != nil {
		return s.check(err)
	}
	return s.check(s.next.Flush())
}

// Finish ends the member. The compressor is given back before the client has to
// take what is left.
func (s *sink) Finish() error {
	if err := s.start(); err != nil {
		return err
	}
	if err := s.work.flate.Close(); err != nil {
		return s.check(err)
	}
	var trailer [8]byte
	binary.LittleEndian.PutUint32(trailer[:], s.crc)
	binary.LittleEndian.PutUint32(trailer[4:], uint32(s.in))
	if err := s.gather(trailer[:]); err != nil {
		return s.check(err)
	}
	s.releaseCompressor()
	if err := s.send(); err != nil {
		return s.check(err)
	}
	s.release()
	s.ratio.Set(s.r, ratio(s.r, s.in, s.sent))
	return s.next.Finish()
}

// gather keeps compressed bytes and sends them on when there are many.
func (s *sink) gather(p []byte) error {
	if len(s.out)+len(p) > len(s.room) {
		if err := s.send(); err != nil {
			return err
		}
	}
	if len(p) <= len(s.room) {
		s.out = append(s.out, p...)
		return nil
	}
	s.sent += uint64(len(p))
	return s.next.Write(p)
}

// send passes on what has gathered.
func (s *sink) send() error {
	if len(s.out) == 0 {
		return nil
	}
	out := s.out
	s.out = s.out[:0]
	s.sent += uint64(len(out))
	return s.next.Write(out)
}

// check gives everything back when the exchange is broken: nobody calls again.
func (s *sink) check(err error) error {
	if err != nil {
		s.release()
	}
	return err
}

func (s *sink) releaseCompressor() {
	if s.work != nil {
		s.work.sink = nil
		s.pools.compressors[s.level].Put(s.work)
		s.work = nil
	}
}

func (s *sink) release() {
	s.releaseCompressor()
	if s.room != nil {
		s.pools.buffers.Put(s.room)
		s.room, s.out = nil, nil
	}
}

// ratio is in/out with two decimals, rounded.
func ratio(r *http.Request, in, out uint64) string {
	hundredths := in * 100 / out
	if in*1000/out%10 > 4 {
		hundredths++
	}
	text := strconv.AppendUint(r.Scratch(24), hundredths/100, 10)
	return http.View(append(text, '.', byte('0'+hundredths/10%10), byte('0'+hundredths%10)))
}
