package proxy

import (
	"strings"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/wire/h1"
)

// rewriter applies rewrites to the lines of answers.
type rewriter struct {
	redirects, domains, paths, flags []*rule
}

// rewriter is nil when there is nothing to rewrite.
func (r *rewrites) rewriter() *rewriter {
	w := &rewriter{domains: r.cookieDomains.rules, paths: r.cookiePaths.rules, flags: r.cookieFlags.rules}
	if r.redirect.V {
		w.redirects = r.redirects
	}
	if w.redirects == nil && w.domains == nil && w.paths == nil && w.flags == nil {
		return nil
	}
	return w
}

// apply rewrites a line and reports whether it did.
func (w *rewriter) apply(x *gateway.Exchange, line *gateway.Line) bool {
	r := x.Request
	switch line.ID {
	case h1.AnswerLocation:
		return rewriteBehind(r, w.redirects, line, 0)
	case h1.AnswerRefresh:
		if at := indexFold(line.Value, "url="); at >= 0 {
			return rewriteBehind(r, w.redirects, line, at+len("url="))
		}
	case h1.AnswerSetCookie:
		return w.rewriteCookie(r, line)
	}
	return false
}

func rewriteBehind(r *http.Request, rules []*rule, line *gateway.Line, at int) bool {
	made, ok := replaceFirst(r, rules, line.Value[at:])
	if ok {
		line.Value = line.Value[:at] + made
	}
	return ok
}

// replaceFirst applies the first rule that matches.
func replaceFirst(r *http.Request, rules []*rule, text string) (string, bool) {
	for _, rule := range rules {
		if made, ok := rule.replace(r, text); ok {
			return made, true
		}
	}
	return text, false
}

func (l *rule) replace(r *http.Request, text string) (string, bool) {
	if l.regex != nil {
		if !l.regex.Match(r, text) {
			return "", false
		}
		return l.replacement.Eval(r), true
	}
	pattern := l.pattern.Eval(r)
	if l.kind == domainRule {
		bare := strings.TrimPrefix(text, ".")
		if !strings.EqualFold(bare, pattern) {
			return "", false
		}
		return text[:len(text)-len(bare)] + l.replacement.Eval(r), true
	}
	if !strings.HasPrefix(text, pattern) {
		return "", false
	}
	return l.replacement.Eval(r) + text[len(pattern):], true
}

// indexFold is the place of low, in lower case, in s; -1 when it is not there.
func indexFold(s, low string) int {
	for i := 0; i+len(low) <= len(s); i++ {
		if h1.EqualFold(s[i:i+len(low)], low) {
			return i
		}
	}
	return -1
}
