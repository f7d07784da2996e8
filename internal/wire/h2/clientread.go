package h2

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// A ClientEvent says why Next returned.
type ClientEvent uint8

// The events.
const (
	ClientMore ClientEvent = iota // all of buf is used up
	ClientHead                    // a head, or trailers, are complete: see Fields
	ClientData                    // a piece of the body
)

// A frameReader is where in a frame a Client is.
type frameReader struct {
	state   frameState
	head    Head
	raw     [HeadSize]byte // of the head, or of a short frame
	have    int            // of raw
	rest    int            // of the frame, what is to come
	skip    int            // of rest, what counts for nothing at its front
	padding int            // ... and at its end
}

type frameState uint8

const (
	atHead    frameState = iota
	atPadding            // at the length of the padding
	inside
)

// Sentences of nginx.
func refuse(format string, args ...any) error { return fmt.Errorf("upstream sent "+format, args...) }

// Next takes n bytes of buf. data, a slice of buf, is not empty with ClientData. limit
// bounds a head. After an error nothing more can be read.
func (c *Client) Next(buf []byte, limit int) (n int, e ClientEvent, data []byte, err error) {
	f := &c.frame
	for {
		switch f.state {
		case atHead:
			taken := copy(f.raw[f.have:], buf[n:])
			n += taken
			if f.have += taken; f.have < HeadSize {
				return n, ClientMore, nil, nil
			}
			*f = frameReader{state: inside, head: ParseHead(f.raw[:])}
			f.rest = f.head.Length
			if err := c.accept(); err != nil {
				return n, 0, nil, err
			}
		case atPadding:
			if n == len(buf) {
				return n, ClientMore, nil, nil
			}
			f.padding, f.rest, f.state = int(buf[n]), f.rest-1, inside
			n++
			if f.padding > f.rest-f.skip {
				return n, 0, nil, refuse("http2 frame with too long padding: %d in frame %d", f.padding, f.rest)
			}
		}
		if f.state == atPadding {
			continue
		}
		used, e, data, err := c.payload(buf[n:], limit)
		n += used
		if err != nil || e != ClientMore {
			return n, e, data, err
		}
		if n == len(buf) {
			return n, ClientMore, nil, nil
		}
	}
}

// accept looks at the head of a frame.
func (c *Client) accept() error {
	f := &c.frame
	h := f.head
	if c.replay && h.Stream != 0 {
		c.id = h.Stream
	}
	switch {
	case h.Length > MaxFrame:
		return refuse("too large http2 frame: %d", h.Length)
	case h.Type == Data && !c.opened, (h.Type == Continuation) != c.inBlock:
		return refuse("unexpected http2 frame: %d", h.Type)
	case h.Type == Data && h.Stream != c.id:
		return refuse("data frame for unknown stream %d", h.Stream)
	case h.Type == Data && int64(h.Length) > c.streamRecv:
		return refuse("violated stream flow control, received %d data frame with window %d", h.Length, c.streamRecv)
	case h.Type == Data && int64(h.Length) > c.recvWindow:
		return refuse("violated connection flow control, received %d data frame with window %d", h.Length, c.recvWindow)
	case h.Stream != 0 && h.Stream != c.id, h.Stream == 0 && (h.Type == Headers || h.Type == Continuation || h.Type == RSTStream):
		return refuse("frame for unknown stream %d", h.Stream)
	case h.Stream == c.id && c.ended && h.Type != RSTStream && h.Type != WindowUpdate:
		return refuse("frame for closed stream %d", h.Stream)
	case h.Type == PushPromise:
		return refuse("unexpected push promise frame")
	}
	switch h.Type {
	case Data:
		c.receive(int64(h.Length))
		return c.beginPadded(0)
	case Headers:
		if h.Flags&FlagPriority != 0 {
			return c.beginPadded(5)
		}
		return c.beginPadded(0)
	}
	return c.checkLength(h)
}

// beginPadded begins a frame that may have padding, behind skip bytes of no use.
func (c *Client) beginPadded(skip int) error {
	f := &c.frame
	f.skip = skip
	least := skip
	if f.head.Flags&FlagPadded != 0 {
		f.state = atPadding
		least++
	}
	switch {
	case f.rest >= least:
		return nil
	case f.head.Type == Data:
		return refuse("too short http2 frame")
	}
	return refuse("headers frame with invalid length: %d", f.rest)
}

