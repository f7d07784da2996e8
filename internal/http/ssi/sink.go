package ssi

import (
	"errors"
	"strings"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
)

// A sink processes the commands in one body.
type sink struct {
	parser
	conf *Conf
	r    *http.Request
	next http.Sink
	page *page // shared with what the page includes

	mute        bool  // what comes is not sent: in a branch that is not taken, or a block
	inBlock     bool  // what comes is kept
	branchTaken bool  // of the "if" that we are in
	within      place // an "if", or behind its "else"
	encoding    encoding
	errmsg      string
}

// place is where in a condition we are. Its order matters: a command that belongs
// to a condition may stand in its own place and in those before.
type place uint8

const (
	nowhere place = iota
	withinIf
	withinElse
)

// encoding is how echo writes values. It holds until the next one is named.
type encoding uint8

const (
	entityEncoding encoding = iota
	urlEncoding
	noEncoding
)

// errCommand is a command that failed; the reason is logged, and errmsg is shown.
var errCommand = errors.New("SSI error")

func newSink(c *Conf, r *http.Request, next http.Sink) *sink {
	s := &sink{conf: c, r: r, next: next, page: http.Context[page](r.Main()),
		errmsg: "[an error occurred while processing the directive]"}
	s.parser = parser{limit: int(c.ValueLength.V), failed: s.complain}
	return s
}

func (s *sink) complain(format string, args ...any) { s.r.Logf(log.Error, format, args...) }

// Write processes the next bytes.
func (s *sink) Write(p []byte) error {
	for len(p) > 0 {
		n, held, text, e := s.parser.next(p)
		if err := s.pass(opening[:held], text); err != nil {
			return err
		}
		p = p[n:]
		var err error
		switch e {
		case failure:
			err = errCommand
		case command:
			err = s.command()
		}
		if err == errCommand {
			err = s.showError()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// showError puts the page's error message in the place of a command.
func (s *sink) showError() error {
	if s.conf.SilentErrors.V {
		return nil
	}
	return s.send(s.errmsg)
}

func (s *sink) send(text string) error {
	if text == "" {
		return nil
	}
	return s.next.Write([]byte(text))
}

func (s *sink) SendFile(f *fd.Owned, off, n int64) error {
	return s.r.EachPiece(f, off, n, s.Write)
}

func (s *sink) Flush() error { return s.next.Flush() }

// Finish ends the body. A command that is not complete is lost, as in nginx.
func (s *sink) Finish() error { return s.next.Finish() }

// pass sends text on, or keeps it for a block.
func (s *sink) pass(before string, text []byte) error {
	if s.mute {
		if s.inBlock && !(s.page.addToBlock([]byte(before)) && s.page.addToBlock(text)) {
			return s.tooMuch()
		}
		return nil
	}
	if err := s.send(before); err != nil {
		return err
	}
	if len(text) == 0 {
		return nil
	}
	return s.next.Write(text)
}

// tooMuch ends a page whose variables and blocks take too much memory.
func (s *sink) tooMuch() error {
	s.complain("SSI variables and blocks take more than %d bytes", maxMemory)
	return http.ErrAnswered
}

// run is what a command does. Its values are by index of the names in spec.
type run func(s *sink, values []*string) error

// spec is one command.
type spec struct {
	names     []string // of its parameters
	mandatory int      // so many of them, from the first one on
	in        place    // where it must stand
	endsBlock bool     // it is obeyed within a block
	run       run
}

// commandNamed is the command of a name; nil when there is none.
func commandNamed(name string) *spec {
	switch name {
	case "include":
		return &spec{names: []string{"virtual", "file", "wait", "set", "stub"}, run: (*sink).include}
	case "echo":
		return &spec{names: []string{"var", "default", "encoding"}, mandatory: 1, run: (*sink).echo}
	case "config":
		return &spec{names: []string{"errmsg", "timefmt"}, run: (*sink).config}
	case "set":
		return &spec{names: []string{"var", "value"}, mandatory: 2, run: (*sink).set}
	case "if", "elif":
		in := nowhere
		if name == "elif" {
			in = withinIf
		}
		return &spec{names: []string{"expr"}, mandatory: 1, in: in, run: (*sink).condition}
	case "else":
		return &spec{in: withinIf, run: (*sink).otherwise}
	case "endif":
		return &spec{in: withinElse, run: (*sink).endif}
	case "block":
		return &spec{names: []string{"name"}, mandatory: 1, run: (*sink).beginBlock}
	case "endblock":
		return &spec{endsBlock: true, run: (*sink).endBlock}
	}
	return nil
}

// command obeys the command that the parser has read.
func (s *sink) command() error {
	name := string(s.name)
	c := commandNamed(name)
	switch {
	case c == nil && s.mute:
		return nil
	case c == nil:
		s.complain(`invalid SSI command: "%s"`, name)
		return errCommand
	case s.mute && !c.endsBlock && s.inBlock:
		return s.keepCommand()
	case s.mute && !c.endsBlock && c.in == nowhere:
		return nil
	case c.in != nowhere && (s.within == nowhere || s.within > c.in):
		s.complain(`invalid context of SSI command: "%s"`, name)
		return errCommand
	case len(s.params) > maxParams:
		s.complain(`too many SSI command parameters: "%s"`, name)
		return errCommand
	}
	values := make([]*string, len(c.names))
	for _, p := range s.params {
		at := indexOf(c.names, string(p.name))
		if at < 0 {
			s.complain(`invalid parameter name: "%s" in "%s" SSI command`, p.name, name)
			return errCommand
		}
		if values[at] != nil {
			s.complain(`duplicate "%s" parameter in "%s" SSI command`, p.name, name)
			return errCommand
		}
		value := string(p.value)
		values[at] = &value
	}
	for i := range c.mandatory {
		if values[i] == nil {
			s.complain(`mandatory "%s" parameter is absent in "%s" SSI command`, c.names[i], name)
			return errCommand
		}
	}
	return c.run(s, values)
}

func indexOf(names []string, name string) int {
	for i, n := range names {
		if n == name {
			return i
		}
	}
	return -1
}

// keepCommand writes the command into the block: it is obeyed where that is shown.
func (s *sink) keepCommand() error {
	var b strings.Builder
	b.WriteString("<!--#")
	b.Write(s.name)
	for _, p := range s.params {
		b.WriteByte(' ')
		b.Write(p.name)
		b.WriteString(`="`)
		b.Write(p.value)
		b.WriteByte('"')
	}
	b.WriteString(" -->")
	if !s.page.addToBlock([]byte(b.String())) {
		return s.tooMuch()
	}
	return nil
}
