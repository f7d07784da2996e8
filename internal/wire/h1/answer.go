package h1

import "bytes"

// An Answer is the head of an upstream's response being parsed, and then the
// parsed head. Reset makes it ready for the next one and keeps the storage of
// Headers. All spans are offsets into the buffer given to Parse.
//
// It is as lenient as nginx is with upstreams, which is not how it treats
// clients: names of headers may hold nearly anything, and doubled status lines
// among the headers are passed over.
type Answer struct {
	Version    Version
	Status     int
	StatusLine Span // "200 OK", as sent
	Headers    []AnswerHeader
	Bad        Span // after Failed: the line up to the byte that may not stand there

	pos    uint32 // of the line in progress
	looked uint32 // up to here there is no line end behind pos
	lines  bool   // the status line is behind us, or was not expected
}

// An AnswerHeader is one line of the head.
type AnswerHeader struct {
	Name, Value Span
	ID          AnswerID
}

// Reset makes a ready for a head with a status line.
func (a *Answer) Reset() { *a = Answer{Headers: a.Headers[:0]} }

// ResetLines makes a ready for header lines without a status line, as trailers
// and CGI responses are, which begin at offset from of the buffer.
func (a *Answer) ResetLines(from int) {
	*a = Answer{Headers: a.Headers[:0], lines: true, pos: uint32(from), looked: uint32(from)}
}

// Pos is the number of bytes of the buffer consumed: after Done, what follows
// the head.
func (a *Answer) Pos() int { return int(a.pos) }

// An AnswerResult says why Parse returned.
type AnswerResult uint8

const (
	AnswerMore    AnswerResult = iota // the head is not complete
	AnswerDone                        // the head is complete
	AnswerNotHTTP                     // no status line: "upstream sent no valid HTTP/1.0 header"
	AnswerFailed                      // a line that is no header: see BadText
)

// Parse goes on where it stopped: buf holds every byte of the head read so far,
// from the same first byte as before.
func (a *Answer) Parse(buf []byte) AnswerResult {
	if !a.lines {
		switch r := a.statusLine(buf); r {
		case AnswerDone:
			a.lines = true
		default:
			return r
		}
	}
	for {
		end, ok := a.lineEnd(buf)
		if !ok {
			return AnswerMore
		}
		done, r := a.headerLine(buf, int(a.pos), end)
		if r != AnswerMore {
			return r
		}
		a.pos = uint32(end + 1)
		a.looked = a.pos
		if done {
			return AnswerDone
		}
	}
}

// lineEnd is the offset of the line feed of the line in progress.
func (a *Answer) lineEnd(buf []byte) (int, bool) {
	i := bytes.IndexByte(buf[a.looked:], '\n')
	if i < 0 {
		a.looked = uint32(len(buf))
		return 0, false
	}
	return int(a.looked) + i, true
}

// statusLine reads "HTTP/1.1 200 OK". It looks at the few bytes of an incomplete
// line again with each call, as what is no status line has to be told at once.
func (a *Answer) statusLine(buf []byte) AnswerResult {
	const proto = "HTTP/"
	for i := range len(proto) {
		if i == len(buf) {
			return AnswerMore
		}
		if buf[i] != proto[i] {
			return AnswerNotHTTP
		}
	}
	major, p, r := versionNumber(buf, len(proto), '.', true)
	if r != AnswerDone {
		return r
	}
	minor, p, r := versionNumber(buf, p, ' ', false)
	if r != AnswerDone {
		return r
	}
	for p < len(buf) && buf[p] == ' ' {
		p++
	}
	start, status := p, 0
	for digits := 0; digits < 3; digits++ {
		if p < len(buf) && buf[p] == ' ' { // nginx takes "2 00"
			p, digits = p+1, digits-1
			continue
		}
		if p == len(buf) {
			return AnswerMore
		}
		if !isDigit(buf[p]) {
			return AnswerNotHTTP
		}
		status = status*10 + int(buf[p]-'0')
		p++
	}
	start = max(start, p-3)
	if p == len(buf) {
		return AnswerMore
	}
	switch buf[p] {
	case ' ', '.', '\r', '\n':
	default:
		return AnswerNotHTTP
	}
	a.looked = max(a.looked, uint32(p))
	end, ok := a.lineEnd(buf)
	if cr := bytes.IndexByte(buf[p:a.textEnd(buf, end, ok)], '\r'); cr >= 0 && p+cr+1 < len(buf) && buf[p+cr+1] != '\n' {
		return AnswerNotHTTP
	}
	if !ok {
		return AnswerMore
	}
	a.pos = uint32(end + 1)
	a.looked = a.pos
	if end > 0 && buf[end-1] == '\r' {
		end--
	}
	a.Status = status
	a.StatusLine = Span{uint32(start), uint32(end)}
	switch {
	case major == 1 && minor == 0:
		a.Version = HTTP10
	case major >= 1:
		a.Version = HTTP11
	}
	return AnswerDone
}

