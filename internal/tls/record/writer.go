package record

import "encoding/binary"

// A Writer seals records for the peer.
type Writer struct {
	Half
	// Reader is that of the same connection: its peer may ask for new keys.
	Reader *Reader
}

// Room is how many bytes of dst stand before the plain text of a record.
func (w *Writer) Room() int { return headerSize + w.explicit() }

// Append seals plain, at most [MaxPlain] bytes, behind dst as one record of the
// application, with what is owed to the peer before it. plain may lie in dst's
// own free memory at exactly [Writer.Room] behind its end, if nothing is owed.
func (w *Writer) Append(dst, plain []byte) ([]byte, error) {
	dst, err := w.AppendOwed(dst)
	if err != nil {
		return dst, err
	}
	return w.seal(dst, typeData, plain)
}

// Owes reports whether AppendOwed has something to append.
func (w *Writer) Owes() bool {
	return w.suite.version == TLS13 && w.keys.Seq >= rekeyAfter ||
		w.Reader.owesUpdate.Load() || w.Reader.owesRefusal.Load()
}

// AppendOwed appends what the peer must get before other records: new keys when it
// has asked for them or ours have sealed enough, and that we do not renegotiate.
func (w *Writer) AppendOwed(dst []byte) ([]byte, error) {
	if !w.Owes() {
		return dst, nil
	}
	if w.Reader.owesRefusal.Swap(false) {
		return w.seal(dst, typeAlert, []byte{levelWarning, byte(noRenegotiation)})
	}
	w.Reader.owesUpdate.Store(false)
	return w.AppendKeyUpdate(dst, false)
}

// AppendKeyUpdate changes our keys, and asks the peer to do the same if ask is
// set. It is for TLS 1.3; in TLS 1.2 it appends nothing.
func (w *Writer) AppendKeyUpdate(dst []byte, ask bool) ([]byte, error) {
	if w.suite.version != TLS13 {
		return dst, nil
	}
	message := []byte{msgKeyUpdate, 0, 0, 1, 0}
	if ask {
		message[4] = 1
	}
	dst, err := w.seal(dst, typeHandshake, message)
	if err != nil {
		return dst, err
	}
	return dst, w.update()
}

// AppendAlert appends an alert. Every one but [CloseNotify] is fatal.
func (w *Writer) AppendAlert(dst []byte, a Alert) ([]byte, error) {
	level := byte(levelFatal)
	if a == CloseNotify {
		level = levelWarning
	}
	return w.seal(dst, typeAlert, []byte{level, byte(a)})
}

// seal appends one record.
func (w *Writer) seal(dst []byte, kind byte, plain []byte) ([]byte, error) {
	at, inner := len(dst), len(plain)
	outer := kind
	if w.suite.version == TLS13 {
		outer = typeData
		inner++
	}
	start := at + w.Room()
	size := w.explicit() + inner + tagSize
	total := at + headerSize + size
	if cap(dst) < total {
		grown := make([]byte, at, total)
		copy(grown, dst)
		dst = grown
	}
	dst = dst[:total]
	copy(dst[start:], plain)
	if w.suite.version == TLS13 {
		dst[start+len(plain)] = kind
	}
	head := dst[at:]
	head[0], head[1], head[2] = outer, 3, 3
	binary.BigEndian.PutUint16(head[3:], uint16(size))
	explicit := head[headerSize : headerSize+w.explicit()]
	if len(explicit) > 0 {
		binary.BigEndian.PutUint64(explicit, w.keys.Seq)
	}
	nonce, extra := w.prepare(head, explicit, len(plain))
	content := dst[start : start+inner]
	w.aead.Seal(content[:0], nonce, content, extra)
	return dst, w.step()
}
