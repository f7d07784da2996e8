package http

import (
	"strings"

	"github.com/baton-project/baton/internal/wire/h1"
)

// gzipState is what is known of a request and compressed answers.
type gzipState struct {
	tested  bool
	accepts bool // once tested
	varies  bool // the answer depends on Accept-Encoding
}

// AcceptsGzip reports whether the client may get a compressed answer: by its
// Accept-Encoding, and as gzip_http_version, gzip_proxied and gzip_disable say.
// It is decided at the first call.
func (r *Request) AcceptsGzip() bool {
	if !r.gzip.tested {
		r.gzip.tested = true
		r.gzip.accepts = r.testGzip()
	}
	return r.gzip.accepts
}

// VariesByGzip notes that other clients get this answer in another coding; with
// gzip_vary it has a line that says so.
func (r *Request) VariesByGzip() { r.gzip.varies = true }

// GzipVary is the directive gzip_vary.
func (r *Request) GzipVary() bool { return r.loc.gzip.Vary.V }

func (r *Request) testGzip() bool {
	c := r.loc.gzip
	switch {
	case r.sub != nil: // its answer becomes a part of another one
		return false
	case !acceptsGzip(r.Header(h1.HAcceptEncoding)):
		return false
	case c.disableMSIE6.V && isMSIE6(r.Header(h1.HUserAgent)):
		return false
	case r.Head.Version < c.HTTPVersion.V:
		return false
	case r.Head.Index(h1.HVia) >= 0 && !c.Proxied.V.allows(r):
		return false
	}
	agent := r.Header(h1.HUserAgent)
	for _, disabled := range c.disabled {
		if agent != "" && disabled.Matches(agent) {
			return false
		}
	}
	return true
}

// allows reports whether the answer may be compressed for a proxy.
func (p gzipProxied) allows(r *Request) bool {
	out := &r.Out
	switch {
	case p&proxiedOff != 0:
		return false
	case p&proxiedAny != 0:
		return true
	case p&proxiedAuth != 0 && r.Head.Index(h1.HAuthorization) >= 0:
		return true
	}
	if expires, ok := out.Headers.Lookup("Expires"); ok {
		return p&proxiedExpired != 0 && r.isPast(expires)
	}
	if _, ok := out.Headers.Lookup("Cache-Control"); ok {
		return p&proxiedNoCache != 0 && out.Headers.hasDirective("no-cache") ||
			p&proxiedNoStore != 0 && out.Headers.hasDirective("no-store") ||
			p&proxiedPrivate != 0 && out.Headers.hasDirective("private")
	}
	// As in nginx only a line counts, not the time of a file.
	_, dated := out.Headers.Lookup("Last-Modified")
	return !(p&proxiedNoLastModified != 0 && dated) &&
		!(p&proxiedNoETag != 0 && out.ETag != "")
}

// isPast compares an Expires with the answer's Date.
func (r *Request) isPast(expires string) bool {
	at, ok := h1.ParseDate(expires)
	if !ok {
		return false
	}
	now := r.Time().Unix()
	if date, given := r.Out.Headers.Lookup("Date"); given {
		if now, ok = h1.ParseDate(date); !ok {
			return false
		}
	}
	return at < now
}

// hasDirective looks for a word among those of Cache-Control that have no value.
func (h Headers) hasDirective(word string) bool {
	for i := range h {
		if !equalFold(h[i].Name, "Cache-Control") {
			continue
		}
		for part := range strings.FieldsFuncSeq(h[i].Value, func(c rune) bool { return c == ',' || c == ';' }) {
			if equalFold(strings.Trim(part, " "), word) {
				return true
			}
		}
	}
	return false
}

// acceptsGzip reads an Accept-Encoding as nginx does: the first "gzip" at the
// start of a word counts, "*" does not.
func acceptsGzip(value string) bool {
	const coding = "gzip"
	for {
		at := indexFold(value, coding)
		if at < 0 {
			return false
		}
		after := value[at+len(coding):]
		if at == 0 || value[at-1] == ',' || value[at-1] == ' ' {
			return weightAllows(after)
		}
		value = after
	}
}

// indexFold is strings.Index without regard to ASCII case; low is in lower case.
func indexFold(s, low string) int {
	for i := 0; i+len(low) <= len(s); i++ {
		if equalFold(s[i:i+len(low)], low) {
			return i
		}
	}
	return -1
}

// weightAllows reads what follows a coding: nothing, or a weight that is not
// zero.
func weightAllows(after string) bool {
	after = strings.TrimLeft(after, " ")
	if after == "" || after[0] == ',' {
		return true
	}
	if after[0] != ';' {
		return false
	}
	after = strings.TrimLeft(after[1:], " ")
	if after == "" {
		return true
	}
	if len(after) < 3 || lower(after[0]) != 'q' || after[1] != '=' {
		return false
	}
	weight, _, _ := strings.Cut(after[2:], ",")
	weight, _, _ = strings.Cut(weight, " ")
	return isPositiveWeight(weight)
}

// isPositiveWeight reads "0.5": at most three digits behind the point, at most 1.
func isPositiveWeight(weight string) bool {
	whole, decimals, point := strings.Cut(weight, ".")
	if whole != "0" && whole != "1" || point && strings.Contains(decimals, ".") || len(decimals) > 3 {
		return false
	}
	sum := 0 // only whether it is zero counts
	for i := range len(decimals) {
		if decimals[i] < '0' || decimals[i] > '9' {
			return false
		}
		sum += int(decimals[i] - '0')
	}
	return whole == "0" && sum > 0 || whole == "1" && sum == 0
}
