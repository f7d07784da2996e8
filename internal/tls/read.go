package tls

import (
	"errors"
	"io"
	"slices"

	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls/record"
)

// Read waits until bytes are there. Its errors are those of [poll.Conn.Read], a
// *record.BadRecord or a *record.PeerAlert. The end of the stream is [io.EOF],
// whether the peer has said that it ends or not: lengths are HTTP's affair.
func (s *Stream) Read(b []byte) (int, error) { return s.read(b, s.sock.Read) }

// TryRead is Read that returns [poll.ErrAgain] instead of waiting.
func (s *Stream) TryRead(b []byte) (int, error) {
	n, err := s.read(b, s.sock.TryRead)
	if err == poll.ErrAgain {
		s.release()
	}
	return n, err
}

func (s *Stream) read(b []byte, more func([]byte) (int, error)) (int, error) {
	if s.std != nil {
		return s.readStd(b, more)
	}
	if len(b) == 0 {
		return 0, nil
	}
	s.wake()
	for len(s.plain) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		if err := s.next(more); err != nil {
			return 0, err
		}
	}
	n := copy(b, s.plain)
	if s.plain = s.plain[n:]; len(s.plain) == 0 && s.at == s.end {
		s.release()
	}
	return n, nil
}

// next opens one record, or reads more.
func (s *Stream) next(more func([]byte) (int, error)) error {
	held := s.in[s.at:s.end]
	var copied []byte
	if s.tickets != nil && len(held) >= record.Need(held) {
		copied = slices.Clone(held[:record.Need(held)])
	}
	e, n, plain, err := s.r.Next(held)
	if err != nil {
		s.fail(err)
		return err
	}
	s.at += n
	if e != record.More {
		s.takeTicket(e, copied)
	}
	switch e {
	case record.More:
		return s.fill(more)
	case record.Data:
		s.plain = plain
	case record.Closed:
		s.err = io.EOF
	}
	return nil
}

// takeTicket lets the handshake's end of a client see a ticket. With the first
// other record it has no more to see.
func (s *Stream) takeTicket(e record.Event, copied []byte) {
	switch {
	case s.tickets == nil:
	case e == record.Ticket:
		s.wire.buf, s.wire.at, s.wire.left = copied, 0, 0
		var b [1]byte
		_, _ = s.tickets.Read(b[:]) // it finds the ticket and then nothing more
	default:
		s.tickets, s.wire = nil, nil
	}
}

// fill reads more of a record.
func (s *Stream) fill(more func([]byte) (int, error)) error {
	held := s.end - s.at
	if len(s.in) < inSize {
		in := get(&s.buffers.in, inSize)
		in = in[:cap(in)]
		copy(in, s.in[s.at:s.end])
		s.in, s.at, s.end = in, 0, held
	} else if s.at > 0 {
		copy(s.in, s.in[s.at:s.end])
		s.at, s.end = 0, held
	}
	n, err := more(s.in[s.end:])
	if err == io.EOF {
		s.err = io.EOF
		return nil
	}
	if err != nil {
		return err
	}
	s.end += n
	return nil
}

// readStd reads where crypto/tls does the records.
func (s *Stream) readStd(b []byte, more func([]byte) (int, error)) (int, error) {
	s.wire.read = more
	n, err := s.std.Read(b)
	if err != nil && errors.Is(err, poll.ErrAgain) {
		err = poll.ErrAgain
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	if n > 0 {
		err = nil
	}
	return n, err
}
