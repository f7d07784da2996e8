package proxyproto

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
)

const (
	// MaxV1 is the length of the longest header of version 1.
	MaxV1 = 107
	// Max is how much is read in search of a header of either version.
	Max = 4096
)

// signature begins a header of version 2.
const signature = "\r\n\r\n\x00\r\nQUIT\n"

const (
	fixedSize = len(signature) + 4 // what every header of version 2 has
	inetSize  = 4 + 4 + 2 + 2
	inet6Size = 16 + 16 + 2 + 2

	version2     = 2
	commandLocal = 0
	commandProxy = 1
	familyNone   = 0
	familyInet   = 1
	familyInet6  = 2
)

// A Header is what a proxy has said about a connection.
type Header struct {
	Source          string // the client's address; version 1: as it was written, unchecked
	Destination     string // the address that the client has connected to
	SourcePort      uint16
	DestinationPort uint16
	tlvs            string
}

// An Error is a header that cannot be used. Its text is for the error log at
// level error; it is empty where nginx says nothing.
type Error struct{ Text string }

func (e *Error) Error() string {
	if e.Text == "" {
		return "incomplete addresses in PROXY protocol header"
	}
	return e.Text
}

// Read reads the header at the start of b and reports its length. h is nil when
// it says nothing about the client. Errors are of type *Error. b may be written
// again afterwards.
func Read(b []byte) (h *Header, n int, err error) {
	if len(b) >= fixedSize && string(b[:len(signature)]) == signature {
		return readV2(b)
	}
	text, ok := strings.CutPrefix(string(b[:min(len(b), Max)]), "PROXY ")
	if !ok || len(text) < 2 {
		return nil, 0, broken(b)
	}
	if rest, unknown := strings.CutPrefix(text, "UNKNOWN"); unknown {
		end := strings.Index(rest, "\r\n")
		if end < 0 {
			return nil, 0, broken(b)
		}
		return nil, len("PROXY UNKNOWN") + end + 2, nil
	}
	h = &Header{}
	rest, ok := h.parseV1(text)
	if !ok {
		return nil, 0, broken(b)
	}
	return h, len("PROXY ") + len(text) - len(rest), nil
}

// parseV1 reads from the name of the protocol to the end of the line.
func (h *Header) parseV1(text string) (rest string, ok bool) {
	if len(text) < 5 || text[:3] != "TCP" || text[3] != '4' && text[3] != '6' || text[4] != ' ' {
		return "", false
	}
	text = text[5:]
	if h.Source, text, ok = cutAddress(text); !ok {
		return "", false
	}
	if h.Destination, text, ok = cutAddress(text); !ok {
		return "", false
	}
	if h.SourcePort, text, ok = cutPort(text, ' '); !ok {
		return "", false
	}
	if h.DestinationPort, text, ok = cutPort(text, '\r'); !ok || text == "" || text[0] != '\n' {
		return "", false
	}
	return text[1:], true
}

// cutAddress takes what may be an address of either family, and the space
// behind it.
func cutAddress(text string) (address, rest string, ok bool) {
	for i := range len(text) {
		switch c := text[i]; {
		case c == ' ':
			return strings.Clone(text[:i]), text[i+1:], true
		case c != ':' && c != '.' && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') && (c < '0' || c > '9'):
			return "", "", false
		}
	}
	return "", "", false
}

// cutPort takes a decimal number and the byte behind it.
func cutPort(text string, end byte) (port uint16, rest string, ok bool) {
	n := 0
	for i := range len(text) {
		c := text[i]
		if c == end {
			return uint16(n), text[i+1:], i > 0
		}
		if c < '0' || c > '9' {
			return 0, "", false
		}
		if n = n*10 + int(c-'0'); n > 65535 {
			return 0, "", false
		}
	}
	return 0, "", false
}

// broken quotes the first line of what is no header.
func broken(b []byte) error {
	end := 0
	for end < len(b) && b[end] != '\r' && b[end] != '\n' {
		end++
	}
	return &Error{Text: `broken header: "` + string(b[:end]) + `"`}
}

func readV2(b []byte) (h *Header, n int, err error) {
	command, family := b[12], b[13]
	if version := command >> 4; version != version2 {
		return nil, 0, &Error{Text: fmt.Sprintf("unknown PROXY protocol version: %d", version)}
	}
	n = fixedSize + int(binary.BigEndian.Uint16(b[14:]))
	if len(b) < n {
		return nil, 0, &Error{Text: "header is too large"}
	}
	if command&0x0f != commandProxy || Transport(family&0x0f) != Stream {
		return nil, n, nil
	}
	body := b[fixedSize:n]
	switch family >> 4 {
	case familyInet:
		if len(body) < inetSize {
			return nil, 0, &Error{}
		}
		return newHeader(body[:4], body[4:8], body[8:]), n, nil
	case familyInet6:
		if len(body) < inet6Size {
			return nil, 0, &Error{}
		}
		return newHeader(body[:16], body[16:32], body[32:]), n, nil
	}
	return nil, n, nil
}

// newHeader takes two addresses of one length, and the ports and TLVs behind
// them.
func newHeader(source, destination, rest []byte) *Header {
	from, _ := netip.AddrFromSlice(source) // 4 or 16 bytes always are one
	to, _ := netip.AddrFromSlice(destination)
	return &Header{
		Source:          from.String(),
		Destination:     to.String(),
		SourcePort:      binary.BigEndian.Uint16(rest),
		DestinationPort: binary.BigEndian.Uint16(rest[2:]),
		tlvs:            string(rest[4:]),
	}
}
