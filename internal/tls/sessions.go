package tls

import (
	"encoding/binary"
	"time"

	"github.com/baton-project/baton/internal/zone"
)

// Sessions are sessions that clients know the names of. They are in a zone: all workers
// have the same ones, before and after a reload. When it is full the oldest ones go.
type Sessions struct{ Zone *zone.Zone }

const (
	sessionID = 32 // bytes of a name
	// maxSession is the largest session that is kept. What makes it large is the
	// certificate of a client.
	maxSession = 8 << 10
	// maxEvicted is how many others one session can cost its place.
	maxEvicted = 64
)

// Put keeps a session for lifetime, 0 for a day. It may not, when it is too large.
func (s *Sessions) Put(id, session []byte, now time.Time, lifetime time.Duration) {
	if s.Zone == nil || !s.Zone.Mapped() || len(session) > maxSession {
		return
	}
	if lifetime <= 0 {
		lifetime = 24 * time.Hour
	}
	t := s.Zone.Table()
	t.Lock()
	defer t.Unlock()
	for range 2 {
		if oldest, any := t.Oldest(); !any || !ended(oldest.Value(), now) {
			break
		} else {
			t.Delete(oldest)
		}
	}
	e, ok := t.Insert(string(id), 8+len(session))
	for range maxEvicted {
		if ok {
			break
		}
		oldest, any := t.Oldest()
		if !any {
			return
		}
		t.Delete(oldest)
		e, ok = t.Insert(string(id), 8+len(session))
	}
	if b := e.Value(); ok && len(b) == 8+len(session) {
		binary.LittleEndian.PutUint64(b, uint64(now.Add(lifetime).Unix()))
		copy(b[8:], session)
	}
}

// ended reports whether the time of a kept session is over.
func ended(value []byte, now time.Time) bool {
	return len(value) < 8 || int64(binary.LittleEndian.Uint64(value)) < now.Unix()
}

// Get returns a copy of a session that is kept, nil for one that is not.
func (s *Sessions) Get(id []byte, now time.Time) (session []byte) {
	if s.Zone == nil || !s.Zone.Mapped() || len(id) != sessionID {
		return nil
	}
	t := s.Zone.Table()
	t.Lock()
	defer t.Unlock()
	e, ok := t.Find(string(id))
	if !ok {
		return nil
	}
	if ended(e.Value(), now) {
		t.Delete(e)
		return nil
	}
	return append([]byte(nil), e.Value()[8:]...)
}
