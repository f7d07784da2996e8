package userid

import (
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
)

// variables are those of one http{}. $uid_got and $uid_set are computed once
// for each request, so that all who ask for them see the same identifiers.
type variables struct {
	got, reset *http.Variable
	maker      *maker
}

func declare(m *http.MainBuilder) (err error) {
	v := &variables{maker: newMaker(time.Now())}
	if err = m.Variable("uid_got", v.gotText, http.Cacheable); err != nil {
		return err
	}
	if err = m.Variable("uid_set", v.setText, http.Cacheable); err != nil {
		return err
	}
	if v.got, err = m.Lookup(nil, "uid_got"); err != nil {
		return err
	}
	// A map may have declared it already.
	v.reset, err = m.SettableOr("uid_reset", func(*http.Request) (string, bool) { return "", true })
	return err
}

func confOf(r *http.Request) *Conf { return conf.Get[Conf](r.Location().Level()) }

// gotText is $uid_got.
func (v *variables) gotText(r *http.Request) (string, bool) {
	c := confOf(r)
	if c.mode.V == modeOff {
		return "", false
	}
	cookie, ok := r.Cookie(c.name.V)
	if !ok {
		return "", false
	}
	if len(cookie) < encodedLen {
		line, _ := r.HeaderNamed("cookie")
		r.Logf(log.Error, `client sent too short userid cookie "%s"`, line)
		return "", false
	}
	got, ok := decode(cookie[:encodedLen])
	if !ok {
		line, _ := r.HeaderNamed("cookie")
		r.Logf(log.Error, `client sent invalid userid cookie "%s"`, line)
		return "", false
	}
	if !got.isSet() {
		return "", false
	}
	return c.text(r, got), true
}

// text is a variable's text: the cookie's name, "=" and the identifier.
func (c *Conf) text(r *http.Request, u uid) string {
	dst := append(r.Scratch(len(c.name.V)+1+textLen), c.name.V...)
	return http.View(u.appendText(append(dst, '=')))
}

// uidOf is the identifier of such a text, the zero uid of none.
func uidOf(text string, ok bool) uid {
	if !ok || len(text) < textLen {
		return uid{}
	}
	return parseText(text[len(text)-textLen:])
}

// setText is $uid_set.
func (v *variables) setText(r *http.Request) (string, bool) {
	c := confOf(r)
	if c.mode.V < modeV1 {
		return "", false
	}
	got := uidOf(v.got.Get(r))
	if got.isSet() {
		reset, _ := v.reset.Get(r)
		switch reset {
		case "", "0":
			if c.isMarked(r) {
				return "", false
			}
			return c.text(r, got), true
		case "log":
			r.Logf(log.Notice, `userid cookie "%s" was reset`, c.text(r, got))
		}
	}
	return c.text(r, v.maker.make(r, c.mode.V == modeV1, c.service.V)), true
}

// isMarked reports whether the client's cookie is as this level would send it.
func (c *Conf) isMarked(r *http.Request) bool {
	if c.mark.V == 0 {
		return true
	}
	cookie, _ := r.Cookie(c.name.V)
	return len(cookie) > encodedLen+1 && cookie[encodedLen] == c.mark.V && cookie[encodedLen+1] == '='
}
