package proxy

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// rewrites are what is changed in lines of answers: proxy_redirect and
// proxy_cookie_*.
type rewrites struct {
	redirect      conf.Setting[bool]
	redirects     []*rule
	cookieDomains ruleList
	cookiePaths   ruleList
	cookieFlags   ruleList
}

// A ruleList is the rules of one directive; off is one of them.
type ruleList struct {
	set   bool
	rules []*rule
}

// A rule replaces a text, or, for proxy_cookie_flags, names flags.
type rule struct {
	at          *conf.Directive // nil: made by default, of literals
	kind        ruleKind
	regex       *http.Regex // instead of pattern
	from, to    string
	pattern     *http.Value
	replacement *http.Value
	flags       []*http.Value
}

type ruleKind uint8

const (
	prefixRule ruleKind = iota
	domainRule
	flagsRule
)

var rewriteTable = conf.Table[Conf]{
	{Name: "proxy_redirect", In: conf.AnyLevel, Args: conf.Take12, Set: (*Conf).setRedirect, Default: "default",
		Syntax: "default | off | redirect replacement"},
	{Name: "proxy_cookie_domain", In: conf.AnyLevel, Args: conf.Take12, Set: (*Conf).setCookieDomain, Default: "off",
		Syntax: "off | domain replacement"},
	{Name: "proxy_cookie_path", In: conf.AnyLevel, Args: conf.Take12, Set: (*Conf).setCookiePath, Default: "off",
		Syntax: "off | path replacement"},
	{Name: "proxy_cookie_flags", In: conf.AnyLevel, Args: conf.Take1234, Set: (*Conf).setCookieFlags, Default: "off",
		Syntax: "off | cookie [flag ...]"},
}

func (c *Conf) setRedirect(d *conf.Directive) error {
	if c.redirect.IsSet() && !c.redirect.V {
		return conf.ErrDuplicate
	}
	c.redirect = conf.Setting[bool]{}
	if len(d.Args) == 1 {
		switch d.Args[0] {
		case "off":
			if c.redirects != nil {
				return conf.ErrDuplicate
			}
			return c.redirect.Set(false)
		case "default":
		default:
			return d.Errorf(`invalid parameter "%s"`, d.Args[0])
		}
	}
	if err := c.redirect.Set(true); err != nil {
		return err
	}
	if len(d.Args) == 1 {
		switch {
		case c.pass != nil && c.pass.target == nil:
			return d.Errorf(`"proxy_redirect default" cannot be used with "proxy_pass" directive with variables`)
		case c.pass == nil:
			return d.Errorf(`"proxy_redirect default" should be placed after the "proxy_pass" directive`)
		}
		c.redirects = append(c.redirects, c.pass.defaultRedirect())
		return nil
	}
	r, err := newRule(d, prefixRule, true)
	c.redirects = append(c.redirects, r)
	return err
}

// defaultRedirect turns the URL of proxy_pass into the location's name.
func (p *passConf) defaultRedirect() *rule {
	if p.url.uri == "" {
		return &rule{from: p.at.Args[0] + "/", to: "/"}
	}
	return &rule{from: p.at.Args[0], to: p.location}
}

// newRule reads "pattern replacement". A pattern that begins with "~" is a regular
// expression, in which case counts when cased is true, unless it is "~*".
func newRule(d *conf.Directive, kind ruleKind, cased bool) (*rule, error) {
	r := &rule{at: d, kind: kind, from: d.Args[0]}
	if kind != flagsRule {
		r.to = d.Args[1]
	}
	pattern, isRegex := strings.CutPrefix(r.from, "~")
	if !isRegex {
		if kind == domainRule {
			r.from, r.to = strings.TrimPrefix(r.from, "."), strings.TrimPrefix(r.to, ".")
		}
		return r, nil
	}
	fold := !cased
	if rest, ok := strings.CutPrefix(pattern, "*"); ok && kind == prefixRule {
		pattern, fold = rest, true
	}
	var err error
	r.regex, err = http.CompileRegex(d, pattern, fold)
	return r, err
}

// add takes a rule or "off".
func (l *ruleList) add(d *conf.Directive, kind ruleKind, cased bool) error {
	if l.set && l.rules == nil {
		return conf.ErrDuplicate
	}
	if len(d.Args) == 1 {
		if d.Args[0] != "off" {
			return d.Errorf(`invalid parameter "%s"`, d.Args[0])
		}
		if l.set {
			return conf.ErrDuplicate
		}
		l.set = true
		return nil
	}
	r, err := newRule(d, kind, cased)
	l.set, l.rules = true, append(l.rules, r)
	return err
}

func (c *Conf) setCookieDomain(d *conf.Directive) error {
	return c.cookieDomains.add(d, domainRule, false)
}
func (c *Conf) setCookiePath(d *conf.Directive) error { return c.cookiePaths.add(d, prefixRule, true) }
func (c *Conf) setCookieFlags(d *conf.Directive) error {
	return c.cookieFlags.add(d, flagsRule, false)
}

func (r *rewrites) merge(outer *rewrites, pass *passConf) {
	r.redirect.Inherit(outer.redirect, true)
	if r.redirect.V {
		if r.redirects == nil {
			r.redirects = outer.redirects
		}
		if r.redirects == nil && pass != nil && pass.target != nil {
			r.redirects = []*rule{pass.defaultRedirect()}
		}
	}
	for _, lists := range [][2]*ruleList{{&r.cookieDomains, &outer.cookieDomains}, {&r.cookiePaths, &outer.cookiePaths}, {&r.cookieFlags, &outer.cookieFlags}} {
		if !lists[0].set {
			*lists[0] = *lists[1]
		}
	}
}

// compileRules compiles the rules that stand on this level.
func (c *Conf) compileRules(m *http.MainBuilder) error {
	for _, list := range [][]*rule{c.redirects, c.cookieDomains.rules, c.cookiePaths.rules, c.cookieFlags.rules} {
		for _, r := range list {
			if err := r.compile(m); err != nil {
				return err
			}
		}
	}
	return nil
}

// compile is called for each level that has inherited the rule, too.
func (r *rule) compile(m *http.MainBuilder) (err error) {
	if r.pattern != nil || r.replacement != nil || r.flags != nil {
		return nil
	}
	if r.regex != nil {
		if err := r.regex.Bind(m); err != nil {
			return err
		}
	} else if r.pattern, err = r.text(m, r.from); err != nil {
		return err
	}
	if r.kind != flagsRule {
		r.replacement, err = r.text(m, r.to)
		return err
	}
	for _, arg := range r.at.Args[1:] {
		flag, err := m.Compile(r.at, arg)
		if err != nil {
			return err
		}
		r.flags = append(r.flags, flag)
	}
	return nil
}

// text compiles a text of the rule; that of a default has no variables.
func (r *rule) text(m *http.MainBuilder, text string) (*http.Value, error) {
	if r.at == nil {
		return http.LiteralValue(text), nil
	}
	return m.Compile(r.at, text)
}
