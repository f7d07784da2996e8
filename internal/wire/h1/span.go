package h1

import "unsafe"

// A Span is a piece of a buffer, by offsets from the buffer's first byte, so that
// it stays true when the buffer's bytes are copied to the front of a larger one.
// The zero Span is empty.
type Span struct{ Start, End uint32 }

// Len is the number of bytes in s.
func (s Span) Len() int { return int(s.End - s.Start) }

// Of returns the bytes of s in buf.
func (s Span) Of(buf []byte) []byte { return buf[s.Start:s.End:s.End] }

// View returns the bytes of s in buf as a string that shares buf's memory: it is
// valid as long as those bytes are not written again. Clone it to keep it.
func (s Span) View(buf []byte) string { return view(buf[s.Start:s.End]) }

// view is b as a string that shares its memory.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
