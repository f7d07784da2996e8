package stream

import (
	"errors"
	"io"
	"slices"
	"time"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/wire/proxyproto"
)

const (
	readingProxied = " while reading PROXY protocol"
	prereading     = " while prereading client data"
)

// readProxied reads the header of the PROXY protocol as nginx does: it is there
// as a whole at the first read, or the session ends.
func (s *Session) readProxied() Result {
	s.doing = readingProxied
	var buffer [proxyproto.Max]byte
	var n int
	var err error
	if n = copy(buffer[:], s.ahead); n > 0 {
		s.ahead = s.ahead[n:] // it came with a Passage
	} else {
		n, err = s.TryRead(buffer[:])
	}
	switch {
	case errors.Is(err, poll.ErrAgain) && s.worker.isClosing():
		return StatusOK
	case errors.Is(err, poll.ErrAgain):
		s.Rest(s.server.conf.ProxyProtocolTimeout.V)
		return Done
	case n == 0 && !errors.Is(err, io.EOF):
		s.Logf(log.Info, "recv() failed (%s)", log.ErrText(err))
		return StatusOK
	}
	header, size, err := proxyproto.Read(buffer[:n])
	if err != nil {
		var broken *proxyproto.Error
		if errors.As(err, &broken) && broken.Text != "" {
			s.Logf(log.Error, "%s", broken.Text)
		}
		return StatusBadRequest
	}
	s.said, s.greeted = header, true
	s.ahead = slices.Concat(buffer[size:n], s.ahead)
	s.doing = initializing
	return OK
}

// preread gives h what the client has sent so far, and more, until it knows what
// it wants to know.
func (s *Session) preread(h Handler) Result {
	s.doing = prereading
	size := int(s.server.conf.PrereadSize.V)
	until := s.Tick() + s.server.conf.PrereadTimeout.V.Milliseconds()
	for {
		rc := h(s)
		if rc != Again {
			return rc
		}
		if len(s.ahead) >= size {
			s.Logf(log.Error, "preread buffer full")
			return StatusBadRequest
		}
		if !s.readAhead(size, until) {
			return StatusOK
		}
	}
}

// readAhead reads more into s.ahead, until it has size bytes or the tick until has
// come. It reports false when there will be no more.
func (s *Session) readAhead(size int, until int64) bool {
	if cap(s.ahead) < size {
		s.ahead = append(make([]byte, 0, size), s.ahead...)
	}
	s.SetReadTimeout(time.Duration(max(1, until-s.Tick())) * time.Millisecond)
	defer s.SetReadTimeout(0)
	n, err := s.bytes().Read(s.ahead[len(s.ahead):size])
	s.ahead = s.ahead[:len(s.ahead)+n]
	if s.dialogue != nil {
		s.received += int64(n)
	}
	if n > 0 {
		return true
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, poll.ErrTimeout) && s.stream == nil {
		s.LogErr(log.Info, err, "recv() failed")
	}
	return false
}

// bytes is where the client's bytes are read and written.
func (s *Session) bytes() interface {
	Read(b []byte) (int, error)
	Write(b []byte) (int, error)
} {
	switch {
	case s.stream != nil:
		return s.stream
	case s.dialogue != nil:
		return (*datagrams)(s)
	}
	return &s.Conn
}

// Ahead is what has come from the client so far, for handlers of Preread.
func (s *Session) Ahead() []byte { return s.ahead }

// TakeAhead is Ahead for who passes it on: it is the caller's from here on.
func (s *Session) TakeAhead() []byte {
	taken := s.ahead
	s.ahead = nil
	return taken
}

// Send writes to the client, waiting for room if need be, and counts.
func (s *Session) Send(b []byte) error {
	n, err := s.bytes().Write(b)
	s.sent += int64(n)
	return err
}
