package ssi

import "bytes"

// Limits of a command, as nginx has them.
const (
	maxName   = 32 // bytes of the name of a command or parameter
	maxParams = 16
)

// opening is what a command begins with, up to the "#".
const opening = "<!--"

// state is where the parser is.
type state uint8

const (
	inText state = iota
	seenTag
	seenBang
	seenDash
	seenOpening
	beforeCommand
	inCommand
	beforeParam
	inParam
	beforeEqual
	beforeValue
	inDoubleQuotes
	inSingleQuotes
	behindBackslash
	behindValue
	seenEndDash
	seenEndDashes
	inError // the rest of a bad command is skipped
	errorEndDash
	errorEndDashes
)

// A param is one name="value" of a command; backslashes still stand in the value.
type param struct{ name, value []byte }

// event is what a piece of the body ends with.
type event uint8

const (
	none    event = iota // the piece is at its end
	command              // a command is complete
	failure              // a bad command is at its end
)

// A parser finds the commands in a body that comes in pieces. Its zero value,
// with the limit set, is at the beginning of a body.
type parser struct {
	limit  int                              // bytes of a value
	failed func(format string, args ...any) // told what is wrong with a command

	state  state
	quotes state // what behindBackslash goes back to
	looked int   // bytes of opening seen while it is not sure that they are one
	name   []byte
	params []param // those past maxParams+1 are not kept
}

// next parses p up to the end of a command, or to its end. n bytes are done with.
// Of them text is to be sent on, and before it held bytes of opening, which stood
// at the end of the pieces before.
func (s *parser) next(p []byte) (n, held int, text []byte, e event) {
	carried := s.looked // of pieces before
	end := 0            // of what is text for sure
	for i := 0; i < len(p); i++ {
		c := p[i]
		switch s.state {
		case inText:
			at := bytes.IndexByte(p[i:], '<')
			if at < 0 {
				return len(p), held, p, none
			}
			i += at
			end, s.looked, s.state = i, 1, seenTag
		case seenTag, seenBang, seenDash, seenOpening:
			switch {
			case s.state == seenOpening && c == '#':
				carried, s.looked, s.state = 0, 0, beforeCommand
			case c == '<':
				held, carried = held+carried, 0
				end, s.looked, s.state = i, 1, seenTag
			case s.state != seenOpening && c == opening[s.looked]:
				s.looked++
				s.state++
			default:
				held, carried = held+carried, 0
				end, s.looked, s.state = i, 0, inText
			}
		default:
			if e = s.inside(c); e != none {
				s.state = inText
				return i + 1, held, p[:end], e
			}
		}
	}
	if s.state == inText {
		end = len(p)
	}
	return len(p), held, p[:end], none
}

func isSpace(c byte) bool { return c == ' ' || c == '\r' || c == '\n' || c == '\t' }

// inside takes one byte of a command.
func (s *parser) inside(c byte) event {
	switch s.state {
	case beforeCommand:
		if !isSpace(c) {
			s.name, s.params = append(s.name[:0], c), s.params[:0]
			s.state = inCommand
		}
	case inCommand:
		switch {
		case isSpace(c):
			s.state = beforeParam
		case c == '-':
			s.state = seenEndDash
		case len(s.name) == maxName:
			s.fail(`the "%s%c..." SSI command is too long`, s.name, c)
		default:
			s.name = append(s.name, c)
		}
	case beforeParam:
		switch {
		case isSpace(c):
		case c == '-':
			s.state = seenEndDash
		default:
			s.addParam(c)
		}
	case inParam, beforeEqual, beforeValue:
		s.beforeQuotes(c)
	case inDoubleQuotes, inSingleQuotes, behindBackslash, behindValue:
		s.inValue(c)
	case seenEndDash:
		if c == '-' {
			s.state = seenEndDashes
		} else {
			s.fail(`unexpected "%c" symbol in "%s" SSI command`, c, s.name)
		}
	case seenEndDashes:
		if c == '>' {
			return command
		}
		s.fail(`unexpected "%c" symbol in "%s" SSI command`, c, s.name)
	case inError:
		if c == '-' {
			s.state = errorEndDash
		}
	case errorEndDash:
		if s.state = inError; c == '-' {
			s.state = errorEndDashes
		}
	case errorEndDashes:
		if c == '>' {
			return failure
		}
		s.state = inError
	}
	return none
}

// addParam begins a parameter.
func (s *parser) addParam(c byte) {
	if n := len(s.params); n <= maxParams {
		if n < cap(s.params) {
			s.params = s.params[:n+1] // with the memory of a command before
		} else {
			s.params = append(s.params, param{})
		}
	}
	p := s.last()
	p.name, p.value = append(p.name[:0], c), p.value[:0]
	s.state = inParam
}

// last is the parameter that is being read.
func (s *parser) last() *param { return &s.params[len(s.params)-1] }

// beforeQuotes takes a byte between the beginning of a parameter's name and its
// value.
func (s *parser) beforeQuotes(c byte) {
	p := s.last()
	switch {
	case isSpace(c):
		if s.state == inParam {
			s.state = beforeEqual
		}
	case c == '=' && s.state != beforeValue:
		s.state = beforeValue
	case s.state == inParam && c == '-':
		s.fail(`unexpected "-" symbol after "%s" parameter in "%s" SSI command`, p.name, s.name)
		s.state = errorEndDash
	case s.state == inParam && len(p.name) == maxName:
		s.fail(`too long "%s%c..." parameter in "%s" SSI command`, p.name, c, s.name)
	case s.state == inParam:
		p.name = append(p.name, c)
	case s.state == beforeValue && c == '"':
		s.state = inDoubleQuotes
	case s.state == beforeValue && c == '\'':
		s.state = inSingleQuotes
	default:
		where := "after"
		if s.state == beforeValue {
			where = "before value of"
		}
		s.fail(`unexpected "%c" symbol %s "%s" parameter in "%s" SSI command`, c, where, p.name, s.name)
		if c == '-' {
			s.state = errorEndDash
		}
	}
}

// inValue takes a byte of a value, or behind it.
func (s *parser) inValue(c byte) {
	p := s.last()
	switch {
	case s.state == behindValue && isSpace(c):
		s.state = beforeParam
	case s.state == behindValue && c == '-':
		s.state = seenEndDash
	case s.state == behindValue:
		s.fail(`unexpected "%c" symbol after "%s" value of "%s" parameter in "%s" SSI command`, c, p.value, p.name, s.name)
	case s.state == inDoubleQuotes && c == '"', s.state == inSingleQuotes && c == '\'':
		s.state = behindValue
	case len(p.value) == s.limit:
		s.fail(`too long "%s%c..." value of "%s" parameter in "%s" SSI command`, p.value, c, p.name, s.name)
	default:
		switch {
		case s.state == behindBackslash:
			s.state = s.quotes
		case c == '\\':
			s.quotes, s.state = s.state, behindBackslash
		}
		p.value = append(p.value, c)
	}
}

// fail gives the command up.
func (s *parser) fail(format string, args ...any) {
	s.failed(format, args...)
	s.state = inError
}
