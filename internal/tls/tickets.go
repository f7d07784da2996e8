package tls

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"

	"github.com/baton-project/baton/internal/zone"
)

// Tickets are the keys of session tickets. With a Zone all workers have the same
// ones, before and after a reload. A nil *Tickets has none.
type Tickets struct {
	// Fixed are keys that the configuration names; the first one seals.
	Fixed [][32]byte
	// Zone holds the keys when none are fixed: the present one and the one before.
	// Nil: the process has keys of its own.
	Zone *zone.Zone
	// Lifetime is how long a key seals; for as long again it opens.
	Lifetime time.Duration

	mu     sync.Mutex // guards what follows
	looked time.Time
	keys   ticketKeys
}

// ticketKeys are two keys and when the first one was made.
type ticketKeys struct {
	made int64 // Unix seconds; 0: there are none
	keys [2][32]byte
}

const (
	ticketEntry = "keys"
	ticketSize  = 8 + 2*32
)

// Keys returns the keys of now, the one that seals first.
func (t *Tickets) Keys(now time.Time) [][32]byte {
	if t == nil {
		return nil
	}
	if len(t.Fixed) > 0 {
		return t.Fixed
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if age := now.Sub(t.looked); t.keys.made == 0 || age >= time.Second || age < 0 {
		t.looked = now
		if t.Zone != nil && t.Zone.Mapped() {
			t.keys = t.shared(now)
		} else {
			t.keys.renew(now, t.Lifetime)
		}
	}
	keys := t.keys.keys
	return keys[:]
}

// renew makes a new key if the present one is too old.
func (k *ticketKeys) renew(now time.Time, lifetime time.Duration) (renewed bool) {
	age := now.Unix() - k.made
	if k.made != 0 && age >= 0 && age < int64(max(lifetime, time.Second)/time.Second) {
		return false
	}
	k.keys[1] = k.keys[0]
	if k.made == 0 || age > 2*int64(lifetime/time.Second) {
		_, _ = rand.Read(k.keys[1][:]) // it never fails
	}
	_, _ = rand.Read(k.keys[0][:])
	k.made = now.Unix()
	return true
}

// shared takes the keys from the zone, and renews them there.
func (t *Tickets) shared(now time.Time) (k ticketKeys) {
	table := t.Zone.Table()
	table.Lock()
	defer table.Unlock()
	e, ok := table.Find(ticketEntry)
	if !ok {
		if e, ok = table.Insert(ticketEntry, ticketSize); !ok {
			k.renew(now, t.Lifetime)
			return k
		}
	}
	b := e.Value()
	if len(b) < ticketSize {
		k.renew(now, t.Lifetime)
		return k
	}
	k.made = int64(binary.LittleEndian.Uint64(b))
	copy(k.keys[0][:], b[8:])
	copy(k.keys[1][:], b[8+32:])
	if k.renew(now, t.Lifetime) {
		binary.LittleEndian.PutUint64(b, uint64(k.made))
		copy(b[8:], k.keys[0][:])
		copy(b[8+32:], k.keys[1][:])
	}
	return k
}