// receive takes n bytes off the windows, and opens them again.
func (c *Client) receive(n int64) {
	c.streamRecv -= n
	c.recvWindow -= n
	if min(c.streamRecv, c.recvWindow) >= MaxWindow/4 {
		return
	}
	c.control = AppendWindowUpdate(c.control, 0, uint32(MaxWindow-c.recvWindow))
	c.control = AppendWindowUpdate(c.control, c.id, uint32(MaxWindow-c.streamRecv))
	c.recvWindow, c.streamRecv = MaxWindow, MaxWindow
}

// checkLength looks at the head of a frame without padding.
func (c *Client) checkLength(h Head) error {
	name, want := "", 0
	switch h.Type {
	case RSTStream:
		name, want = "rst stream", 4
	case WindowUpdate:
		name, want = "window update", 4
	case GoAway:
		if h.Stream != 0 {
			return refuse("goaway frame with non-zero stream id: %d", h.Stream)
		}
		name, want = "goaway", max(h.Length, 8)
	case Ping:
		if h.Stream != 0 {
			return refuse("ping frame with non-zero stream id: %d", h.Stream)
		}
		name, want = "ping", 8
	case Settings:
		switch {
		case h.Stream != 0:
			return refuse("settings frame with non-zero stream id: %d", h.Stream)
		case h.Flags&FlagAck != 0 && h.Length != 0:
			return refuse("settings frame with ack flag and non-zero length: %d", h.Length)
		}
		name, want = "settings", h.Length-h.Length%SettingSize
	default:
		return nil
	}
	if h.Length != want {
		return refuse("%s frame with invalid length: %d", name, h.Length)
	}
	if h.Type == Ping && h.Flags&FlagAck != 0 {
		return refuse("ping frame with ack flag")
	}
	return nil
}

// payload takes what buf has of the frame.
func (c *Client) payload(buf []byte, limit int) (n int, e ClientEvent, data []byte, err error) {
	f := &c.frame
	switch f.head.Type {
	case Data:
		n = min(len(buf), f.rest-f.padding)
		data = buf[:n]
		f.rest -= n
		if f.rest == f.padding { // or in the padding
			pad := min(len(buf)-n, f.rest)
			n, f.rest, f.padding = n+pad, f.rest-pad, f.padding-pad
		}
		if f.rest == 0 {
			f.state = atHead
			c.ended = f.head.Flags&FlagEndStream != 0
		}
		if len(data) > 0 {
			e = ClientData
		}
		return n, e, data, nil
	case Headers, Continuation:
		return c.headPayload(buf, limit)
	case RSTStream, WindowUpdate, Ping, GoAway, Settings:
		return c.shortPayload(buf)
	}
	n = min(len(buf), f.rest)
	c.pass(n)
	return n, ClientMore, nil, nil
}

// pass uses up n bytes of the frame.
func (c *Client) pass(n int) {
	f := &c.frame
	if f.rest -= n; f.rest == 0 {
		f.state = atHead
	}
}

// headPayload gathers a block of fields, and decodes it when it is complete.
func (c *Client) headPayload(buf []byte, limit int) (n int, e ClientEvent, data []byte, err error) {
	f := &c.frame
	if f.head.Type == Headers && !c.inBlock {
		c.inBlock, c.block, c.last = true, c.block[:0], f.head.Flags&FlagEndStream != 0
	}
	n = min(len(buf), f.rest)
	part := buf[:n]
	skip := min(f.skip, len(part))
	f.skip -= skip
	if keep := n - max(0, f.padding-(f.rest-n)); keep > skip {
		c.block = append(c.block, part[skip:keep]...)
	}
	if len(c.block) > limit {
		return n, 0, nil, errBigHead
	}
	c.pass(n)
	if f.state != atHead || f.head.Flags&FlagEndHeaders == 0 {
		return n, ClientMore, nil, nil
	}
	c.inBlock = false
	if err := c.decode(limit); err != nil {
		return n, 0, nil, err
	}
	c.ended = c.last
	return n, ClientHead, nil, nil
}

var errBigHead = refuse("too big header")

