package fastcgi

import "strconv"

// Event is what [Response.Next] has found.
type Event uint8

// The events of a response.
const (
	// More: what was given is used up.
	More Event = iota
	// Stdout: a piece of the answer.
	Stdout
	// Stderr: a piece of what the application complains about.
	Stderr
	// StdoutClosed: the answer is complete.
	StdoutClosed
	// EndRequest: the record that ends the request has begun. What it says is
	// not looked at, as nginx does not.
	EndRequest
	// Complete: that record is complete, and so is the response. What follows
	// does not belong to it.
	Complete
	// Broken: what came is no record; see Err. It is the last event.
	Broken
)

// A Response takes apart what an application sends, in whatever pieces it comes.
// The zero value is ready; it is a value without storage.
type Response struct {
	state   state
	kind    byte
	bad     byte
	empty   bool // the record is one without content that was not told yet
	padding uint8
	length  uint16 // of the content still to come
}

// state is where in a record the next byte belongs: the header's bytes count
// from 0.
type state uint8

const (
	inVersion state = iota
	inType
	inIDHigh
	inIDLow
	inLengthHigh
	inLengthLow
	inPaddingLength
	inReserved
	inContent
	inPadding
	complete
	broken
)

// Next looks at the beginning of p, and says what it is, how many bytes of p it
// takes, and for Stdout and Stderr which of these are the content. It is to be
// called with the rest of p until it answers More, which takes all of it.
func (r *Response) Next(p []byte) (e Event, content []byte, n int) {
	for {
		switch r.state {
		case complete:
			return Complete, nil, n
		case broken:
			return Broken, nil, n
		case inContent:
			if r.empty {
				r.empty = false
				if e := r.begun(); e != More {
					return e, nil, n
				}
			}
			if r.length == 0 {
				r.state = inPadding
				continue
			}
			take := min(int(r.length), len(p)-n)
			if take == 0 {
				return More, nil, n
			}
			content = p[n : n+take : n+take]
			r.length -= uint16(take)
			n += take
			if r.kind == endRequest {
				continue
			}
			if r.length == 0 {
				r.state = inPadding
			}
			return r.event(), content, n
		case inPadding:
			take := min(int(r.padding), len(p)-n)
			r.padding -= uint8(take)
			n += take
			if r.padding != 0 {
				return More, nil, n
			}
			r.state = inVersion
			if r.kind == endRequest {
				r.state = complete
			}
		default:
			if n == len(p) {
				return More, nil, n
			}
			r.header(p[n])
			n++
		}
	}
}

// Unread takes back the last n bytes of the content that Next has just returned:
// they are to be given again.
func (r *Response) Unread(n int) {
	r.length += uint16(n)
	if n > 0 {
		r.state = inContent
	}
}

// header takes in a byte of a record's header.
func (r *Response) header(c byte) {
	ok := true
	switch r.state {
	case inVersion:
		ok = c == version
	case inType:
		ok = c == stdout || c == stderr || c == endRequest
		r.kind = c
	case inIDHigh:
		ok = c == 0
	case inIDLow:
		ok = c == 1
	case inLengthHigh:
		r.length = uint16(c) << 8
	case inLengthLow:
		r.length |= uint16(c)
	case inPaddingLength:
		r.padding = c
	case inReserved:
		r.empty = r.length == 0 || r.kind == endRequest
	}
	if !ok {
		r.bad, r.kind, r.state = c, byte(r.state), broken
		return
	}
	r.state++
}

// begun is the event of a record that is told before its content, or for want of
// one.
func (r *Response) begun() Event {
	switch r.kind {
	case stdout:
		return StdoutClosed
	case endRequest:
		return EndRequest
	}
	return More
}

func (r *Response) event() Event {
	if r.kind == stdout {
		return Stdout
	}
	return Stderr
}

// Expecting is how many bytes the record in progress lacks, so that no more need
// be read; at least 1 unless the response is complete.
func (r *Response) Expecting() int {
	switch r.state {
	case inContent:
		return max(1, int(r.length)+int(r.padding))
	case inPadding:
		return max(1, int(r.padding))
	case complete, broken:
		return 0
	}
	return headerSize - int(r.state)
}

// Between reports whether no record is in progress.
func (r *Response) Between() bool { return r.state == inVersion }

// Err is, after Broken, nginx's sentence.
func (r *Response) Err() string {
	text := ""
	switch state(r.kind) {
	case inVersion:
		text = "upstream sent unsupported FastCGI protocol version: "
	case inType:
		text = "upstream sent invalid FastCGI record type: "
	case inIDHigh:
		text = "upstream sent unexpected FastCGI request id high byte: "
	default:
		text = "upstream sent unexpected FastCGI request id low byte: "
	}
	return text + strconv.Itoa(int(r.bad))
}

// TrimStderr cuts off what nginx does not log of a complaint: line ends, full
// stops and spaces at its end.
func TrimStderr(p []byte) []byte {
	n := len(p)
	for n > 1 {
		if c := p[n-1]; c != '\n' && c != '\r' && c != '.' && c != ' ' {
			break
		}
		n--
	}
	return p[:n]
}
