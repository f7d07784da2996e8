package tls

import (
	std "crypto/tls"
	"crypto/x509"
	"errors"
	"io"

	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls/record"
)

// A State is a stream as a value: who has it and the socket can go on with the
// connection. It has the keys, and so belongs neither in logs nor in files.
type State struct {
	Version uint16      `cbor:"1,keyasint"`
	Suite   uint16      `cbor:"2,keyasint"`
	Client  bool        `cbor:"3,keyasint,omitempty"` // we are it
	Read    record.Keys `cbor:"4,keyasint"`
	Write   record.Keys `cbor:"5,keyasint"`

	Pending     []byte `cbor:"6,keyasint,omitempty"` // the beginning of a handshake message
	OwesUpdate  bool   `cbor:"7,keyasint,omitempty"` // the peer has asked for new keys
	OwesRefusal bool   `cbor:"8,keyasint,omitempty"` // the peer has asked to renegotiate
	Ended       bool   `cbor:"9,keyasint,omitempty"` // the peer has said that nothing more comes

	// Sizes are the lengths of three things that stand in Bulk, one behind the
	// other: what was opened and not read, records that were not opened, and
	// sealed records that have not left. Bulk may travel apart from the rest.
	Sizes [3]int `cbor:"10,keyasint"`
	Bulk  []byte `cbor:"11,keyasint,omitempty"`

	Curve      uint16   `cbor:"12,keyasint,omitempty"`
	ServerName string   `cbor:"13,keyasint,omitempty"`
	Protocol   string   `cbor:"14,keyasint,omitempty"`
	Resumed    bool     `cbor:"15,keyasint,omitempty"`
	Suites     []uint16 `cbor:"16,keyasint,omitempty"`
	Curves     []uint16 `cbor:"17,keyasint,omitempty"`
	Peer       [][]byte `cbor:"18,keyasint,omitempty"`
	TrustCode  int      `cbor:"19,keyasint,omitempty"`
	TrustText  string   `cbor:"20,keyasint,omitempty"`
	Schemes    []uint16 `cbor:"21,keyasint,omitempty"`
	Scheme     uint16   `cbor:"22,keyasint,omitempty"`
	PeerScheme uint16   `cbor:"23,keyasint,omitempty"`
	SessionID  []byte   `cbor:"24,keyasint,omitempty"`
}

// The bounds of what a State from another process may say.
const (
	maxBulk  = inSize + record.MaxPlain + largeSize
	maxPeers = 32
)

var (
	errNotMovable = errors.New("records of this suite cannot be taken over")
	errState      = errors.New("state of TLS cannot be read")
)

// Export returns the state of a stream that nobody reads or writes, without
// changing it: the stream goes on when nobody else has. The memory is the
// stream's, except Bulk.
func (s *Stream) Export() (*State, error) {
	if s.std != nil || s.failed || s.ended || s.err != nil && s.err != io.EOF {
		return nil, errNotMovable
	}
	made := &State{Client: s.r.Client, Pending: s.r.Pending(), OwesUpdate: s.r.OwesUpdate(), OwesRefusal: s.r.OwesRefusal(), Ended: s.err != nil}
	_, _, made.Read = s.r.Export()
	made.Version, made.Suite, made.Write = s.w.Export()
	for i, b := range [][]byte{s.plain, s.in[s.at:s.end], s.unsent} {
		made.Sizes[i] = len(b)
		made.Bulk = append(made.Bulk, b...)
	}
	i := s.info
	made.Curve, made.ServerName, made.Protocol, made.Resumed = uint16(i.Curve), i.ServerName, i.Protocol, i.Resumed
	made.Suites = i.Suites
	for _, id := range i.Curves {
		made.Curves = append(made.Curves, uint16(id))
	}
	for _, id := range i.Schemes {
		made.Schemes = append(made.Schemes, uint16(id))
	}
	made.Scheme, made.PeerScheme, made.SessionID = uint16(i.Scheme), uint16(i.PeerScheme), i.SessionID
	for _, c := range i.Peer {
		made.Peer = append(made.Peer, c.Raw)
	}
	if i.Trust != nil {
		made.TrustCode, made.TrustText = i.Trust.Code, i.Trust.Text
	}
	return made, nil
}

// Valid reports whether a stream could have been so.
func (s *State) Valid() bool {
	total := 0
	for _, n := range s.Sizes {
		if n < 0 || n > maxBulk {
			return false
		}
		total += n
	}
	return total <= maxBulk && (len(s.Bulk) == 0 || len(s.Bulk) == total) && len(s.Peer) <= maxPeers
}

// BulkSize is how long Bulk is where it has travelled apart.
func (s *State) BulkSize() int { return s.Sizes[0] + s.Sizes[1] + s.Sizes[2] }

// Import makes the stream that was exported, without a socket: see
// [Stream.SetSocket]. The state is the stream's from here on.
func (b *Buffers) Import(state *State) (*Stream, error) {
	if !state.Valid() || len(state.Bulk) != state.BulkSize() {
		return nil, errState
	}
	s := &Stream{buffers: b, size: record.MaxPlain, info: &Info{
		Version: state.Version, Suite: state.Suite, Curve: std.CurveID(state.Curve), ServerName: state.ServerName,
		Protocol: state.Protocol, Resumed: state.Resumed, Suites: state.Suites, SessionID: state.SessionID,
		Scheme: std.SignatureScheme(state.Scheme), PeerScheme: std.SignatureScheme(state.PeerScheme),
	}}
	if err := s.r.Import(state.Version, state.Suite, state.Read); err != nil {
		return nil, errState
	}
	if err := s.w.Import(state.Version, state.Suite, state.Write); err != nil {
		return nil, errState
	}
	s.r.Client, s.w.Reader = state.Client, &s.r
	s.r.SetPending(state.Pending)
	if state.OwesUpdate {
		s.r.SetOwesUpdate()
	}
	if state.OwesRefusal {
		s.r.SetOwesRefusal()
	}
	if state.Ended {
		s.err = io.EOF
	}
	plain, held := state.Bulk[:state.Sizes[0]], state.Bulk[:state.Sizes[0]+state.Sizes[1]]
	s.unsent = state.Bulk[len(held):]
	s.keep(held)
	s.at = len(plain)
	s.plain = s.in[:len(plain)]
	return s, s.info.restore(state)
}

// restore sets what is not the same in both.
func (i *Info) restore(state *State) error {
	for _, id := range state.Curves {
		i.Curves = append(i.Curves, std.CurveID(id))
	}
	for _, id := range state.Schemes {
		i.Schemes = append(i.Schemes, std.SignatureScheme(id))
	}
	for _, raw := range state.Peer {
		c, err := x509.ParseCertificate(raw)
		if err != nil {
			return errState
		}
		i.Peer = append(i.Peer, c)
	}
	if state.TrustText != "" {
		i.Trust = &VerifyError{state.TrustCode, state.TrustText}
	}
	return nil
}

// Import makes the stream of a client that another process has had, as
// [Buffers.Import] does.
func (s *Server) Import(state *State) (*Stream, error) {
	made, err := s.buffers.Import(state)
	if err == nil && s.options.RecordSize > 0 {
		made.SetRecordSize(s.options.RecordSize)
	}
	return made, err
}

// SetSocket says over which connection an imported stream goes on.
func (s *Stream) SetSocket(sock *poll.Conn) { s.sock = sock }
