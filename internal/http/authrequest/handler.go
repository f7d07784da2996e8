package authrequest

import (
	"strings"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
)

// asker is the handler of one location.
type asker struct {
	uri  string
	sets []assignment
}

// assignment is one auth_request_set.
type assignment struct {
	variable *http.Variable
	value    *http.Value // of the subrequest
}

func (c *Conf) install(b *http.Builder) error {
	if c.URI.V == "" {
		return nil
	}
	a := &asker{uri: c.URI.V}
	for _, d := range c.variables {
		variable, err := b.Variable(d, d.Args[0][1:])
		if err != nil {
			return err
		}
		value, err := b.Compile(d, d.Args[1])
		if err != nil {
			return err
		}
		a.sets = append(a.sets, assignment{variable, value})
	}
	b.Phase(http.Access, a.ask)
	return nil
}

// ask runs the subrequest and does what its status says.
func (a *asker) ask(r *http.Request) http.Result {
	if r.Debugging() {
		r.Logf(log.Debug, "auth request handler")
	}
	sub, ok := r.Subrequest(http.Subrequest{URI: a.uri, HeadersOnly: true, WithoutBody: true})
	if !ok {
		return r.GiveUp()
	}
	status := sub.Status()
	if r.Debugging() {
		r.Logf(log.Debug, "auth request done s:%d", status)
	}
	for _, s := range a.sets {
		s.variable.Set(r, s.value.Eval(sub))
	}
	switch {
	case status == 403:
		return 403
	case status == 401:
		for _, line := range sub.Out.Headers {
			if strings.EqualFold(line.Name, "WWW-Authenticate") {
				r.Out.Headers.Add(line.Name, line.Value)
			}
		}
		return 401
	case status >= 200 && status < 300:
		return http.OK
	}
	r.Logf(log.Error, "auth request unexpected status: %d", status)
	return 500
}
