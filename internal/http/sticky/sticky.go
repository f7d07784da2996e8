package sticky

import "github.com/baton-project/baton/internal/http"

// first is the value of the first variable that has one.
func first(r *http.Request, names []name) string {
	for i := range names {
		if value, ok := names[i].variable.Get(r); ok && value != "" {
			return value
		}
	}
	return ""
}

// Hint implements [gateway.Sticker].
func (p *plan) Hint(r *http.Request) string {
	id := first(r, p.lookup)
	if p.learn == nil || id == "" {
		return id
	}
	return p.learn.find(r, id)
}

// Chosen implements [gateway.Sticker].
func (p *plan) Chosen(r *http.Request, sid string) {
	if p.cookie != nil {
		p.cookie.set(r, sid)
	}
}

// Answered implements [gateway.Sticker].
func (p *plan) Answered(r *http.Request, sid string) {
	if p.learn != nil && p.learn.afterHeader {
		p.note(r, sid)
	}
}

// Served implements [gateway.Sticker].
func (p *plan) Served(r *http.Request, sid string) {
	if p.learn != nil && !p.learn.afterHeader {
		p.note(r, sid)
	}
}

// note learns which server the request's session belongs to.
func (p *plan) note(r *http.Request, sid string) {
	if id := first(r, p.create); id != "" {
		p.learn.note(r, id, sid, true)
	} else if id := first(r, p.lookup); id != "" {
		p.learn.note(r, id, sid, false)
	}
}
