package cgi

import (
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/upstream"
)

// A Place is what a directive such as fastcgi_pass says: an address, an
// upstream{}, or a text with variables that makes one of them. The zero Place is
// nowhere.
type Place struct {
	at     *conf.Directive
	text   string
	target *gateway.Target // nil: there are variables in text
	// Secure: TLS is spoken there.
	Secure bool
}

// Varies reports whether the place depends on the request.
func (p *Place) Varies() bool { return p.target == nil }

// Set takes in the directive d, whose address is text.
func (p *Place) Set(d *conf.Directive, text string) error {
	if p.at != nil {
		return conf.ErrDuplicate
	}
	p.at, p.text = d, text
	if strings.Contains(text, "$") {
		return nil
	}
	target, uri, err := gateway.Refer(d, text, 0)
	if err == nil && uri != "" {
		err = d.Errorf(`invalid host in upstream "%s"`, text)
	}
	p.target = target
	return err
}

// IsSet reports whether a directive has said it.
func (p *Place) IsSet() bool { return p.at != nil }

// Find returns the settings with the Place that counts at b's level, at which is
// that of the settings of a level: those of the level itself, or for a block in a
// location, such as "if", those of the location around it, and then inherited is
// true. Nil: nothing is passed on here.
func Find[C any](b *http.Builder, at func(*C) *Place) (place *Place, inherited bool) {
	for l := b.Level(); l != nil; l = l.Parent {
		if c := conf.Own[C](l); c != nil && at(c).IsSet() {
			return at(c), inherited
		}
		if l.Context != conf.LocationIf && l.Context != conf.LimitExcept {
			break
		}
		inherited = true
	}
	return nil, false
}

// An Aim is a compiled Place.
type Aim struct {
	target *gateway.Target
	text   *http.Value // in place of target
}

// Compile makes the Aim of p.
func (p *Place) Compile(b *http.Builder) (Aim, error) {
	if p.target != nil {
		return Aim{target: p.target}, nil
	}
	text, err := b.Compile(p.at, p.text)
	return Aim{text: text}, err
}

// Take tells x where it goes to. cut, when not nil, takes the scheme off what the
// variables have made, and tells x of it. Anything but Declined is what the codec's Begin returns.
func (a Aim) Take(x *gateway.Exchange, cut func(*gateway.Exchange, string) string) http.Result {
	if a.target != nil {
		x.SetTarget(a.target)
		return http.Declined
	}
	r := x.Request
	text := a.text.Eval(r)
	if cut != nil {
		text = cut(x, text)
	}
	u, err := upstream.ParseURL(text, 0)
	if err != nil {
		r.Logf(log.Error, `%v in upstream "%s"`, err, text)
		return 500
	}
	if u.NoPort && !u.IsUnix() && x.Pass.Find(&u) == nil {
		r.Logf(log.Error, `no port in upstream "%s"`, u.Host)
		return 500
	}
	return x.SetURL(&u)
}

// TakeFixed tells x where it goes to if that is the same for all requests.
func (a Aim) TakeFixed(x *gateway.Exchange) {
	if a.target != nil {
		x.SetTarget(a.target)
	}
}

// AutoRedirect makes b's location redirect to its name with a slash, if it has
// one at its end.
func AutoRedirect(b *http.Builder) {
	d := b.Level().Directive
	if b.Level().Context == conf.Location && strings.HasSuffix(d.Args[len(d.Args)-1], "/") {
		b.AutoRedirect()
	}
}
