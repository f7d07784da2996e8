package ocsp

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"time"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/zone"
)

// A Checker asks about the certificates of clients.
type Checker struct {
	Asker
	Logger    *log.Logger
	Responder *Responder // nil: that which a certificate names
	LeafOnly  bool       // the authorities' own certificates are not asked about
	Cache     *zone.Zone // of answers; nil: none
}

// Check asks about a chain that was verified, the client's certificate first, up to
// the trusted one at its end. It waits, and returns nginx's words for what is
// wrong, "" for nothing.
func (c *Checker) Check(chain []*x509.Certificate, now time.Time) (reason string) {
	for i := 0; i < len(chain)-1 && (i == 0 || !c.LeafOnly); i++ {
		q := Question{Certificate: chain[i], Issuer: chain[i+1], Chain: chain}
		key := cacheKey(&q)
		status, known := c.cached(key, now)
		if !known {
			var until time.Time
			var err error
			if status, until, err = c.ask(&q, now); err != nil {
				c.Logger.Logf(log.Error, 0, "%v while requesting certificate status", err)
				return "certificate status request failed"
			}
			c.store(key, status, until, now)
		}
		switch status {
		case Good:
		case Revoked:
			return "certificate revoked"
		default:
			return "certificate status unknown"
		}
	}
	return ""
}

func (c *Checker) ask(q *Question, now time.Time) (status Status, until time.Time, err error) {
	to := c.Responder
	if to == nil {
		if len(q.Certificate.OCSPServer) == 0 {
			return Unknown, until, errors.New("no OCSP responder URL in certificate")
		}
		if to, err = ParseResponder(q.Certificate.OCSPServer[0], nil); err != nil {
			return Unknown, until, err
		}
	}
	answer, err := c.Ask(context.Background(), to, q.Certificate, q.Issuer)
	if err != nil {
		return Unknown, until, err
	}
	return q.Verify(answer, now)
}

const (
	cacheValue  = 1 + 8     // the status, and the second until which it is good
	cachedUntil = time.Hour // where an answer does not say
)

// cacheKey names a certificate: who has made it, and its number.
func cacheKey(q *Question) string {
	name, key := sha1.Sum(q.Issuer.RawSubject), sha1.Sum(q.Issuer.RawSubjectPublicKeyInfo)
	var b bytes.Buffer
	b.Write(name[:])
	b.Write(key[:])
	serial := q.Certificate.SerialNumber.Bytes()
	b.Write(serial[:min(len(serial), 20)])
	return b.String()
}

func (c *Checker) cached(key string, now time.Time) (status Status, ok bool) {
	if c.Cache == nil || !c.Cache.Mapped() {
		return 0, false
	}
	t := c.Cache.Table()
	t.Lock()
	defer t.Unlock()
	e, ok := t.Find(key)
	if !ok {
		return 0, false
	}
	b := e.Value()
	if len(b) < cacheValue || int64(binary.LittleEndian.Uint64(b[1:])) <= now.Unix() {
		t.Delete(e)
		return 0, false
	}
	return Status(b[0]), true
}

func (c *Checker) store(key string, status Status, until, now time.Time) {
	if until.IsZero() {
		until = now.Add(cachedUntil)
	}
	if c.Cache == nil || !c.Cache.Mapped() || !until.After(now) {
		return
	}
	t := c.Cache.Table()
	t.Lock()
	defer t.Unlock()
	if e, ok := t.Find(key); ok {
		t.Delete(e) // somebody else has asked meanwhile
	}
	e, ok := t.Insert(key, cacheValue)
	if !ok {
		if oldest, any := t.Oldest(); any {
			t.Delete(oldest)
			e, ok = t.Insert(key, cacheValue)
		}
	}
	if !ok {
		return
	}
	if b := e.Value(); len(b) >= cacheValue {
		b[0] = byte(status)
		binary.LittleEndian.PutUint64(b[1:], uint64(until.Unix()))
	}
}
