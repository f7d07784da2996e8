package userid

import (
	"time"

	"github.com/baton-project/baton/internal/http"
)

// filter sends the cookie at one location.
type filter struct {
	conf *Conf
	set  *http.Variable // $uid_set
}

func (f *filter) apply(r *http.Request) http.Result {
	set := uidOf(f.set.Get(r))
	if !set.isSet() {
		return http.Declined
	}
	c := f.conf
	room := len(c.name.V) + len(c.domain.V) + len(c.path.V) + len(c.flags) + 100 // and the words between
	line := append(r.Scratch(room), c.name.V...)
	line = c.appendValue(append(line, '='), r, set)
	line = c.appendExpires(line, r.Time())
	if c.domain.V != "" {
		line = append(append(line, "; domain="...), c.domain.V...)
	}
	line = append(append(line, "; path="...), c.path.V...)
	r.Out.Headers.Add("Set-Cookie", http.View(append(line, c.flags...)))
	if c.p3p.V != "" {
		r.Out.Headers.Add("P3P", c.p3p.V)
	}
	return http.Declined
}

// appendValue appends the identifier with its mark. One that the client has
// sent goes back digit by digit: there are many whose end was never right.
func (c *Conf) appendValue(dst []byte, r *http.Request, set uid) []byte {
	mark := c.mark.V
	if mark == 0 {
		mark = '='
	}
	if cookie, ok := r.Cookie(c.name.V); ok && len(cookie) >= encodedLen {
		if got, ok := decode(cookie[:encodedLen]); ok && got == set {
			return append(append(dst, cookie[:encodedLen]...), mark, '=')
		}
	}
	return append(set.appendEncoded(dst), mark, '=')
}

// appendExpires appends the time in the form of Netscape, whose years have two
// digits.
func (c *Conf) appendExpires(dst []byte, now time.Time) []byte {
	switch c.expires.V {
	case 0:
		return dst
	case forever:
		return append(dst, "; expires=Thu, 31-Dec-37 23:55:55 GMT"...)
	}
	at := now.Add(c.expires.V).UTC()
	layout := "Mon, 02-Jan-06 15:04:05 GMT"
	if at.Year() > 2037 {
		layout = "Mon, 02-Jan-2006 15:04:05 GMT"
	}
	return at.AppendFormat(append(dst, "; expires="...), layout)
}
