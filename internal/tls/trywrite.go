package tls

// TryWrite is Write that does not wait for room. It returns [poll.ErrAgain] when
// not everything has left, and how much of b was sealed: that counts as written,
// and leaves with the next write, of nothing too; see [Stream.Unsent]. It must not
// be used where the records are crypto/tls's, see [Stream.Movable].
func (s *Stream) TryWrite(b []byte) (int, error) {
	s.wake()
	if len(s.unsent) > 0 {
		n, err := s.sock.TryWrite(s.unsent)
		if s.unsent = s.unsent[n:]; err != nil {
			return 0, err
		}
		s.unsent = nil
	}
	n, err := s.writePieces(b, nil, s.sock.TryWrite)
	return int(n), err
}
