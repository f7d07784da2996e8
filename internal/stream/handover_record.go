package stream

import (
	"net/netip"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/internal/heirs"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/tls"
	"github.com/baton-project/baton/internal/variable"
	"github.com/baton-project/baton/internal/wire/proxyproto"
)

// The kind of records of relayed sessions, and its version.
const (
	kindTCP    = "stream/tcp"
	versionOne = 1
)

// unsentMost is how many bytes that were read from one end and not written to the
// other one a session may move with.
const unsentMost = 4 << 20

// basics is what is to be known of every session on its way. Times, here and in what
// has it, are in milliseconds before the moment of writing, so that clocks need not
// agree.
type basics struct {
	Listen   string `cbor:"1,keyasint"` // the address of the listener
	Number   uint64 `cbor:"2,keyasint"`
	Age      int64  `cbor:"3,keyasint"`
	Received int64  `cbor:"4,keyasint,omitempty"` // from the client
	Sent     int64  `cbor:"5,keyasint,omitempty"`
	Server   string `cbor:"6,keyasint,omitempty"` // the name that has chosen it
	Client   string `cbor:"7,keyasint,omitempty"` // see Session.SetPeer

	Variables variable.Saved    `cbor:"9,keyasint"`
	Carried   map[string][]byte `cbor:"10,keyasint,omitempty"` // see MainBuilder.Carry
	Holder    []byte            `cbor:"11,keyasint,omitempty"` // see Holder.Frozen
}

// sessionState is a relayed session on its way; with it go the client's socket and
// the other one. What there are two of is the client's and the other end's.
type sessionState struct {
	basics
	Said *proxyproto.Saved `cbor:"8,keyasint,omitempty"`

	Timeout   int64   `cbor:"12,keyasint,omitempty"` // of the tunnel
	Quiet     int64   `cbor:"13,keyasint,omitempty"` // since something came
	HalfClose bool    `cbor:"14,keyasint,omitempty"`
	Shut      [2]bool `cbor:"15,keyasint"`

	TLS [2]*tls.State `cbor:"16,keyasint"`
	// What was read and not written. With Apart that, and the bulk of TLS, is in one
	// more file, one behind the other.
	Unsent [2][]byte `cbor:"17,keyasint"`
	Sizes  [2]int    `cbor:"18,keyasint"`
	Apart  bool      `cbor:"19,keyasint,omitempty"`

	// Of a session that began with a Passage: what the client counts as connected
	// to, the address of the connection, and how often it was passed on.
	Local  string `cbor:"20,keyasint,omitempty"`
	Peer   string `cbor:"21,keyasint,omitempty"`
	Passes int    `cbor:"22,keyasint,omitempty"`

	// Of ends with a limit, how far they are with it; see poll.Paced.
	Rates [2]int64 `cbor:"23,keyasint"`
	Used  [2]int64 `cbor:"24,keyasint"`
	Waits [2]int64 `cbor:"25,keyasint"`
}

// carried is what a feature knows of sessions; see MainBuilder.Carry.
type carried struct {
	key  string
	save func(*Session) []byte
	load func(*Session, []byte)
}

// basics says what s is, but for the Holder.
func (s *Session) basics() basics {
	made := basics{
		Listen: s.listener.Spec.Address.String(), Number: s.number, Age: s.Tick() - s.began,
		Received: s.BytesReceived(), Sent: s.BytesSent(), Server: s.chosen, Variables: s.worker.main.vars.Save(&s.vars),
	}
	if s.changed {
		made.Client = addressText(s.client)
	}
	for _, c := range s.worker.main.carried {
		if b := c.save(s); b != nil {
			if made.Carried == nil {
				made.Carried = make(map[string][]byte)
			}
			made.Carried[c.key] = b
		}
	}
	return made
}

