package securelink

import (
	"crypto/md5"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// linkVariable is $secure_link.
func linkVariable(r *http.Request) (string, bool) {
	c := conf.Get[Conf](r.Location().Level())
	if c.secret.IsSet() {
		return c.checkPath(r)
	}
	if c.link.V == nil || c.md5.V == nil {
		return "", false
	}
	encoded, expiry, limited := strings.Cut(c.link.V.value.Eval(r), ",")
	expires, ok := int64(0), true
	if limited {
		if expires, ok = parseTime(expiry); !ok {
			return "", false
		}
	}
	sum, ok := decode(encoded)
	if !ok {
		return "", false
	}
	text := c.md5.V.value
	want := md5.Sum(text.Append(r.Scratch(len(text.Eval(r))), r))
	switch {
	case subtle.ConstantTimeCompare(sum[:], want[:]) == 0:
		return "", false
	case limited && expires < r.Time().Unix():
		return "0", true
	}
	return "1", true
}

// expiresVariable is $secure_link_expires.
func expiresVariable(r *http.Request) (string, bool) {
	c := conf.Get[Conf](r.Location().Level())
	if c.secret.IsSet() || c.link.V == nil || c.md5.V == nil {
		return "", false
	}
	_, expiry, _ := strings.Cut(c.link.V.value.Eval(r), ",")
	if _, ok := parseTime(expiry); !ok {
		return "", false
	}
	return expiry, true
}

// parseTime reads Unix seconds, of which there must be some.
func parseTime(digits string) (seconds int64, ok bool) {
	seconds, err := conf.ParseNumber(digits)
	return seconds, err == nil && seconds > 0
}

// decode reads a sum in base64 with the letters for URLs.
func decode(encoded string) (sum [md5.Size]byte, ok bool) {
	if len(encoded) > base64.StdEncoding.EncodedLen(len(sum)) {
		return sum, false
	}
	encoded, _, _ = strings.Cut(encoded, "=")
	var room [18]byte
	n, err := base64.RawURLEncoding.Decode(room[:], []byte(encoded))
	if err != nil || n != len(sum) {
		return sum, false
	}
	return [md5.Size]byte(room[:]), true
}

// checkPath finds hash and link in the path as it was sent: /prefix/hash/link.
func (c *Conf) checkPath(r *http.Request) (string, bool) {
	target := r.Target()
	if target == "" {
		return "", false
	}
	_, rest, _ := strings.Cut(target[1:], "/")
	hash, link, _ := strings.Cut(rest, "/")
	var sum [md5.Size]byte
	if len(hash) != hex.EncodedLen(len(sum)) || link == "" {
		return "", false
	}
	if _, err := hex.Decode(sum[:], []byte(hash)); err != nil {
		return "", false
	}
	want := md5.Sum(append(append(r.Scratch(len(link)+len(c.secret.V)), link...), c.secret.V...))
	if subtle.ConstantTimeCompare(sum[:], want[:]) == 0 {
		return "", false
	}
	return link, true
}
