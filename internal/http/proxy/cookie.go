package proxy

import (
	"strings"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/gateway"
)

// An attribute is a piece of a Set-Cookie line: the cookie itself, or what
// follows it.
type attribute struct {
	key, value string
	hasValue   bool
	gone       bool
}

// parseCookie takes a Set-Cookie line apart.
func parseCookie(line string) []attribute {
	var list []attribute
	for _, piece := range strings.Split(line, ";") {
		key, value, hasValue := strings.Cut(piece, "=")
		list = append(list, attribute{key: strings.TrimRight(strings.TrimLeft(piece[:len(key)], " "), " "),
			value: strings.Trim(value, " "), hasValue: hasValue})
	}
	return list
}

// rewriteCookie applies the rules for cookies.
func (w *rewriter) rewriteCookie(r *http.Request, line *gateway.Line) bool {
	if w.domains == nil && w.paths == nil && w.flags == nil {
		return false
	}
	list := parseCookie(line.Value)
	if !list[0].hasValue {
		return false
	}
	changed := false
	for i := range list[1:] {
		a := &list[i+1]
		rules := w.paths
		switch {
		case !a.hasValue:
			continue
		case strings.EqualFold(a.key, "domain"):
			rules = w.domains
		case !strings.EqualFold(a.key, "path"):
			continue
		}
		if made, ok := replaceFirst(r, rules, a.value); ok {
			a.value, changed = made, true
		}
	}
	if flags := w.flagsOf(r, list[0].key); flags != 0 {
		list, changed = flags.edit(list), true
	}
	if changed {
		line.Value = joinCookie(list)
	}
	return changed
}

func joinCookie(list []attribute) string {
	var b strings.Builder
	for i, a := range list {
		if a.gone {
			continue
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(a.key)
		if a.hasValue {
			b.WriteString("=" + a.value)
		}
	}
	return b.String()
}

// cookieFlags are what proxy_cookie_flags asks for.
type cookieFlags uint8

const (
	secureOn cookieFlags = 1 << iota
	secureOff
	httpOnlyOn
	httpOnlyOff
	sameSiteStrict
	sameSiteLax
	sameSiteNone
	sameSiteOff
)

var flagWords = map[string]cookieFlags{
	"secure": secureOn, "nosecure": secureOff, "httponly": httpOnlyOn, "nohttponly": httpOnlyOff,
	"samesite=strict": sameSiteStrict, "samesite=lax": sameSiteLax, "samesite=none": sameSiteNone, "nosamesite": sameSiteOff,
}

// flagsOf are the flags for the cookie of a name.
func (w *rewriter) flagsOf(r *http.Request, name string) (f cookieFlags) {
	for _, rule := range w.flags {
		if rule.regex != nil {
			if !rule.regex.Match(r, name) {
				continue
			}
		} else if !strings.EqualFold(rule.pattern.Eval(r), name) {
			continue
		}
		for _, flag := range rule.flags {
			f |= flagWords[strings.ToLower(flag.Eval(r))]
		}
		return f
	}
	return 0
}

// edit changes the attributes of a cookie.
func (f cookieFlags) edit(list []attribute) []attribute {
	site := f.sameSite()
	for i := range list[1:] {
		a := &list[i+1]
		switch {
		case strings.EqualFold(a.key, "secure"):
			a.gone = f&secureOff != 0 && f&secureOn == 0
			f &^= secureOn
		case strings.EqualFold(a.key, "httponly"):
			a.gone = f&httpOnlyOff != 0 && f&httpOnlyOn == 0
			f &^= httpOnlyOn
		case strings.EqualFold(a.key, "samesite"):
			switch {
			case site != "" && !strings.EqualFold(a.value, site):
				*a = attribute{key: "SameSite", value: site, hasValue: true}
			case site == "" && f&sameSiteOff != 0:
				a.gone = true
			}
			site = ""
			f &^= sameSiteStrict | sameSiteLax | sameSiteNone
		}
	}
	if f&secureOn != 0 {
		list = append(list, attribute{key: "Secure"})
	}
	if f&httpOnlyOn != 0 {
		list = append(list, attribute{key: "HttpOnly"})
	}
	if site != "" {
		list = append(list, attribute{key: "SameSite", value: site, hasValue: true})
	}
	return list
}

// sameSite is the value that SameSite is to have; "" for none.
func (f cookieFlags) sameSite() string {
	switch {
	case f&sameSiteStrict != 0:
		return "Strict"
	case f&sameSiteLax != 0:
		return "Lax"
	case f&sameSiteNone != 0:
		return "None"
	}
	return ""
}
