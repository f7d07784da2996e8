package sticky

import (
	"crypto/md5"
	"encoding/binary"
	"sync"
	"time"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/zone"
)

// learn is what is learned of an upstream{}: in a zone, under the digest of a
// session's name, when it was last used and which server it belongs to. The table's
// order is that of the last use.
type learn struct {
	name        string // of the zone
	size        int64
	timeout     time.Duration
	afterHeader bool // it is learned as soon as the head has come

	zone  *zone.Zone
	once  sync.Once
	table *zone.Table // once the zone is mapped
}

const (
	sidAt   = 9  // behind the time in ms and the length
	sidRoom = 32 // of the longest name of a server
	nodeLen = sidAt + sidRoom
)

// open returns the table; nil while there is no memory.
func (l *learn) open() *zone.Table {
	if !l.zone.Mapped() {
		return nil
	}
	l.once.Do(func() { l.table = l.zone.Table() })
	return l.table
}

func keyOf(id string) string {
	sum := md5.Sum([]byte(id))
	return string(sum[:])
}

// find returns the server of a session; "": it has none.
func (l *learn) find(r *http.Request, id string) string {
	table := l.open()
	if table == nil {
		return ""
	}
	key := keyOf(id)
	table.Lock()
	defer table.Unlock()
	e, ok := table.Find(key)
	if !ok || l.expired(r, e) {
		return ""
	}
	return sidOf(e)
}

// expired reports whether a session was not used for so long that it is over.
func (l *learn) expired(r *http.Request, e zone.Entry) bool {
	if len(e.Value()) != nodeLen {
		return true
	}
	last := int64(binary.NativeEndian.Uint64(e.Value()))
	return r.Time().UnixMilli()-last >= l.timeout.Milliseconds()
}

// sidOf copies the name of the server out of the zone.
func sidOf(e zone.Entry) string {
	v := e.Value()
	return string(v[sidAt : sidAt+min(int(v[sidAt-1]), sidRoom)])
}

// note notes that a session belongs to a server, or is still used. create: it may be
// new.
func (l *learn) note(r *http.Request, id, sid string, create bool) {
	table := l.open()
	if table == nil || len(sid) > sidRoom {
		return
	}
	full, ok := l.put(r, table, keyOf(id), sid, create)
	switch {
	case !ok:
		r.Logf(log.Alert, `could not allocate node in sticky session zone "%s"`, l.name)
	case full:
		r.Logf(log.Warn, `could not allocate node in sticky session zone "%s", expiring least recently used session`, l.name)
	}
}

// put reports in full that a session which was not over made room for it; !ok: there
// is none.
func (l *learn) put(r *http.Request, table *zone.Table, key, sid string, create bool) (full, ok bool) {
	table.Lock()
	defer table.Unlock()
	e, known := table.Find(key)
	if known && l.expired(r, e) {
		table.Delete(e)
		known = false
	}
	switch {
	case known:
		table.Touch(e)
	case !create:
		return false, true
	default:
		if e, full, ok = l.insert(r, table, key); !ok {
			return full, false
		}
	}
	v := e.Value()
	binary.NativeEndian.PutUint64(v, uint64(r.Time().UnixMilli()))
	v[sidAt-1] = byte(len(sid))
	copy(v[sidAt:], sid)
	return full, true
}

// overAtOnce is how many sessions that are over make room for a new one.
const overAtOnce = 2

func (l *learn) insert(r *http.Request, table *zone.Table, key string) (e zone.Entry, full, ok bool) {
	for range overAtOnce {
		oldest, any := table.Oldest()
		if !any || !l.expired(r, oldest) {
			break
		}
		table.Delete(oldest)
	}
	if e, ok = table.Insert(key, nodeLen); ok {
		return e, false, true
	}
	if oldest, any := table.Oldest(); any {
		table.Delete(oldest)
	}
	e, ok = table.Insert(key, nodeLen)
	return e, true, ok
}
