package sslpreread

// A Hello is what a ClientHello says.
type Hello struct {
	Version [2]byte `cbor:"1,keyasint"` // the highest that is asked for, as far as nginx looks
	Host    string  `cbor:"2,keyasint"`
	ALPN    string  `cbor:"3,keyasint"` // protocols with commas between them
}

// Progress says how far a Hello was read.
type Progress uint8

const (
	// NeedMore: it is not there to its end.
	NeedMore Progress = iota
	// Complete: all that can be known is known.
	Complete
	// NotHello: this is something else.
	NotHello
)

const (
	handshake   = 22 // type of a record
	clientHello = 1  // type of a handshake message

	extServerName        = 0
	extALPN              = 16
	extSupportedVersions = 43
)

// Parse reads what a client has sent so far. Records are looked into when they are
// there as a whole; a message may lie in several of them.
func Parse(b []byte) (h Hello, p Progress) {
	var message []byte
	for len(b) >= 5 {
		switch {
		case b[0]&0x80 != 0 && b[2] == 1 && (b[3] == 0 || b[3] == 3):
			h.Version = [2]byte{b[3], b[4]} // a ClientHello of SSL 2
			return h, Complete
		case b[0] != handshake || b[1] != 3:
			return Hello{}, NotHello
		}
		end := 5 + (int(b[3])<<8 | int(b[4]))
		if len(b) < end {
			break
		}
		if message == nil {
			message = b[5:end:end]
		} else {
			message = append(message, b[5:end]...)
		}
		if h, p = parseMessage(message); p != NeedMore {
			return h, p
		}
		b = b[end:]
	}
	return Hello{}, NeedMore
}

// A cursor takes a message apart. left is how much of it, by its own words, is
// still to come.
type cursor struct {
	b    []byte
	left int
	p    Progress // NotHello, or NeedMore, once there was too little
	bad  bool
}

// take returns the next n bytes; nil when they are not there.
func (c *cursor) take(n int) []byte {
	if c.bad {
		return nil
	}
	switch {
	case n > c.left:
		c.p, c.bad = NotHello, true
		return nil
	case n > len(c.b):
		c.p, c.bad = NeedMore, true
		return nil
	}
	taken := c.b[:n:n]
	c.b, c.left = c.b[n:], c.left-n
	return taken
}

// number reads n bytes as a number.
func (c *cursor) number(n int) (value int) {
	for _, b := range c.take(n) {
		value = value<<8 | int(b)
	}
	return value
}

func (c *cursor) fail() { c.p, c.bad = NotHello, true }

func parseMessage(b []byte) (Hello, Progress) {
	c := cursor{b: b, left: 4}
	kind, length := c.number(1), c.number(3)
	switch {
	case len(b) < 4:
		return Hello{}, NeedMore
	case kind != clientHello:
		return Hello{}, NotHello
	}
	c.left = length
	var h Hello
	copy(h.Version[:], c.take(2))
	c.take(32)          // random
	c.take(c.number(1)) // session
	c.take(c.number(2)) // suites
	c.take(c.number(1)) // compressions
	if c.bad {
		return Hello{}, c.p
	}
	if c.left > 0 {
		c.take(2) // length of all extensions
	}
	var had had
	for !c.bad && c.left > 0 {
		had.extension(&c, &h)
	}
	if c.bad {
		return Hello{}, c.p
	}
	return h, Complete
}

// had are the extensions that count only once.
type had struct{ host, alpn bool }

func (a *had) extension(c *cursor, h *Hello) {
	kind, length := c.number(2), c.number(2)
	if c.bad {
		return
	}
	switch {
	case kind == extServerName && !a.host:
		a.host = true
		serverName(c, h)
	case kind == extALPN && !a.alpn:
		a.alpn = true
		protocols(c, h)
	case kind == extSupportedVersions:
		c.take(c.number(1))
		h.Version = [2]byte{3, 4} // who lists versions knows TLS 1.3
	default:
		c.take(length)
	}
}

func serverName(c *cursor, h *Hello) {
	list := c.number(2)
	kind, length := c.number(1), c.number(2)
	if c.bad {
		return
	}
	if kind != 0 || list < 3+length {
		c.fail()
		return
	}
	h.Host = string(c.take(length))
	c.take(list - 3 - length)
}

func protocols(c *cursor, h *Hello) {
	list := c.number(2)
	var names []byte
	for {
		length := c.number(1)
		if c.bad {
			return
		}
		if length == 0 || list < 1+length {
			c.fail()
			return
		}
		list -= 1 + length
		names = append(names, c.take(length)...)
		if list == 0 {
			break
		}
		names = append(names, ',')
	}
	h.ALPN = string(names)
}
