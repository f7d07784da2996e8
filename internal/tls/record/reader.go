package record

import (
	"encoding/binary"
	"slices"
	"sync/atomic"
)

// An Event is what a record is to the one who reads.
type Event uint8

// The events.
const (
	// More: the record is not complete.
	More Event = iota
	// Data: bytes of the application, perhaps none.
	Data
	// Ticket: the end of a NewSessionTicket was in the record.
	Ticket
	// Silent: the record was for the record layer.
	Silent
	// Closed: the peer will send nothing more (close_notify).
	Closed
)

const (
	// maxSilent is how many records in a row may bring no data.
	maxSilent = 32
	// maxMessage is the largest handshake message that is read after the
	// handshake.
	maxMessage = 64 << 10
)

// The handshake messages that may come after the handshake.
const (
	msgHelloRequest     = 0
	msgClientHello      = 1
	msgNewSessionTicket = 4
	msgKeyUpdate        = 24
	messageHeader       = 4
)

// A Reader opens the records of the peer.
type Reader struct {
	Half
	// Client says that we are the client of the connection.
	Client bool

	silent  int
	message []byte // a handshake message whose end has not come

	owesUpdate  atomic.Bool // the peer has asked for new keys
	owesRefusal atomic.Bool // the peer has asked to renegotiate
}

// Pending is the part of a handshake message that has come; it moves with the
// keys.
func (r *Reader) Pending() []byte { return r.message }

// SetPending is for a Reader that was imported.
func (r *Reader) SetPending(message []byte) { r.message = slices.Clone(message) }

// OwesUpdate reports whether the peer waits for new keys of ours.
func (r *Reader) OwesUpdate() bool { return r.owesUpdate.Load() }

// SetOwesUpdate is for a Reader that was imported.
func (r *Reader) SetOwesUpdate() { r.owesUpdate.Store(true) }

// OwesRefusal reports whether the peer waits to hear that we do not renegotiate.
func (r *Reader) OwesRefusal() bool { return r.owesRefusal.Load() }

// SetOwesRefusal is for a Reader that was imported.
func (r *Reader) SetOwesRefusal() { r.owesRefusal.Store(true) }

// Need returns how long the record is that buf begins with; less than 6 when that
// cannot be told yet.
func Need(buf []byte) int {
	if len(buf) < headerSize {
		return headerSize
	}
	return headerSize + int(binary.BigEndian.Uint16(buf[3:]))
}

// Next opens the first record of buf where it lies: plain is a part of buf, and n
// is how much of buf the record was. Errors are a *BadRecord, a *PeerAlert, or
// tell that the keys are used up; nothing can be read after one.
func (r *Reader) Next(buf []byte) (e Event, n int, plain []byte, err error) {
	if len(buf) < headerSize {
		return More, 0, nil, nil
	}
	if err := r.checkHeader(buf); err != nil {
		return Silent, 0, nil, err
	}
	n = Need(buf)
	if len(buf) < n {
		return More, 0, nil, nil
	}
	kind, plain, err := r.open(buf[:n])
	if err != nil {
		return Silent, 0, nil, err
	}
	e, err = r.take(kind, plain)
	if err != nil {
		return Silent, 0, nil, err
	}
	if e == Data && len(plain) > 0 {
		r.silent = 0
		return e, n, plain, nil
	}
	if r.silent++; r.silent > maxSilent {
		return Silent, 0, nil, &BadRecord{UnexpectedMsg, "too many records without data"}
	}
	if e != Data {
		plain = nil
	}
	return e, n, plain, nil
}

func (r *Reader) checkHeader(buf []byte) error {
	size := int(binary.BigEndian.Uint16(buf[3:]))
	limit := MaxPlain + 256
	if r.suite.version == TLS12 {
		limit = MaxPlain + 2048
	}
	switch {
	case buf[1] != 3 || r.suite.version == TLS12 && buf[2] != 3:
		return &BadRecord{ProtocolVersion, "wrong version number"}
	case size > limit || size > MaxPlain+r.explicit()+tagSize+1 && r.suite.version == TLS12:
		return &BadRecord{RecordOverflow, "packet length too long"}
	case r.suite.version == TLS13 && buf[0] != typeData:
		return &BadRecord{UnexpectedMsg, "unexpected record type"}
	}
	return nil
}

