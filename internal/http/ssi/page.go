package ssi

import "github.com/baton-project/baton/internal/http"

// maxMemory is how much the variables and blocks of a page and what it includes
// may take together, and the longest text that an expression may become.
const maxMemory = 1 << 20

// A page is what a page and what it includes share.
type page struct {
	variables map[string]string // by name in lower case
	blocks    []block
	used      int // bytes of them

	captured  string // the subject of the last regular expression
	captureAt []int  // bounds of its groups; nil: none has matched
}

// block is the text that an include may show when it fails.
type block struct {
	name string
	text []byte
}

// take counts n bytes. It reports false when there is no room for them.
func (p *page) take(n int) bool {
	if n > maxMemory-p.used {
		return false
	}
	p.used += n
	return true
}

// set assigns a variable.
func (p *page) set(name, value string) bool {
	size := len(value)
	if old, known := p.variables[name]; known {
		size -= len(old)
	} else {
		size += len(name)
	}
	if !p.take(size) {
		return false
	}
	if p.variables == nil {
		p.variables = make(map[string]string)
	}
	p.variables[name] = value
	return true
}

// addToBlock adds to the text of the block that is being read.
func (p *page) addToBlock(text []byte) bool {
	if len(p.blocks) == 0 {
		return true
	}
	if !p.take(len(text)) {
		return false
	}
	last := &p.blocks[len(p.blocks)-1]
	last.text = append(last.text, text...)
	return true
}

// block is the first one of a name.
func (p *page) block(name string) *block {
	for i := range p.blocks {
		if p.blocks[i].name == name {
			return &p.blocks[i]
		}
	}
	return nil
}

// variable is that of the page, else that of the server; name is in lower case.
func (p *page) variable(r *http.Request, name string) (value string, ok bool) {
	if len(name) == 1 && '0' <= name[0] && name[0] <= '9' {
		if n := int(name[0] - '0'); 2*n+1 < len(p.captureAt) {
			if p.captureAt[2*n] < 0 {
				return "", true
			}
			return p.captured[p.captureAt[2*n]:p.captureAt[2*n+1]], true
		}
	}
	if value, ok = p.variables[name]; ok {
		return value, true
	}
	return r.VariableNamed(name)
}
