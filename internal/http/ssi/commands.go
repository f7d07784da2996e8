package ssi

import (
	"strings"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
)

// include adds the answer of a subrequest, or assigns it to a variable.
func (s *sink) include(values []*string) error {
	virtual, file, wait, set, stub := values[0], values[1], values[2], values[3], values[4]
	if !s.checkInclude(virtual, file, wait, set, stub) {
		return errCommand
	}
	target := virtual
	if target == nil {
		target = file
	}
	uri, err := s.evaluate(*target, true)
	if err != nil {
		return err
	}
	if s.r.Debugging() {
		s.r.Logf(log.Debug, `ssi include: "%s"`, uri)
	}
	path, args, ok := s.r.SafeURI(uri)
	if !ok {
		return errCommand
	}
	o := http.Subrequest{URI: strings.Clone(path), Args: args}
	if stub != nil {
		b := s.page.block(*stub)
		if b == nil {
			s.complain(`"stub"="%s" for "include" not found`, *stub)
			return errCommand
		}
		text := b.text
		o.Ended = func(sub *http.Request, rc http.Result) http.Result { return s.showStub(sub, rc, text) }
	}
	if set != nil {
		o.InMemory = true
		if _, known := s.page.variables[strings.ToLower(*set)]; !known && !s.page.set(strings.ToLower(*set), "") {
			return s.tooMuch()
		}
	}
	sub, ok := s.r.Subrequest(o)
	switch {
	case sub == nil:
		return errCommand
	case !ok:
		return http.ErrAnswered
	case set != nil && sub.Status() < 300 && sub.Captured() != nil:
		if !s.page.set(strings.ToLower(*set), string(sub.Captured())) {
			return s.tooMuch()
		}
	}
	return nil
}

// checkInclude reports whether the parameters of an include fit together.
func (s *sink) checkInclude(virtual, file, wait, set, stub *string) bool {
	switch {
	case virtual != nil && file != nil:
		s.complain(`inclusion may be either virtual="%s" or file="%s"`, *virtual, *file)
	case virtual == nil && file == nil:
		s.complain(`no parameter in "include" SSI command`)
	case set != nil && stub != nil:
		s.complain(`"set" and "stub" cannot be used together in "include" SSI command`)
	case wait != nil && virtual == nil:
		s.complain(`"wait" cannot be used with file="%s"`, *file)
	case wait != nil && !strings.EqualFold(*wait, "yes") && !strings.EqualFold(*wait, "no"):
		s.complain(`invalid value "%s" in the "wait" parameter`, *wait)
	default:
		return true
	}
	return false
}

// showStub answers a subrequest by a block when it has failed or is empty.
func (s *sink) showStub(sub *http.Request, rc http.Result, text []byte) http.Result {
	if sub.Broken() || sub.HasOutput() {
		return rc
	}
	if !sub.HeaderSent() {
		sub.Out.ContentType = s.r.Out.ContentType
		if sub.SendHeader() != nil {
			return http.Done
		}
		sub.Out.Status = 0 // as nginx: the answer has none
	}
	_ = sub.Write(text) // the subrequest remembers its error
	return http.Done
}

// echo shows a variable.
func (s *sink) echo(values []*string) error {
	value, ok := s.page.variable(s.r, strings.ToLower(*values[0]))
	if !ok {
		value = "(none)"
		if fallback := values[1]; fallback != nil {
			value = *fallback
		}
	}
	if value == "" {
		return nil
	}
	if name := values[2]; name != nil {
		switch *name {
		case "none":
			s.encoding = noEncoding
		case "url":
			s.encoding = urlEncoding
		case "entity":
			s.encoding = entityEncoding
		default:
			s.complain(`unknown encoding "%s" in the "echo" command`, *name)
		}
	}
	switch s.encoding {
	case urlEncoding:
		value = string(h1.AppendEscaped(nil, value, h1.EscapeHTML))
	case entityEncoding:
		value = escapeHTML.Replace(value)
	}
	return s.send(value)
}

// config changes how errors and times are shown.
func (s *sink) config(values []*string) error {
	if message := values[0]; message != nil {
		s.errmsg = *message
	}
	if format := values[1]; format != nil {
		http.Context[timeFormat](s.r).text = *format
		http.Context[timeFormat](s.r).given = true
	}
	return nil
}

// set assigns a variable.
func (s *sink) set(values []*string) error {
	value, err := s.evaluate(*values[1], false)
	if err != nil {
		return err
	}
	if !s.page.set(strings.ToLower(*values[0]), strings.Clone(value)) {
		return s.tooMuch()
	}
	return nil
}

// condition is "if" and "elif".
func (s *sink) condition(values []*string) error {
	if string(s.name) == "if" && s.within != nowhere {
		s.complain(`the "if" command inside the "if" command`)
		return errCommand
	}
	if s.branchTaken {
		s.mute = true
		return nil
	}
	holds, err := s.holds(*values[0])
	if err != nil {
		return err
	}
	s.mute, s.branchTaken, s.within = !holds, holds, withinIf
	return nil
}

// otherwise is "else".
func (s *sink) otherwise([]*string) error {
	s.mute, s.within = s.branchTaken, withinElse
	return nil
}

func (s *sink) endif([]*string) error {
	s.mute, s.branchTaken, s.within = false, false, nowhere
	return nil
}

func (s *sink) beginBlock(values []*string) error {
	if !s.page.take(len(*values[0]) + blockSize) {
		return s.tooMuch()
	}
	s.page.blocks = append(s.page.blocks, block{name: *values[0]})
	s.mute, s.inBlock = true, true
	return nil
}

// blockSize is what a block takes besides its name and text, about.
const blockSize = 64

func (s *sink) endBlock([]*string) error {
	s.mute, s.inBlock = false, false
	return nil
}