// decode decodes the block.
func (c *Client) decode(limit int) error {
	c.text, c.fields = c.text[:0], c.fields[:0]
	c.decoder.Begin()
	for rest := c.block; len(rest) > 0; {
		var field Field
		var err error
		if c.text, rest, field, err = c.decoder.Next(c.text, rest, limit); err != nil {
			return errors.New(strings.Replace(err.Error(), "client", "upstream", 1))
		}
		if field.Name == field.NameEnd {
			break
		}
		if c.fields = append(c.fields, field); len(c.text) > maxText || len(c.fields) > maxFields {
			return errBigHead
		}
		name, value := c.text[field.Name:field.NameEnd], c.text[field.Value:field.ValueEnd]
		if !validName(name) || bytes.ContainsAny(value, "\x00\r\n") {
			return refuse("invalid header: \"%s: %s\"", name, value)
		}
	}
	return nil
}

// What a head may come to when it is decoded, however small it was.
const (
	maxText   = 1 << 20
	maxFields = 1 << 12
)

// validName reports whether a field may have that name.
func validName(name []byte) bool {
	for i, b := range name {
		if b <= ' ' || b == 0x7f || b == ':' && i > 0 || 'A' <= b && b <= 'Z' {
			return false
		}
	}
	return true
}

// shortPayload gathers the few bytes of a frame that count.
func (c *Client) shortPayload(buf []byte) (n int, e ClientEvent, data []byte, err error) {
	f := &c.frame
	for {
		want := min(f.size(), f.have+f.rest)
		taken := copy(f.raw[f.have:want], buf[n:])
		n, f.have = n+taken, f.have+taken
		c.pass(taken)
		if f.have < want {
			return n, ClientMore, nil, nil
		}
		got := f.raw[:f.have]
		f.have = 0
		if err := c.act(got); err != nil || f.state == atHead {
			return n, ClientMore, nil, err
		}
		if f.head.Type == GoAway { // what it says for people
			f.head.Type = 0xff
			return n, ClientMore, nil, nil
		}
	}
}

// size is how many bytes of the frame are looked at together.
func (f *frameReader) size() int {
	switch f.head.Type {
	case Settings:
		return SettingSize
	case Ping, GoAway:
		return 8
	}
	return 4
}

// act does what a frame asks for.
func (c *Client) act(got []byte) error {
	f := &c.frame
	switch f.head.Type {
	case Settings:
		return c.set(got)
	case Ping:
		if c.waiting++; c.waiting > maxWaiting {
			return refuse("too many ping frames")
		}
		c.control = append(Head{Length: 8, Type: Ping, Flags: FlagAck}.Append(c.control), got...)
	case GoAway:
		if last, code := Uint31(got), binary.BigEndian.Uint32(got[4:]); last < c.id {
			return refuse("goaway with error %d", code)
		}
		c.leaving = true
	case WindowUpdate:
		window, more := &c.sendWindow, int64(Uint31(got))
		if f.head.Stream != 0 {
			window = &c.streamWindow
		}
		switch {
		case more == 0:
			return refuse("zero window update")
		case more > MaxWindow-*window:
			return refuse("too large window update")
		}
		*window += more
	case RSTStream:
		code := binary.BigEndian.Uint32(got)
		switch {
		case code != 0 || !c.ended || !c.opened:
			return fmt.Errorf("upstream rejected request with error %d", code)
		case c.rested:
			return refuse("frame for closed stream %d", c.id)
		}
		c.rested = true
	}
	return nil
}

// set takes one setting, or none at the end of an empty frame.
func (c *Client) set(got []byte) error {
	f := &c.frame
	if len(got) == SettingSize {
		if name, value := ParseSetting(got); name == InitialWindowSize {
			more := int64(value) - c.firstWindow
			if value > MaxWindow || c.streamWindow > 0 && more > MaxWindow-c.streamWindow {
				return refuse("settings frame with too large initial window size: %d", value)
			}
			c.firstWindow = int64(value)
			c.streamWindow += more
		}
	}
	if f.rest > 0 || f.head.Flags&FlagAck != 0 {
		return nil
	}
	if c.waiting++; c.waiting > maxWaiting {
		return refuse("too many settings frames")
	}
	c.control = Head{Type: Settings, Flags: FlagAck}.Append(c.control)
	return nil
}

// maxWaiting bounds the answers to control frames that were not sent yet.
const maxWaiting = 1000
