package h2

import "encoding/binary"

// A Client is the client's side of a connection, with one stream at a time, as nginx
// uses it towards upstreams. It does no I/O: what it is told to send and what comes
// are bytes. The zero value is a connection on which nothing was sent yet.
type Client struct {
	id      uint32 // of the stream; 0: there was none
	ended   bool   // the other side has ended the stream
	opened  bool   // the head of the answer has come
	rested  bool   // ... RST_STREAM behind its end
	replay  bool   // what is read was kept in a file: any stream is the one
	leaving bool   // the other side accepts no more streams

	sendWindow   int64 // of the connection
	streamWindow int64 // what the stream may send
	firstWindow  int64 // what streams may send at first
	recvWindow   int64 // of the connection
	streamRecv   int64 // what the stream may receive

	control []byte // frames to be sent
	waiting int    // answers among them

	decoder Decoder
	frame   frameReader
	block   []byte // of the head in progress
	inBlock bool
	last    bool   // no body follows that head
	text    []byte // of the fields, see Field
	fields  []Field
}

// Opened by a client that wants its answers as fast as they come: no table of
// fields, no pushes, and windows of 2 GB. TCP has its own.
const opening = Preface +
	"\x00\x00\x12\x04\x00\x00\x00\x00\x00" +
	"\x00\x01\x00\x00\x00\x00" + "\x00\x02\x00\x00\x00\x00" + "\x00\x04\x7f\xff\xff\xff" +
	"\x00\x00\x04\x08\x00\x00\x00\x00\x00" + "\x7f\xff\x00\x00"

// Begin begins the next stream, with the frames of head, which AppendHead has made;
// it writes the stream's number into them. What it returns is to be sent before them.
// It is false when there can be no more streams.
func (c *Client) Begin(head []byte) (before string, ok bool) {
	if c.id == 0 {
		c.sendWindow, c.firstWindow, c.recvWindow = Window, Window, MaxWindow
		before, c.id = opening, 1
	} else {
		c.id += 2
	}
	if c.leaving || c.id > MaxWindow {
		return "", false
	}
	c.ended, c.opened, c.rested, c.inBlock = false, false, false, false
	c.streamWindow, c.streamRecv = c.firstWindow, MaxWindow
	c.frame = frameReader{}
	for len(head) >= HeadSize {
		h := ParseHead(head)
		binary.BigEndian.PutUint32(head[5:], c.id)
		head = head[HeadSize+min(h.Length, len(head)-HeadSize):]
	}
	return before, true
}

// Replay is a Client that reads the frames of an answer's head once more.
func Replay() *Client {
	return &Client{id: 1, replay: true, sendWindow: Window, firstWindow: Window, streamWindow: Window, recvWindow: MaxWindow, streamRecv: MaxWindow}
}

// AppendHead appends frames with a block of header fields. last says that no body
// follows.
func AppendHead(dst, block []byte, last bool) []byte {
	h := Head{Type: Headers}
	if last {
		h.Flags = FlagEndStream
	}
	for {
		h.Length = min(len(block), MaxFrame)
		if h.Length == len(block) {
			h.Flags |= FlagEndHeaders
		}
		dst = append(h.Append(dst), block[:h.Length]...)
		if block = block[h.Length:]; len(block) == 0 {
			return dst
		}
		h.Type, h.Flags = Continuation, 0
	}
}

// Room is how many bytes of the body may be sent now, in one frame.
func (c *Client) Room() int { return int(max(0, min(c.sendWindow, c.streamWindow, MaxFrame))) }

// AppendData appends the head of a frame with the next n bytes of the body, which
// last says are the last ones.
func (c *Client) AppendData(dst []byte, n int, last bool) []byte {
	c.sendWindow -= int64(n)
	c.streamWindow -= int64(n)
	h := Head{Length: n, Type: Data, Stream: c.id}
	if last {
		h.Flags = FlagEndStream
	}
	return h.Append(dst)
}

// AppendControl appends what has to be said besides: that settings and pings have
// come, and that windows are open.
func (c *Client) AppendControl(dst []byte) []byte {
	dst = append(dst, c.control...)
	c.control, c.waiting = c.control[:0], 0
	return dst
}

// Ended reports whether the other side has ended the stream.
func (c *Client) Ended() bool { return c.ended }

// Reusable reports whether another stream may follow, as far as what was read
// tells.
func (c *Client) Reusable() bool {
	return c.ended && !c.leaving && c.frame.state == atHead && c.frame.have == 0
}

// Open is called when a head was that of the answer, and data may follow.
func (c *Client) Open() { c.opened = true }

// Fields are those of the last head, as places in text.
func (c *Client) Fields() (text []byte, fields []Field) { return c.text, c.fields }
