package gateway

import (
	"errors"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/cache"
	"github.com/baton-project/baton/internal/log"
)

// opened is what has become of the search for a file.
type opened uint8

const (
	openedMissing  opened = iota // there is none, and the answer may be kept
	openedFresh                  // here it is
	openedStale                  // it is too old, and this request is to update it
	openedUpdating               // it is too old, and another one updates it
	openedScarce                 // there is none, and the answer is not to be kept
	openedStatus                 // the upstream has failed just before
	openedFailed                 // it could not be searched for
	openedGone                   // the client has gone meanwhile
)

// openKept searches for the file. With openedStatus and openedGone rc is what the
// handler returns.
func (x *Exchange) openKept() (o opened, rc http.Result) {
	k, s := x.kept, x.Pass.Settings
	waits := s.LockTimeout.V > 0
	for {
		o, rc = x.tryOpen()
		if o != openedMissing || !s.Lock.V || k.file.Raw() >= 0 {
			return o, rc
		}
		if k.ticket = k.cache.Lock(k.key, s.LockAge.V, x.Request.Clock()); k.ticket != 0 {
			return openedMissing, rc
		}
		if !waits {
			return openedScarce, rc
		}
		o, rc = x.waitLock()
		switch o {
		case openedGone:
			return o, rc
		case openedScarce:
			waits = false
		}
	}
}

// tryOpen opens the file of the key. A file that is left open with openedMissing is
// no good.
func (x *Exchange) tryOpen() (o opened, rc http.Result) {
	r, k, s := x.Request, x.kept, x.Pass.Settings
	found := k.cache.Look(k.key, s.MinUses.V, k.looked, r.Time().Unix())
	k.looked = true
	o = openedMissing
	test := found.Exists
	switch found.Kind {
	case cache.NoRoom:
		k.looked = false
		r.Logf(log.Alert, `could not allocate node in cache keys zone "%s"`, k.cache.Name)
		return openedFailed, 0
	case cache.Rare:
		return openedScarce, 0
	case cache.Known:
		if found.Status != 0 {
			k.settled = true
			return openedStatus, http.Result(found.Status)
		}
	case cache.New:
		test = found.Cold
		if s.MinUses.V > 1 {
			o = openedScarce
		}
	}
	if !test {
		return o, 0
	}
	k.room = int(s.BufferSize.V)
	if found.BodyStart > 0 {
		k.room = found.BodyStart
	}
	name := append(k.cache.AppendName(r.Scratch(len(k.cache.Dir)+64), k.key), 0)
	if call, errno := k.file.Open(name); errno != 0 {
		if notThere(errno) {
			return o, 0
		}
		r.LogErr(log.Crit, errno, `%s "%s" failed`, call, name[:len(name)-1])
		return openedFailed, 0
	}
	return x.readKept(found.Cold)
}

// readKept reads the beginning of the file that was opened.
func (x *Exchange) readKept(cold bool) (o opened, rc http.Result) {
	r, k := x.Request, x.kept
	if cap(k.start) < k.room {
		k.start = make([]byte, k.room)
	}
	n, errno := k.file.ReadStart(k.start[:k.room])
	if errno != 0 {
		r.LogErr(log.Crit, errno, `pread() "%s" failed`, k.name())
		return openedFailed, 0
	}
	k.start = k.start[:n]
	if err := k.header.Parse(k.start, k.text, k.crc); err != nil {
		level := log.Crit
		if errors.Is(err, cache.ErrVersion) {
			level = log.Info
		}
		r.Logf(level, `cache file "%s" %v`, k.name(), err)
		return openedMissing, 0
	}
	if k.header.Vary != "" {
		if variant := x.variant(k.header.Vary); variant != k.header.Variant {
			return x.openVariant(variant)
		}
	}
	now := r.Time().Unix()
	if cold {
		k.cache.Add(k.key, k.header.BodyStart, k.file.OnDisk, now)
	}
	if k.header.ValidUntil >= now {
		return openedFresh, 0
	}
	k.staleUpdating = after(k.header.ValidUntil, k.header.UpdatingFor) >= now
	k.staleError = after(k.header.ValidUntil, k.header.ErrorFor) >= now
	if k.ticket = k.cache.Update(k.key); k.ticket == 0 {
		return openedUpdating, 0
	}
	return openedStale, 0
}

// openVariant goes on with the file for requests such as this one.
func (x *Exchange) openVariant(variant cache.Key) (o opened, rc http.Result) {
	k := x.kept
	if k.secondary {
		x.Request.Logf(log.Crit, `cache file "%s" has incorrect vary hash`, k.name())
		return openedMissing, 0
	}
	_ = k.file.Close() // nothing was written
	k.header, k.key = cache.Header{}, variant
	k.secondary, k.looked = true, false
	return x.tryOpen()
}