// record says what a frozen session is. apart is one more file, or nil.
func (s *Session) record() (rec handover.Record, apart *fd.Owned, err error) {
	t := s.tunnel
	made := sessionState{
		basics: s.basics(), Said: s.said.Save(),
		Timeout: t.Ends[0].Timeout.Milliseconds(), Quiet: max(t.Idle().Milliseconds(), 0), HalfClose: t.HalfClose,
	}
	if o := s.origin; o != nil {
		made.Local, made.Peer, made.Passes = o.local.String(), addressText(s.peer), o.passes
	}
	if made.Holder, err = s.holder.Frozen(); err != nil {
		return rec, nil, err
	}
	for side := range t.Ends {
		made.Shut[side], made.Unsent[side] = t.HalfClosed(side), t.Unsent(side)
		made.Sizes[side] = len(made.Unsent[side])
		at := t.PacedAt(side)
		made.Rates[side], made.Used[side], made.Waits[side] = t.Ends[side].Rate, at.Used, at.Wait.Milliseconds()
		if over, is := t.Ends[side].Stream.(*tls.Stream); is {
			if made.TLS[side], err = over.Export(); err != nil {
				return rec, nil, errSecured
			}
		}
	}
	if apart, err = made.pack(); err != nil {
		return rec, nil, err
	}
	n := 2
	if apart != nil {
		n = 3
	}
	if rec, err = handover.NewRecord(kindTCP, versionOne, n, &made); err != nil && apart != nil {
		apart.Close()
	}
	return rec, apart, err
}

// addressText is empty for a unix socket.
func addressText(a poll.Sockaddr) string {
	if !a.Addr().IsValid() {
		return ""
	}
	return netip.AddrPortFrom(a.Addr(), uint16(a.Port())).String()
}

// address is the reverse of addressText.
func address(text string) (poll.Sockaddr, bool) {
	if text == "" {
		return poll.UnixSockaddr(), true
	}
	a, err := netip.ParseAddrPort(text)
	return poll.SockaddrFrom(a), err == nil
}

// bulk is where what may travel apart stands.
func (s *sessionState) bulk() (all []*[]byte) {
	all = append(all, &s.Unsent[0], &s.Unsent[1])
	for _, over := range s.TLS {
		if over != nil {
			all = append(all, &over.Bulk)
		}
	}
	return all
}

// sizes are how long what may travel apart is.
func (s *sessionState) sizes() []int {
	all := []int{s.Sizes[0], s.Sizes[1]}
	for _, over := range s.TLS {
		if over != nil {
			all = append(all, over.BulkSize())
		}
	}
	return all
}

// pack takes the bulk out of s when it is much.
func (s *sessionState) pack() (apart *fd.Owned, err error) {
	total := 0
	for _, n := range s.sizes() {
		total += n
	}
	if total <= heirs.Inline {
		return nil, nil
	}
	var pieces [][]byte
	for _, b := range s.bulk() {
		pieces = append(pieces, *b)
		*b = nil
	}
	s.Apart = true
	return heirs.Apart(pieces...)
}

// unpack is the reverse of pack; apart is closed. s is valid.
func (s *sessionState) unpack(apart *fd.Owned) error {
	pieces, err := heirs.Together(apart, s.sizes()...)
	if err != nil {
		return err
	}
	for i, b := range s.bulk() {
		*b = pieces[i]
	}
	return nil
}

// valid says whether a worker of ours could have written b, with these times.
func (b *basics) valid(times ...int64) bool {
	const most = 100 * 366 * 24 * 3600 * 1000 // ms
	for _, ms := range append(times, b.Age) {
		if ms < 0 || ms > most {
			return false
		}
	}
	return b.Received >= 0 && b.Sent >= 0
}

// valid says whether a worker of ours could have written s, with so many files.
func (s *sessionState) valid(files int) bool {
	want := 2
	if s.Apart {
		want = 3
	}
	if !s.basics.valid(s.Timeout, s.Quiet, s.Waits[0], s.Waits[1]) || s.Passes < 0 || s.Passes > maxPasses || files != want || s.Shut[0] && s.Shut[1] {
		return false
	}
	const much = 1 << 60 // bytes
	for side, n := range s.Sizes {
		switch {
		case s.Rates[side] < 0 || s.Rates[side] > much || s.Used[side] < -much || s.Used[side] > much:
			return false
		case n < 0 || n > unsentMost || n > 0 && s.Shut[side]:
			return false
		case s.TLS[side] != nil && !s.TLS[side].Valid():
			return false
		}
	}
	for i, b := range s.bulk() {
		if n := len(*b); n != s.sizes()[i] && !s.Apart || n > 0 && s.Apart {
			return false
		}
	}
	return true
}