// textEnd is where the text of the status line ends as far as it was read.
func (a *Answer) textEnd(buf []byte, end int, ok bool) int {
	if ok {
		return end
	}
	return len(buf)
}

// versionNumber reads a number and the byte behind it.
func versionNumber(buf []byte, p int, behind byte, positive bool) (n, next int, r AnswerResult) {
	for first := true; ; first = false {
		switch {
		case p == len(buf):
			return 0, p, AnswerMore
		case !first && buf[p] == behind:
			return n, p + 1, AnswerDone
		case !isDigit(buf[p]), first && positive && buf[p] == '0', n > 99:
			return 0, p, AnswerNotHTTP
		}
		n = n*10 + int(buf[p]-'0')
		p++
	}
}

// headerLine reads the line from start to the line feed at end. done means that
// it is the empty one.
func (a *Answer) headerLine(buf []byte, start, end int) (done bool, r AnswerResult) {
	line := buf[start : end+1]
	switch class := nameClass[line[0]]; class {
	case nameLF:
		return true, AnswerMore
	case nameCR:
		if line[1] == '\n' {
			return true, AnswerMore
		}
		return a.refuse(start, start)
	case nameColon, nameFatal:
		return a.refuse(start, start)
	}
	i := 1
	for nameClass[line[i]] <= nameOdd {
		if line[i] == '/' && i == 4 && string(line[:4]) == "HTTP" {
			return false, AnswerMore // the status line once more: IIS does so
		}
		i++
	}
	name := Span{uint32(start), uint32(start + i)}
	switch nameClass[line[i]] {
	case nameFatal:
		return a.refuse(start, start+i)
	case nameLF, nameCR:
		return a.add(buf, name, Span{name.End, name.End}, line, i)
	}
	i++
	for line[i] == ' ' {
		i++
	}
	from := start + i
	at := skipValue(buf[:end+1], from)
	if buf[at] == 0 {
		return a.refuse(start, at)
	}
	stop := at
	for stop > from && buf[stop-1] == ' ' {
		stop--
	}
	return a.add(buf, name, Span{uint32(from), uint32(stop)}, line, at-start)
}

// add takes in a line whose end begins at offset i of it: any number of CR, and
// LF.
func (a *Answer) add(buf []byte, name, value Span, line []byte, i int) (bool, AnswerResult) {
	for at := i; line[i] != '\n'; i++ {
		if line[i] != '\r' {
			return a.refuse(int(name.Start), int(name.Start)+at)
		}
	}
	a.Headers = append(a.Headers, AnswerHeader{Name: name, Value: value, ID: answerID(name.View(buf))})
	return false, AnswerMore
}

func (a *Answer) refuse(start, at int) (bool, AnswerResult) {
	a.Bad = Span{uint32(start), uint32(at)}
	return false, AnswerFailed
}

// BadText is what nginx logs of a line that it refused: the line and, in
// hexadecimal, the byte behind it.
func (a *Answer) BadText(buf []byte) string {
	const digits = "0123456789abcdef"
	text := append([]byte(nil), a.Bad.Of(buf)...)
	if int(a.Bad.End) < len(buf) {
		c := buf[a.Bad.End]
		text = append(text, '\\', 'x', digits[c>>4], digits[c&15])
	}
	return string(append(text, "..."...))
}