// open decrypts one whole record.
func (h *Half) open(buf []byte) (kind byte, plain []byte, err error) {
	body := buf[headerSize:]
	explicit := body[:min(h.explicit(), len(body))]
	body = body[len(explicit):]
	if len(explicit) < h.explicit() || len(body) < tagSize {
		return 0, nil, &BadRecord{BadRecordMAC, "length too short"}
	}
	nonce, extra := h.prepare(buf, explicit, len(body)-tagSize)
	plain, err = h.aead.Open(body[:0], nonce, body, extra)
	if err != nil {
		return 0, nil, &BadRecord{BadRecordMAC, "decryption failed or bad record mac"}
	}
	if err := h.step(); err != nil {
		return 0, nil, err
	}
	kind = buf[0]
	if h.suite.version == TLS13 {
		if len(plain) > MaxPlain+1 {
			return 0, nil, &BadRecord{RecordOverflow, "data length too long"}
		}
		end := len(plain)
		for end > 0 && plain[end-1] == 0 { // padding
			end--
		}
		if end == 0 {
			return 0, nil, &BadRecord{UnexpectedMsg, "bad record type"}
		}
		kind, plain = plain[end-1], plain[:end-1]
	}
	if len(plain) > MaxPlain {
		return 0, nil, &BadRecord{RecordOverflow, "data length too long"}
	}
	return kind, plain, nil
}

// OpenHandshake opens one whole record of a handshake where it lies; ok is false when it
// is none with these keys.
func (h *Half) OpenHandshake(buf []byte) (plain []byte, ok bool) {
	if len(buf) < headerSize {
		return nil, false
	}
	kind, plain, err := h.open(buf)
	return plain, err == nil && kind == typeHandshake
}

// take does what a record asks for.
func (r *Reader) take(kind byte, plain []byte) (Event, error) {
	if kind != typeHandshake && len(r.message) > 0 {
		return Silent, &BadRecord{UnexpectedMsg, "handshake message interrupted"}
	}
	switch kind {
	case typeData:
		return Data, nil
	case typeAlert:
		return r.takeAlert(plain)
	case typeHandshake:
		return r.takeHandshake(plain)
	}
	return Silent, &BadRecord{UnexpectedMsg, "unexpected record type"}
}

func (r *Reader) takeAlert(plain []byte) (Event, error) {
	if len(plain) != alertMessageSize {
		return Silent, &BadRecord{DecodeError, "invalid alert"}
	}
	alert := Alert(plain[1])
	switch {
	case alert == CloseNotify:
		return Closed, nil
	case alert == userCanceled, r.suite.version == TLS12 && plain[0] == levelWarning:
		return Silent, nil
	}
	return Silent, &PeerAlert{alert}
}

func (r *Reader) takeHandshake(plain []byte) (e Event, err error) {
	if len(plain) == 0 {
		return Silent, &BadRecord{UnexpectedMsg, "empty handshake record"}
	}
	rest := plain
	if len(r.message) > 0 {
		rest = append(r.message, plain...)
	}
	e = Silent
	for len(rest) >= messageHeader {
		size := int(rest[1])<<16 | int(rest[2])<<8 | int(rest[3])
		if size > maxMessage {
			return Silent, &BadRecord{UnexpectedMsg, "excessive message size"}
		}
		if len(rest) < messageHeader+size {
			break
		}
		body := rest[messageHeader : messageHeader+size]
		got, err := r.takeMessage(rest[0], body, len(rest) == messageHeader+size)
		if err != nil {
			return Silent, err
		}
		if got == Ticket {
			e = Ticket
		}
		rest = rest[messageHeader+size:]
	}
	if len(rest) == 0 {
		r.message = nil
	} else {
		r.message = slices.Clone(rest)
	}
	return e, nil
}

// takeMessage handles one handshake message; last: nothing follows it in its
// record.
func (r *Reader) takeMessage(kind byte, body []byte, last bool) (Event, error) {
	switch {
	case r.suite.version == TLS13 && kind == msgKeyUpdate:
		if len(body) != 1 || body[0] > 1 {
			return Silent, &BadRecord{DecodeError, "bad key update"}
		}
		if !last {
			return Silent, &BadRecord{UnexpectedMsg, "not on record boundary"}
		}
		if body[0] == 1 {
			r.owesUpdate.Store(true)
		}
		return Silent, r.update()
	case r.suite.version == TLS13 && kind == msgNewSessionTicket && r.Client:
		return Ticket, nil
	case r.suite.version == TLS12 && (kind == msgHelloRequest && r.Client || kind == msgClientHello && !r.Client):
		r.owesRefusal.Store(true)
		return Silent, nil
	}
	return Silent, &BadRecord{UnexpectedMsg, "unexpected message"}
}
