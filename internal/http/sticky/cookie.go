package sticky

import (
	"strconv"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// cookie is the cookie that names the server.
type cookie struct {
	at                       *conf.Directive
	name, path               string
	domainText, sameSiteText string
	hasSameSite              bool
	domain, sameSite         *http.Value
	expires                  int64 // seconds; -1: with the browser
	httpOnly, secure         bool
}

// forEver is "expires=max".
const forEver = 1<<63 - 1

func isSameSite(word string) bool {
	return strings.EqualFold(word, "strict") || strings.EqualFold(word, "lax") || strings.EqualFold(word, "none")
}

// compile compiles what may have variables. A nil cookie has none.
func (c *cookie) compile(m *http.MainBuilder) (err error) {
	if c == nil {
		return nil
	}
	if c.domainText != "" {
		if c.domain, err = m.Compile(c.at, c.domainText); err != nil {
			return err
		}
	}
	if c.sameSiteText != "" {
		c.sameSite, err = m.Compile(c.at, c.sameSiteText)
	}
	return err
}

// set has the answer to r set the cookie, in place of one for another server that
// was tried before.
func (c *cookie) set(r *http.Request, sid string) {
	line := c.line(r, sid)
	for i := range r.Out.Headers {
		h := &r.Out.Headers[i]
		if h.Name == "Set-Cookie" && len(h.Value) > len(c.name) && h.Value[:len(c.name)] == c.name && h.Value[len(c.name)] == '=' {
			h.Value = line
			return
		}
	}
	r.Out.Headers.Add("Set-Cookie", line)
}

func (c *cookie) line(r *http.Request, sid string) string {
	domain, sameSite := c.domain.Eval(r), c.sameSite.Eval(r)
	if sameSite != "" && !isSameSite(sameSite) {
		sameSite = "strict"
	}
	b := r.Scratch(len(c.name) + len(sid) + len(c.path) + len(domain) + len(sameSite) + 160)
	b = append(append(append(b, c.name...), '='), sid...)
	switch {
	case c.expires == forEver:
		b = append(b, "; expires=Thu, 31-Dec-37 23:55:55 GMT; max-age=315360000"...)
	case c.expires >= 0:
		at := r.Time().UTC().Add(time.Duration(c.expires) * time.Second)
		layout := "; expires=Mon, 02-Jan-06 15:04:05 GMT"
		if at.Year() > 2037 { // no longer will there be clocks that take the wrong century
			layout = "; expires=Mon, 02-Jan-2006 15:04:05 GMT"
		}
		b = append(at.AppendFormat(b, layout), "; max-age="...)
		b = strconv.AppendInt(b, c.expires, 10)
	}
	if domain != "" {
		b = append(append(b, "; domain="...), domain...)
	}
	if c.httpOnly {
		b = append(b, "; httponly"...)
	}
	if c.secure {
		b = append(b, "; secure"...)
	}
	if sameSite != "" {
		b = append(append(b, "; samesite="...), sameSite...)
	}
	if c.path != "" {
		b = append(append(b, "; path="...), c.path...)
	}
	return http.View(b)
}
