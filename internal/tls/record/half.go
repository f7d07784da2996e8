package record

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

const (
	headerSize = 5
	tagSize    = 16
	nonceSize  = 12
	maxKey     = 32
	explicitIV = 8 // bytes of the nonce that AES-GCM sends in TLS 1.2

	// MaxPlain is the largest number of bytes in one record.
	MaxPlain = 1 << 14
	// MaxRecord is the largest record of a peer, with its header.
	MaxRecord = headerSize + MaxPlain + 256
	// Overhead is the most that sealing adds to the bytes of one record.
	Overhead = headerSize + explicitIV + tagSize + 1
)

// The types of records.
const (
	typeChangeCipherSpec = 20
	typeAlert            = 21
	typeHandshake        = 22
	typeData             = 23
)

// rekeyAfter is how many records are written with one key in TLS 1.3: below
// the 2^24.5 that RFC 8446, section 5.5, allows AES-GCM.
const rekeyAfter = 1 << 24

// errExhausted: there is no sequence number left.
var errExhausted = errors.New("record sequence number is exhausted")

// Keys are the secrets of one direction and its place in the stream of records.
// They belong in no log.
type Keys struct {
	// Secret is the traffic secret of TLS 1.3; nil in TLS 1.2.
	Secret []byte `cbor:"1,keyasint,omitempty"`
	// Key and IV are those of TLS 1.2; nil in TLS 1.3, where they follow from
	// Secret.
	Key []byte `cbor:"2,keyasint,omitempty"`
	IV  []byte `cbor:"3,keyasint,omitempty"`
	// Seq is the number of the next record.
	Seq uint64 `cbor:"4,keyasint,omitempty"`
}

// A Half is one direction of a connection. The zero value is not ready; see
// [Half.Import].
type Half struct {
	suite  *suite
	number uint16
	keys   Keys
	aead   cipher.AEAD // nil at rest
	key    [maxKey]byte
	iv     [nonceSize]byte
	nonce  [nonceSize]byte
	extra  [13]byte // what is authenticated besides
}

// Import makes h what it was in Export, or what keys say after a handshake. It
// returns [ErrSuite], or another error for keys that do not fit.
func (h *Half) Import(version, number uint16, keys Keys) error {
	s, err := findSuite(version, number)
	if err != nil {
		return err
	}
	made := Half{suite: s, number: number, keys: keys}
	if err := made.derive(); err != nil {
		return err
	}
	*h = made
	return nil
}

// Export returns what Import needs in another process. The memory is h's.
func (h *Half) Export() (version, number uint16, keys Keys) {
	return h.suite.version, h.number, h.keys
}

// derive makes the AEAD of the present keys.
func (h *Half) derive() (err error) {
	s, key, iv := h.suite, h.keys.Key, h.keys.IV
	if s.version == TLS13 {
		if len(h.keys.Secret) != s.hashSize {
			return fmt.Errorf("traffic secret of %d bytes", len(h.keys.Secret))
		}
		if key, err = s.expandLabel(h.keys.Secret, "key", s.keySize); err != nil {
			return err
		}
		if iv, err = s.expandLabel(h.keys.Secret, "iv", nonceSize); err != nil {
			return err
		}
	}
	if len(key) != s.keySize || len(iv) != s.fixedIV {
		return fmt.Errorf("key of %d bytes, nonce of %d", len(key), len(iv))
	}
	copy(h.iv[:], iv)
	copy(h.key[:], key)
	h.aead, err = s.aead(key)
	return err
}

// Rest gives up the memory that can be made again: most of what h needs.
func (h *Half) Rest() { h.aead = nil }

// Wake makes h ready after Rest. Nothing else may be called before.
func (h *Half) Wake() (err error) {
	if h.aead == nil {
		h.aead, err = h.suite.aead(h.key[:h.suite.keySize])
	}
	return err
}

// update moves on to the next generation of keys; see RFC 8446, section 7.2.
func (h *Half) update() error {
	next, err := h.suite.expandLabel(h.keys.Secret, "traffic upd", h.suite.hashSize)
	if err != nil {
		return err
	}
	clear(h.keys.Secret)
	h.keys.Secret, h.keys.Seq = next, 0
	return h.derive()
}

// Clone returns keys that share no memory with k.
func (k Keys) Clone() Keys {
	k.Secret, k.Key, k.IV = slices.Clone(k.Secret), slices.Clone(k.Key), slices.Clone(k.IV)
	return k
}

// explicit is how many bytes of the nonce stand in each record.
func (h *Half) explicit() int { return nonceSize - h.suite.fixedIV }

// xorNonce makes the nonce of the next record, where none of it is sent.
func (h *Half) xorNonce() {
	h.nonce = h.iv
	var seq [8]byte
	binary.BigEndian.PutUint64(seq[:], h.keys.Seq)
	for i, b := range seq {
		h.nonce[nonceSize-len(seq)+i] ^= b
	}
}

// prepare makes nonce and additional data for a record whose header stands in
// head; explicit is the part of the nonce that the record has, and plain how long
// its content is.
func (h *Half) prepare(head, explicit []byte, plain int) (nonce, extra []byte) {
	if h.suite.version == TLS13 {
		h.xorNonce()
		return h.nonce[:], append(h.extra[:0], head[:headerSize]...)
	}
	if len(explicit) > 0 {
		copy(h.nonce[:], h.iv[:h.suite.fixedIV])
		copy(h.nonce[h.suite.fixedIV:], explicit)
	} else {
		h.xorNonce()
	}
	binary.BigEndian.PutUint64(h.extra[:], h.keys.Seq)
	copy(h.extra[8:], head[:3])
	binary.BigEndian.PutUint16(h.extra[11:], uint16(plain))
	return h.nonce[:], h.extra[:]
}

// step goes on to the next record.
func (h *Half) step() error {
	if h.keys.Seq++; h.keys.Seq == 0 {
		return errExhausted
	}
	return nil
}
