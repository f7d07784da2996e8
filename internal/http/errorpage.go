package http

import (
	"strings"

	"github.com/baton-project/baton/internal/wire/h1"
)

// errorPage is one status of error_page, compiled.
type errorPage struct {
	status    int
	overwrite int // -1: the status stays; 0: that of the new answer
	uri       *Value
	args      string // of a uri without variables
}

// compileErrorPages compiles the error pages of c once for all locations that
// share c.
func (m *Main) compileErrorPages(c *answerConf) ([]errorPage, error) {
	if len(c.pages) == 0 {
		return nil, nil
	}
	if made, ok := m.pages[c]; ok {
		return made, nil
	}
	made := make([]errorPage, len(c.pages))
	for i, p := range c.pages {
		text, args := p.uri, ""
		if strings.HasPrefix(text, "/") && !strings.Contains(text, "$") {
			text, args = h1.SplitArgs(text)
		}
		uri, err := m.vars.Compile(p.directive, text)
		if err != nil {
			return nil, err
		}
		made[i] = errorPage{p.status, p.overwrite, uri, args}
	}
	m.pages[c] = made
	return made, nil
}

// sendErrorPage answers by p: another URI of this server, a named location, or
// a redirect of the client.
func (r *Request) sendErrorPage(p *errorPage) Result {
	if p.overwrite > 0 && p.overwrite != 200 {
		r.expectTested = true
	}
	if p.overwrite >= 0 {
		r.errStatus = p.overwrite
	}
	uri := p.uri.Eval(r)
	switch {
	case strings.HasPrefix(uri, "/"):
		args := p.args
		if _, literal := p.uri.Literal(); !literal {
			uri, args = h1.SplitArgs(uri)
		}
		if r.Method != h1.HEAD {
			r.Method = h1.GET
		}
		return r.InternalRedirect(uri, args)
	case strings.HasPrefix(uri, "@"):
		return r.NamedLocation(uri)
	}
	r.expectTested = true
	r.discardAvailable()
	if !isRedirect(p.overwrite) {
		r.errStatus = 302
	}
	r.Out.Location = uri
	if r.loc.answers.MSIERefresh.V && r.isMSIE() {
		return r.sendRefresh()
	}
	return r.sendPage(r.errStatus)
}

func isRedirect(status int) bool {
	switch status {
	case 301, 302, 303, 307, 308:
		return true
	}
	return false
}
