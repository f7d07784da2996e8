package conf

import "strings"

// commandLine is where nginx says that the text of -g stands.
const commandLine = "command line"

// maxWord is the size of nginx's buffer, which a word has to fit in.
const maxWord = 4096

// maxDepth is how deep blocks may be nested; nginx has no bound and overruns
// its stack.
const maxDepth = 1000

// statementsOf reads a file by nginx's grammar (ngx_conf_parse). What is wrong
// with it is the last statement, in the innermost block that is open there: the
// walk reports it after it has applied what stands before, as nginx does.
func statementsOf(file string, src []byte) []*Directive {
	return newReader(file, src).statements()
}

// statementsOfGlobals reads the text of -g.
func statementsOfGlobals(globals string) []*Directive {
	r := newReader(commandLine, []byte(globals))
	r.param = true
	return r.statements()
}

// reader is the state of reading one text.
type reader struct {
	file  string
	src   string
	param bool // the text of -g
	at    int  // the next byte
	line  int

	words     []string // of the statement, so far
	start     int      // where the current word begins, behind its quote
	startLine int

	read []*Directive // the statements of the blocks that are open, outermost first
	open []openBlock

	directives []Directive // room for all statements
	args       []string    // room for some words
}

// openBlock is a block whose "}" was not read yet.
type openBlock struct {
	of    *Directive
	first int // where its statements begin in read
}

func newReader(file string, src []byte) *reader {
	text := string(src)
	atMost := strings.Count(text, ";") + strings.Count(text, "{") + 1
	return &reader{file: file, src: text, line: 1, directives: make([]Directive, 0, atMost)}
}

func (r *reader) statements() []*Directive {
	for {
		more, err := r.statement()
		if err != nil {
			r.add(Directive{stop: err})
		}
		if !more {
			break
		}
	}
	for len(r.open) > 0 {
		r.endBlock()
	}
	return r.read
}

// add appends a statement to the innermost block.
func (r *reader) add(d Directive) *Directive {
	d.File = r.file
	r.directives = append(r.directives, d)
	added := &r.directives[len(r.directives)-1]
	r.read = append(r.read, added)
	return added
}

// statement reads up to the end of a statement or of a block. more is false at
// the end of the text.
func (r *reader) statement() (more bool, err *Error) {
	r.words = r.words[:0]
	for {
		if err := r.skipSpace(); err != nil {
			return false, err
		}
		if r.at == len(r.src) {
			return false, r.endOfText()
		}
		switch ch := r.src[r.at]; ch {
		case ';', '{':
			if len(r.words) == 0 {
				return false, r.errorf(`unexpected "%c"`, ch)
			}
			err := r.endStatement(ch == '{')
			return err == nil, err
		case '}':
			if len(r.words) > 0 || len(r.open) == 0 {
				return false, r.errorf(`unexpected "}"`)
			}
			r.endBlock()
			r.at++
			return true, nil
		}
		if err := r.word(); err != nil {
			return false, err
		}
	}
}

// endStatement adds the statement that ends with the ";" or "{" at r.at.
func (r *reader) endStatement(block bool) *Error {
	if block && r.param {
		return r.errorf("block directives are not supported in -g option")
	}
	if block && len(r.open) == maxDepth {
		return r.errorf("blocks are nested too deep")
	}
	d := r.add(Directive{Name: r.words[0], Args: r.keep(r.words[1:]), Line: r.line, IsBlock: block})
	if r.param {
		d.Line = 0
	}
	d.at = d.Line
	if block {
		r.open = append(r.open, openBlock{of: d, first: len(r.read)})
	}
	r.at++
	return nil
}

// keep returns a copy of words that stays.
func (r *reader) keep(words []string) []string {
	n := len(words)
	if n == 0 {
		return nil
	}
	if len(r.args) < n {
		r.args = make([]string, max(n, 512))
	}
	kept := r.args[:n:n]
	r.args = r.args[n:]
	copy(kept, words)
	return kept
}

// endBlock gives the innermost block its statements.
func (r *reader) endBlock() {
	last := len(r.open) - 1
	b := r.open[last]
	r.open = r.open[:last]
	b.of.end = r.line
	if inner := r.read[b.first:]; len(inner) > 0 {
		b.of.Block = append(make([]*Directive, 0, len(inner)), inner...)
		r.read = r.read[:b.first]
	}
}

func (r *reader) endOfText() *Error {
	switch {
	case len(r.words) > 0 && r.param:
		return r.errorf(`unexpected end of parameter, expecting ";"`)
	case len(r.words) > 0:
		return r.errorf(`unexpected end of file, expecting ";" or "}"`)
	case len(r.open) > 0:
		return r.errorf(`unexpected end of file, expecting "}"`)
	}
	return nil
}
