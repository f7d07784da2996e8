package conf

import (
	"fmt"
	"strings"
)

// skipSpace goes to the next byte that is neither space nor comment.
func (r *reader) skipSpace() *Error {
	for r.at < len(r.src) {
		switch r.src[r.at] {
		case '\n':
			r.line++
			r.at++
		case ' ', '\t', '\r':
			r.at++
		case '#':
			if err := r.skipComment(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

// skipComment goes to the end of the line. To nginx a comment is a word that
// has to fit in its buffer.
func (r *reader) skipComment() *Error {
	r.start, r.startLine = r.at, r.line
	n := strings.IndexByte(r.src[r.at:], '\n')
	if n < 0 {
		n = len(r.src) - r.at
	}
	r.at += n
	if n >= maxWord && r.start+maxWord < len(r.src) {
		r.at = r.start + maxWord
		return r.tooLong(0)
	}
	return nil
}

// word reads the word that begins at r.at, and goes to the byte behind it
// (ngx_conf_read_token).
func (r *reader) word() *Error {
	r.start, r.startLine = r.at, r.line
	if quote := r.src[r.at]; quote == '"' || quote == '\'' {
		r.start++
		r.at++
		return r.quoted(quote)
	}
	return r.bare()
}

// quoted reads a word up to its closing quote, and looks at what follows.
func (r *reader) quoted(quote byte) *Error {
	for {
		ch, err := r.next(quote)
		if err != nil {
			return err
		}
		switch ch {
		case '\\':
			if _, err = r.next(quote); err != nil {
				return err
			}
		case quote:
			r.endWord(r.at - 1)
			return r.behindQuote()
		}
	}
}

func (r *reader) behindQuote() *Error {
	ch, err := r.next(0)
	if err != nil {
		return err
	}
	switch ch {
	case ' ', '\t', '\r', '\n':
		return nil
	case ';', '{', ')':
		r.at--
		return nil
	}
	return r.errorf(`unexpected "%s"`, []byte{ch})
}

// bare reads a word without quotes. A "{" does not end it behind a "$".
func (r *reader) bare() *Error {
	variable := false
	for {
		ch, err := r.next(0)
		if err != nil {
			return err
		}
		switch {
		case ch == '{' && variable:
			continue
		case ch == '\\':
			if _, err = r.next(0); err != nil {
				return err
			}
		case ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n':
			r.endWord(r.at - 1)
			return nil
		case ch == ';' || ch == '{':
			r.at--
			r.endWord(r.at)
			return nil
		}
		variable = ch == '$'
	}
}

// next returns the byte at r.at, which belongs to the current word or ends it,
// and goes on. quote is the one that the word has to end with, or 0.
func (r *reader) next(quote byte) (byte, *Error) {
	if r.at == len(r.src) {
		r.words = append(r.words, "") // at least begun
		return 0, r.endOfText()
	}
	if r.at-r.start == maxWord && !r.param {
		return 0, r.tooLong(quote)
	}
	ch := r.src[r.at]
	r.at++
	if ch == '\n' {
		r.line++
	}
	return ch, nil
}

func (r *reader) tooLong(quote byte) *Error {
	r.line = r.startLine
	if quote == 0 {
		return r.errorf(`too long parameter "%s..." started`, r.src[r.start:r.start+10])
	}
	return r.errorf(`too long parameter, probably missing terminating "%c" character`, quote)
}

// endWord takes the word that ends before i.
func (r *reader) endWord(i int) {
	r.words = append(r.words, unescape(r.src[r.start:i]))
}

func (r *reader) errorf(format string, args ...any) *Error {
	e := &Error{Msg: fmt.Sprintf(format, args...), File: r.file, Line: r.line}
	if r.param {
		e.Line = 0
	}
	return e
}

// unescape resolves the escapes of a word as nginx does.
func unescape(w string) string {
	if strings.IndexByte(w, '\\') < 0 {
		return w
	}
	out := make([]byte, 0, len(w))
	for i := 0; i < len(w); i++ {
		if w[i] == '\\' && i+1 < len(w) {
			if resolved, known := escape(w[i+1]); known {
				out = append(out, resolved)
				i++
				continue
			}
		}
		out = append(out, w[i])
	}
	return string(out)
}

// escape returns what a backslash and ch stand for. Before anything that it
// does not know a backslash stays where it is.
func escape(ch byte) (resolved byte, known bool) {
	switch ch {
	case '"', '\'', '\\':
		return ch, true
	case 't':
		return '\t', true
	case 'r':
		return '\r', true
	case 'n':
		return '\n', true
	}
	return 0, false
}
