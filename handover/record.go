package handover

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/fxamacker/cbor/v2"

	"github.com/baton-project/baton/fd"
)

// The bounds of one message. What is over them does not go over a channel.
const (
	// MaxRecords is how many records a message has at most.
	MaxRecords = 64

	// MaxState is the largest Record.State in bytes.
	MaxState = 40 << 10

	// MaxFiles is how many descriptors come with one record at most.
	MaxFiles = 16
)

// A Record says what a connection is and where it stands.
type Record struct {
	// Kind names what State is, such as "http/1". Version counts the changes of
	// it that an older receiver would get wrong, from 1.
	Kind    string `cbor:"1,keyasint"`
	Version uint   `cbor:"2,keyasint"`

	// Files is how many descriptors belong to the record.
	Files uint `cbor:"3,keyasint,omitempty"`

	// State is whatever the kind wants to know, as one item of CBOR.
	State cbor.RawMessage `cbor:"4,keyasint"`
}

// NewRecord returns the record of a connection with n descriptors, whose state
// is what CBOR makes of state. Small integers as keys keep it small: a field
// with the tag `cbor:"1,keyasint"`.
func NewRecord(kind string, version uint, n int, state any) (Record, error) {
	b, err := encoding.Marshal(state)
	if err != nil {
		return Record{}, err
	}
	r := Record{Kind: kind, Version: version, Files: uint(n), State: b}
	return r, r.check()
}

// Decode fills state, a pointer, from r.State. Fields that state does not have
// are ignored.
func (r *Record) Decode(state any) error {
	if err := decoding.Unmarshal(r.State, state); err != nil {
		return fmt.Errorf("state of %q: %w", r.Kind, err)
	}
	return nil
}

func (r *Record) check() error {
	switch {
	case r.Kind == "" || len(r.Kind) > 64 || r.Version == 0 || len(r.State) == 0:
		return ErrMessage
	case len(r.State) > MaxState || r.Files > MaxFiles:
		return ErrTooLarge
	}
	return nil
}

var (
	// ErrMessage is returned for bytes on a channel that are no message.
	ErrMessage = errors.New("malformed message on handover channel")

	// ErrTooLarge is returned for a record over [MaxState] or [MaxFiles].
	ErrTooLarge = errors.New("record is too large for a handover")
)

// A message is one packet on the channel. Numbers count the offers from 1.
//
//	old to new: offer with records      new to old: answer, with what was refused
type message struct {
	Offer   uint64    `cbor:"1,keyasint,omitempty"`
	Records []Record  `cbor:"2,keyasint,omitempty"`
	Answer  uint64    `cbor:"3,keyasint,omitempty"`
	Refused []refusal `cbor:"4,keyasint,omitempty"`
}

// A refusal is why one record of an offer is not taken over.
type refusal struct {
	Index  uint   `cbor:"1,keyasint"`
	Reason string `cbor:"2,keyasint"`
}

// decoding bounds what strange bytes can make us allocate.
var decoding = mode(cbor.DecOptions{
	MaxArrayElements: 1024, MaxMapPairs: 1024, MaxNestedLevels: 16,
	IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
})

var encoding = must(cbor.EncOptions{}.EncMode())

func mode(o cbor.DecOptions) cbor.DecMode { return must(o.DecMode()) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // the options above are wrong
	}
	return v
}

// parseOffer reads an offer that came with n descriptors and checks that they
// are the ones of its records, no more and no fewer.
func parseOffer(b []byte, n int) (message, error) {
	var m message
	if err := decoding.Unmarshal(b, &m); err != nil {
		return message{}, ErrMessage
	}
	if m.Offer == 0 || m.Answer != 0 || len(m.Records) == 0 || len(m.Records) > MaxRecords {
		return message{}, ErrMessage
	}
	want := uint(0)
	for i := range m.Records {
		if m.Records[i].check() != nil {
			return message{}, ErrMessage
		}
		want += m.Records[i].Files
	}
	if want != uint(n) {
		return message{}, ErrMessage
	}
	return m, nil
}

// parseAnswer reads an answer to an offer of n records; the result has a reason
// for each that was refused, by index.
func parseAnswer(b []byte, number uint64, n int) (reasons map[int]string, err error) {
	var m message
	if err := decoding.Unmarshal(b, &m); err != nil {
		return nil, ErrMessage
	}
	if m.Answer != number || m.Offer != 0 || len(m.Refused) > n {
		return nil, ErrMessage
	}
	for _, r := range m.Refused {
		if r.Index >= uint(n) {
			return nil, ErrMessage
		}
		if reasons == nil {
			reasons = make(map[int]string)
		}
		reasons[int(r.Index)] = printable(r.Reason)
	}
	return reasons, nil
}

// maxReason bounds the reason of a refusal in bytes.
const maxReason = 200

// printable makes a reason fit for one line of a log.
func printable(s string) string {
	if len(s) > maxReason {
		s = s[:maxReason]
	}
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}

// A Channel carries messages with descriptors between two processes of one
// machine. [fd.Channel] is one, and says what the methods do; a program with an
// event loop of its own may wait in it instead.
type Channel interface {
	Send(msg []byte, files ...*fd.Owned) error
	Receive(buf []byte) (msg []byte, files []*fd.Owned, err error)
	TryReceive(buf []byte) (msg []byte, files []*fd.Owned, err error)
	ShutdownRead() error
	Close() error
}
