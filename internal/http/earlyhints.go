package http

import "github.com/baton-project/baton/internal/wire/h1"

// SendEarlyHints sends a head of status 103 with these lines before the answer,
// to clients of HTTP/1.1.
func (r *Request) SendEarlyHints(lines Headers) error {
	if s, ok := r.wire.(*h2Stream); ok && !r.headerSent && len(lines) > 0 {
		return s.sendEarly(lines)
	}
	x, ok := r.wire.(*exchange)
	if !ok || r.Head.Version < h1.HTTP11 || r.headerSent || len(lines) == 0 {
		return nil
	}
	x.out = append(x.out, "HTTP/1.1 103 Early Hints\r\n"...)
	for _, line := range lines {
		x.out = h1.AppendField(x.out, line.Name, line.Value)
	}
	x.out = append(x.out, "\r\n"...)
	return x.flush()
}
