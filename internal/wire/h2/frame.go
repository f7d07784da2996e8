package h2

import "encoding/binary"

// Preface is what a client's connection begins with.
const Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// Sizes in bytes.
const (
	HeadSize     = 9       // of a frame's head
	MaxFrame     = 1 << 14 // of what a frame has behind its head, unless settings say otherwise
	MaxFrameEver = 1<<24 - 1
	Window       = 65535     // of flow control, unless settings say otherwise
	MaxWindow    = 1<<31 - 1 //
)

// FrameType is the type of a frame.
type FrameType uint8

// The types of frames.
const (
	Data FrameType = iota
	Headers
	Priority
	RSTStream
	Settings
	PushPromise
	Ping
	GoAway
	WindowUpdate
	Continuation
)

// Flags of frames.
const (
	FlagAck        = 0x1
	FlagEndStream  = 0x1
	FlagEndHeaders = 0x4
	FlagPadded     = 0x8
	FlagPriority   = 0x20
)

// Code says why a stream or a connection ends.
type Code uint32

// The codes of errors.
const (
	NoError Code = iota
	ProtocolError
	InternalError
	FlowControlError
	SettingsTimeout
	StreamClosed
	FrameSizeError
	RefusedStream
	Cancel
	CompressionError
	ConnectError
	EnhanceYourCalm
	InadequateSecurity
	HTTP11Required
)

// Setting is the name of a setting.
type Setting uint16

// The names of settings.
const (
	HeaderTableSize Setting = iota + 1
	EnablePush
	MaxConcurrentStreams
	InitialWindowSize
	MaxFrameSize
	MaxHeaderListSize
)

// A Head is the head of a frame.
type Head struct {
	Length int // of what follows
	Type   FrameType
	Flags  uint8
	Stream uint32 // 0: the connection
}

// ParseHead reads a frame's head from the front of b, which has HeadSize bytes.
func ParseHead(b []byte) Head {
	_ = b[HeadSize-1]
	return Head{
		Length: int(b[0])<<16 | int(b[1])<<8 | int(b[2]), Type: FrameType(b[3]), Flags: b[4],
		Stream: Uint31(b[5:]),
	}
}

// Uint31 is a number of 31 bits; the bit before is reserved.
func Uint31(b []byte) uint32 { return binary.BigEndian.Uint32(b) & MaxWindow }

// ParsePriority reads the five bytes that say on which stream, 0 for none, another
// one depends, alone or beside others, and with what weight: from 1 to 256.
func ParsePriority(b []byte) (depends uint32, weight uint16, exclusive bool) {
	return Uint31(b), uint16(b[4]) + 1, b[0]&0x80 != 0
}

// Append appends the head.
func (h Head) Append(dst []byte) []byte {
	dst = append(dst, byte(h.Length>>16), byte(h.Length>>8), byte(h.Length), byte(h.Type), h.Flags)
	return binary.BigEndian.AppendUint32(dst, h.Stream)
}

// SetLength writes n into the head of a frame that b begins with, for a length that
// is known afterwards.
func SetLength(b []byte, n int) { b[0], b[1], b[2] = byte(n>>16), byte(n>>8), byte(n) }

// AppendSetting appends one setting to the frame that is being made.
func AppendSetting(dst []byte, name Setting, value uint32) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(name))
	return binary.BigEndian.AppendUint32(dst, value)
}

// SettingSize is what one setting takes.
const SettingSize = 6

// ParseSetting reads one setting from the front of b, which has SettingSize bytes.
func ParseSetting(b []byte) (Setting, uint32) {
	return Setting(binary.BigEndian.Uint16(b)), binary.BigEndian.Uint32(b[2:])
}

// AppendWindowUpdate appends a frame that opens a window by n.
func AppendWindowUpdate(dst []byte, stream, n uint32) []byte {
	dst = Head{Length: 4, Type: WindowUpdate, Stream: stream}.Append(dst)
	return binary.BigEndian.AppendUint32(dst, n)
}

// AppendReset appends a frame that ends a stream.
func AppendReset(dst []byte, stream uint32, why Code) []byte {
	dst = Head{Length: 4, Type: RSTStream, Stream: stream}.Append(dst)
	return binary.BigEndian.AppendUint32(dst, uint32(why))
}

// AppendGoAway appends a frame that says that no stream behind last is served.
func AppendGoAway(dst []byte, last uint32, why Code) []byte {
	dst = Head{Length: 8, Type: GoAway}.Append(dst)
	dst = binary.BigEndian.AppendUint32(dst, last)
	return binary.BigEndian.AppendUint32(dst, uint32(why))
}
