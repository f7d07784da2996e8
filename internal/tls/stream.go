package tls

import (
	std "crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls/record"
)

// A Stream is a TLS connection after its handshake, over a busy [poll.Conn] that
// stays its owner's. One goroutine may read while another one writes. Whoever
// gives the Conn a rest must have read until [poll.ErrAgain] before, or have seen
// that nothing is [Stream.Buffered].
type Stream struct {
	sock    *poll.Conn
	buffers *Buffers
	info    *Info
	size    int // bytes of the largest record that we write

	r record.Reader
	w record.Writer

	in    []byte // memory for records; nil while nothing is held
	at    int    // what is before it is used up
	end   int    // of what was read
	plain []byte // part of in: opened and not yet read
	err   error  // what reading ends with, behind plain

	// unsent is what was sealed and has not left, because the wait for room was
	// ended from outside: it leaves before anything else does.
	unsent []byte

	alert  atomic.Int32 // to be sent when the stream ends; 0: close_notify
	ended  bool         // our close_notify or alert was sent
	failed bool         // writing is not possible any more

	heat atomic.Uint32 // see Stream.Rest
	slot int32         // in the list of the warm, behind which is one more; 0: none
	used bool          // since the list was last looked through

	std     *std.Conn // does the records, too; nil: we do
	tickets *std.Conn // of a client: takes tickets until the first data
	wire    *wire     // of std or tickets
}

// An Info is what the handshake has agreed on. It is never written again.
type Info struct {
	Version    uint16
	Suite      uint16
	Curve      std.CurveID
	ServerName string // as the client has asked for it; "": it has not
	Protocol   string // by ALPN; "": none
	Resumed    bool
	// Suites, Curves and Schemes are what a client has offered.
	Suites  []uint16
	Curves  []std.CurveID
	Schemes []std.SignatureScheme
	// Scheme is how the server has signed, PeerScheme how the client has; 0: not at all.
	Scheme, PeerScheme std.SignatureScheme
	// SessionID is what logs call the session; nil: it has no name.
	SessionID []byte
	// Peer is the chain that the peer has sent, its own certificate first.
	Peer []*x509.Certificate
	// Trust says why a client's certificate is not trusted; nil when it is, or
	// when nobody asked.
	Trust *VerifyError
}

func newInfo(state *std.ConnectionState) *Info {
	return &Info{
		Version: state.Version, Suite: state.CipherSuite, Curve: state.CurveID, ServerName: state.ServerName,
		Protocol: state.NegotiatedProtocol, Resumed: state.DidResume, Peer: state.PeerCertificates,
	}
}

// Buffers are memory that streams share. The zero value is ready.
type Buffers struct {
	in, out, large sync.Pool
	warm           warmList
}

const (
	inSize  = 2*record.MaxRecord + 1<<10
	outSize = record.MaxPlain + 4*record.Overhead
	// largeRecords is how many records leave in one write.
	largeRecords = 4
	largeSize    = largeRecords*(record.MaxPlain+record.Overhead) + 4*record.Overhead
)

func get(p *sync.Pool, size int) []byte {
	if b, ok := p.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return make([]byte, 0, size)
}

func put(p *sync.Pool, b []byte) { p.Put(&b) }

// Info is what the handshake has agreed on.
func (s *Stream) Info() *Info { return s.info }

// Movable reports whether the connection can go on in another process.
func (s *Stream) Movable() bool { return s.std == nil }

// SetRecordSize sets how many bytes of the application one record has at most.
func (s *Stream) SetRecordSize(n int) { s.size = min(max(n, 1), record.MaxPlain) }

// Buffered is how much was read from the socket and not yet used. When it is not
// zero a read may succeed although nothing more comes.
func (s *Stream) Buffered() bool {
	if s.std != nil {
		return s.wire.at < len(s.wire.buf) // what crypto/tls has itself is seen by reading until ErrAgain
	}
	return len(s.plain) > 0 || s.err != nil || s.end-s.at >= record.Need(s.in[s.at:s.end])
}

// Close tells the peer that nothing more comes, as far as there is room, and
// gives memory back. The socket stays open. The error is always nil.
func (s *Stream) Close() error {
	defer s.releaseAll()
	s.wake()
	s.buffers.warm.remove(s)
	if s.ended || s.failed || len(s.unsent) > 0 {
		return nil
	}
	s.ended = true
	if s.std != nil {
		_ = s.std.CloseWrite() // the peer need not hear it
		return nil
	}
	b := get(&s.buffers.out, outSize)
	b, err := s.w.AppendAlert(b, record.Alert(s.alert.Load()))
	if err == nil {
		_, _ = s.sock.TryWrite(b) // the peer need not hear it
	}
	put(&s.buffers.out, b)
	return nil
}

// fail notes what reading ends with, and which alert the peer gets for it.
func (s *Stream) fail(err error) {
	var bad *record.BadRecord
	if errors.As(err, &bad) {
		s.alert.Store(int32(bad.Alert))
	}
	s.err = err
}

// keep makes unread what the handshake has read ahead.
func (s *Stream) keep(unread []byte) {
	if len(unread) > 0 {
		in := get(&s.buffers.in, inSize)
		if cap(in) < len(unread) {
			in = make([]byte, 0, len(unread))
		}
		s.in = append(in, unread...)
		s.end = len(unread)
		s.in = s.in[:cap(s.in)]
	}
}

// release gives the memory for records back when nothing is in it, or shrinks it
// to the part of a record that it holds.
func (s *Stream) release() {
	if s.in == nil || len(s.plain) > 0 {
		return
	}
	s.plain = nil // an empty part of the memory keeps all of it
	var small []byte
	if s.at < s.end {
		if s.end-s.at > inSize/2 {
			return
		}
		small = append(small, s.in[s.at:s.end]...)
	}
	if cap(s.in) >= inSize {
		put(&s.buffers.in, s.in)
	}
	s.in, s.at, s.end = small, 0, len(small)
}

func (s *Stream) releaseAll() {
	s.plain, s.at, s.end = nil, 0, 0
	s.release()
	if s.err == nil {
		s.err = io.EOF
	}
}
