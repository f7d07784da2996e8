package cache

import (
	"encoding/binary"
	"errors"
)

// HeaderSize is the size of the fixed part of a file's header.
const HeaderSize = 336

// The variable part of the header is keyMark, the key, and the end of the line.
// Tools that look for files by their key look for it.
const keyMark = "\nKEY: "

// MaxVary is how long a Vary may be, and MaxETag an ETag that is remembered.
const (
	MaxVary = 128
	MaxETag = 128
)

// MaxStart is how far from the beginning of a file the body can begin.
const MaxStart = 1<<16 - 1

const version = 5

// A Header is what stands before an answer in its file. Times are Unix seconds.
type Header struct {
	ValidUntil   int64
	UpdatingFor  int64 // seconds for which it may be sent while it is updated
	ErrorFor     int64 // ... while the upstream fails
	LastModified int64 // -1: not given
	Date         int64 // when it was written
	CRC          uint32
	HeadStart    int // of the answer's head
	BodyStart    int
	ETag         string // at most MaxETag
	Vary         string // at most MaxVary
	Variant      Key    // of Vary
}

// Places in the fixed part, in the machine's byte order.
const (
	atVersion   = 0   // uint64
	atValid     = 8   // int64
	atUpdating  = 16  // int64
	atError     = 24  // int64
	atModified  = 32  // int64
	atDate      = 40  // int64
	atCRC       = 48  // uint32
	atHeadStart = 54  // uint16, behind milliseconds that nobody uses
	atBodyStart = 56  // uint16
	atETagLen   = 58  // uint8
	atETag      = 59  // MaxETag bytes
	atVaryLen   = 187 // uint8
	atVary      = 188 // MaxVary bytes
	atVariant   = 316 // a Key
)

// HeadStart is where the head of the answer begins in the file of a key.
func HeadStart(key int) int { return HeaderSize + len(keyMark) + key + 1 }

// Put writes the fixed part to dst, which has HeaderSize bytes. A longer ETag is
// left out.
func (h *Header) Put(dst []byte) {
	dst = dst[:HeaderSize]
	clear(dst)
	order := binary.NativeEndian
	order.PutUint64(dst[atVersion:], version)
	order.PutUint64(dst[atValid:], uint64(h.ValidUntil))
	order.PutUint64(dst[atUpdating:], uint64(h.UpdatingFor))
	order.PutUint64(dst[atError:], uint64(h.ErrorFor))
	order.PutUint64(dst[atModified:], uint64(h.LastModified))
	order.PutUint64(dst[atDate:], uint64(h.Date))
	order.PutUint32(dst[atCRC:], h.CRC)
	order.PutUint16(dst[atHeadStart:], uint16(h.HeadStart))
	order.PutUint16(dst[atBodyStart:], uint16(h.BodyStart))
	if len(h.ETag) <= MaxETag {
		dst[atETagLen] = byte(copy(dst[atETag:atETag+MaxETag], h.ETag))
	}
	if h.Vary != "" {
		dst[atVaryLen] = byte(copy(dst[atVary:atVary+MaxVary], h.Vary))
		copy(dst[atVariant:], h.Variant[:])
	}
}

// AppendStart appends all that stands before the answer's head in the file of key.
func (h *Header) AppendStart(dst, key []byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, HeaderSize)...)
	h.Put(dst[start:])
	dst = append(append(dst, keyMark...), key...)
	return append(dst, '\n')
}

// What is wrong with a file; the sentences are what follows the file's name in
// the error log.
var (
	ErrTooSmall  = errors.New("is too small")
	ErrVersion   = errors.New("version mismatch") // of another version, which is no fault
	ErrCollision = errors.New("has md5 collision")
	ErrTooLong   = errors.New("has too long header")
	ErrVary      = errors.New("has incorrect vary length")
)

// Parse reads the beginning of the file of key, whose checksum is crc. The strings
// are views of buf.
func (h *Header) Parse(buf, key []byte, crc uint32) error {
	start := HeadStart(len(key))
	if len(buf) < start {
		return ErrTooSmall
	}
	order := binary.NativeEndian
	if order.Uint64(buf[atVersion:]) != version {
		return ErrVersion
	}
	headStart, bodyStart := int(order.Uint16(buf[atHeadStart:])), int(order.Uint16(buf[atBodyStart:]))
	if order.Uint32(buf[atCRC:]) != crc || headStart != start || string(buf[HeaderSize+len(keyMark):start-1]) != string(key) {
		return ErrCollision
	}
	if bodyStart > len(buf) || bodyStart < headStart {
		return ErrTooLong
	}
	etag, vary := int(buf[atETagLen]), int(buf[atVaryLen])
	if vary > MaxVary || etag > MaxETag {
		return ErrVary
	}
	*h = Header{
		ValidUntil:   int64(order.Uint64(buf[atValid:])),
		UpdatingFor:  int64(order.Uint64(buf[atUpdating:])),
		ErrorFor:     int64(order.Uint64(buf[atError:])),
		LastModified: int64(order.Uint64(buf[atModified:])),
		Date:         int64(order.Uint64(buf[atDate:])),
		CRC:          crc, HeadStart: headStart, BodyStart: bodyStart,
		ETag: view(buf[atETag : atETag+etag]), Vary: view(buf[atVary : atVary+vary]),
	}
	copy(h.Variant[:], buf[atVariant:])
	return nil
}
