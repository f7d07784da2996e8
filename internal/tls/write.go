package tls

import (
	"errors"
	"io"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/tls/record"
	"golang.org/x/sys/unix"
)

// Write writes all of b, waiting for room as often as need be. Errors are those
// of poll.Conn.Write.
func (s *Stream) Write(b []byte) (int, error) {
	n, err := s.writePieces(b, nil, s.sock.Write)
	return int(n), err
}

// WriteMore is Write of bytes that more will follow at once.
func (s *Stream) WriteMore(b []byte) (int, error) {
	n, err := s.writePieces(b, nil, s.sock.WriteMore)
	return int(n), err
}

// Writev is Write of several buffers as if they were one: records do not end
// where buffers do. sent counts what was sealed: see [Stream.Unsent].
func (s *Stream) Writev(bufs [][]byte) (sent int64, err error) {
	if len(bufs) == 0 {
		return 0, nil
	}
	return s.writePieces(bufs[0], bufs[1:], s.sock.Write)
}

// writePieces writes first and what follows it.
func (s *Stream) writePieces(first []byte, rest [][]byte, write func([]byte) (int, error)) (int64, error) {
	total := int64(len(first))
	for _, b := range rest {
		total += int64(len(b))
	}
	if s.std != nil {
		return s.writeStd(first, rest)
	}
	s.wake()
	if err := s.sendUnsent(); err != nil {
		return 0, err
	}
	var sent int64
	for sent < total {
		pool, size := &s.buffers.out, outSize
		if total-sent > int64(s.size) {
			pool, size = &s.buffers.large, largeSize
		}
		out := get(pool, size)
		out, err := s.w.AppendOwed(out)
		var taken int64
		for records := 0; err == nil && sent+taken < total && (size == largeSize || records == 0) && s.roomFor(out); records++ {
			at := len(out) + s.w.Room()
			piece := out[at : at+s.size]
			n := 0
			for n < len(piece) {
				if len(first) == 0 {
					if len(rest) == 0 {
						break
					}
					first, rest = rest[0], rest[1:]
					continue
				}
				got := copy(piece[n:], first)
				first = first[got:]
				n += got
			}
			taken += int64(n)
			out, err = s.w.Append(out, piece[:n])
		}
		if err != nil {
			put(pool, out)
			s.failed = true
			return sent, err
		}
		n, err := write(out)
		s.keepUnsent(out[n:], err)
		put(pool, out)
		sent += taken
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// keepUnsent keeps what is left of sealed records when a write has failed: with
// [Stream.Export] they may still go out, and nothing else may instead of them.
func (s *Stream) keepUnsent(rest []byte, err error) {
	if err != nil {
		s.unsent = append([]byte(nil), rest...)
	}
}

// sendUnsent sends what was kept.
func (s *Stream) sendUnsent() error {
	if len(s.unsent) == 0 {
		return nil
	}
	n, err := s.sock.Write(s.unsent)
	if s.unsent = s.unsent[n:]; len(s.unsent) == 0 {
		s.unsent = nil
	}
	return err
}

// Unsent reports whether something that counts as written has not left yet, since
// a write was ended by [poll.Conn.Wake]. The next write, of nothing too, sends it.
func (s *Stream) Unsent() bool { return len(s.unsent) > 0 }

// roomFor reports whether another record fits behind out.
func (s *Stream) roomFor(out []byte) bool {
	return cap(out)-len(out) >= s.size+2*record.Overhead
}

// Sendfile sends n bytes of f from offset off. It returns how much went out; less
// than n only with an error, which is [io.ErrUnexpectedEOF] when the file ended
// before. f stays the caller's.
func (s *Stream) Sendfile(f *fd.Owned, off, n int64) (sent int64, err error) {
	s.wake()
	if err := s.sendUnsent(); err != nil {
		return 0, err
	}
	out := get(&s.buffers.large, largeSize)
	defer func() { put(&s.buffers.large, out) }()
	for sent < n && err == nil {
		if out, err = s.appendOwed(out[:0]); err != nil {
			break
		}
		var taken int64
		for err == nil && sent+taken < n && s.roomFor(out) {
			at := len(out) + s.room()
			piece := out[at : at+int(min(int64(s.size), n-sent-taken))]
			var got int
			if got, err = pread(f, piece, off+sent+taken); got == 0 {
				break
			}
			taken += int64(got)
			if s.std != nil {
				out = out[:len(out)+got]
				continue
			}
			var sealed error
			if out, sealed = s.w.Append(out, piece[:got]); sealed != nil {
				return sent, sealed
			}
		}
		if len(out) > 0 {
			if counted, failed := s.send(out, taken); failed != nil {
				return sent + counted, failed
			}
		}
		sent += taken
	}
	return sent, err
}

// room is where the plain text of a record begins behind what is before it.
func (s *Stream) room() int {
	if s.std != nil {
		return 0
	}
	return s.w.Room()
}

// pread reads what it can get of b.
func pread(f *fd.Owned, b []byte, off int64) (n int, err error) {
	for n < len(b) {
		got, err := unix.Pread(f.Raw(), b[n:], off+int64(n))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return n, err
		case got == 0:
			return n, io.ErrUnexpectedEOF
		}
		n += got
	}
	return n, nil
}

func (s *Stream) appendOwed(out []byte) ([]byte, error) {
	if s.std != nil {
		return out, nil
	}
	return s.w.AppendOwed(out)
}

// send sends records, in which are taken bytes of the application, or where
// crypto/tls makes them, these bytes. It returns how many of them count as sent.
func (s *Stream) send(out []byte, taken int64) (int64, error) {
	if s.std != nil {
		n, err := s.std.Write(out)
		s.failed = s.failed || err != nil
		return int64(n), err
	}
	n, err := s.sock.Write(out)
	s.keepUnsent(out[n:], err)
	return taken, err
}

func (s *Stream) writeStd(first []byte, rest [][]byte) (sent int64, err error) {
	for {
		n, err := s.std.Write(first)
		sent += int64(n)
		if err != nil {
			s.failed = true
			return sent, err
		}
		if len(rest) == 0 {
			return sent, nil
		}
		first, rest = rest[0], rest[1:]
	}
}
