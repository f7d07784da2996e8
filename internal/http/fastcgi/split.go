package fastcgi

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/pcre"
)

// split is fastcgi_split_path_info: a regular expression with two groups.
type split struct {
	regex   *pcre.Regexp
	pattern string
}

func (c *Conf) setSplit(d *conf.Directive) error {
	pattern := d.Args[0]
	regex, err := pcre.Compile(pattern, false)
	if err != nil {
		return d.Errorf("pcre2_compile() failed: %v", err)
	}
	if regex.Groups() != 2 {
		return d.Errorf(`pattern "%s" must have 2 captures`, pattern)
	}
	c.split = &split{regex, pattern}
	return nil
}

// declare declares the variables.
func (c *Conf) declare(m *http.MainBuilder) error {
	if err := m.Variable("fastcgi_script_name", scriptName, 0); err != nil {
		return err
	}
	if err := m.Variable("fastcgi_path_info", pathInfo, 0); err != nil {
		return err
	}
	return c.DeclareCaches(m)
}

// scriptName is the request's path up to what fastcgi_split_path_info takes for
// the rest, and with the name of fastcgi_index behind a slash at its end.
func scriptName(r *http.Request) (string, bool) {
	c := conf.Get[Conf](r.Location().Level())
	name, _, ok := c.cut(r)
	if n := len(name); ok && n > 0 && name[n-1] == '/' && c.Index.V != "" {
		name = http.View(append(append(r.Scratch(n+len(c.Index.V)), name...), c.Index.V...))
	}
	return name, ok
}

func pathInfo(r *http.Request) (string, bool) {
	_, info, ok := conf.Get[Conf](r.Location().Level()).cut(r)
	return info, ok
}

// cut is the request's path cut in two. It is not ok when the expression took too
// long.
func (c *Conf) cut(r *http.Request) (name, info string, ok bool) {
	if c.split == nil {
		return r.URI, "", true
	}
	var at [6]int
	matches, err := c.split.regex.Match(r.URI, at[:])
	if err != nil {
		const matchLimit = -47 // PCRE2_ERROR_MATCHLIMIT
		r.Logf(log.Alert, `pcre2_match() failed: %d on "%s" using "%s"`, matchLimit, r.URI, c.split.pattern)
		return "", "", false
	}
	if !matches {
		return r.URI, "", true
	}
	return group(r.URI, at[2:4]), group(r.URI, at[4:6]), true
}

// group is empty for one that has no part in the match.
func group(subject string, at []int) string {
	if at[0] < 0 {
		return ""
	}
	return subject[at[0]:at[1]]
}
