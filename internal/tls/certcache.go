package tls

import (
	"container/list"
	"strings"
	"sync"
	"time"
)

// A CertificateCache keeps certificates and keys that [Loader]s have read, each on
// its own. It is one process's.
type CertificateCache struct {
	max             int
	valid, inactive int64 // seconds

	mu    sync.Mutex // guards what follows
	items map[cacheKey]*list.Element
	order list.List // of *cacheItem, the one used last first
}

// A cacheKey is what a file, or a text, is read for.
type cacheKey struct {
	key  bool // ... its private key
	name string
}

type cacheItem struct {
	cacheKey
	value             any
	created, accessed int64 // Unix seconds
	version           fileVersion
}

// NewCertificateCache returns one for at most limit certificates and keys. Those not
// used for inactive are thrown out by others that come; those that have been here for
// valid are read again if their files have changed.
func NewCertificateCache(limit int, valid, inactive time.Duration) *CertificateCache {
	return &CertificateCache{
		max: limit, valid: int64(valid / time.Second), inactive: int64(inactive / time.Second),
		items: make(map[cacheKey]*list.Element),
	}
}

// fetch returns what is kept for k, or what create makes of it; keep says whether that
// may be kept. fresh says that what is kept is not good. A nil cache keeps nothing.
func (c *CertificateCache) fetch(k cacheKey, fresh bool, now int64, create func() (value any, keep bool, err error)) (any, error) {
	if c == nil {
		value, _, err := create()
		return value, err
	}
	isData := strings.HasPrefix(k.name, data)
	fresh = fresh && !isData
	known, good := c.find(k, now, isData, fresh)
	if good {
		return known.value, nil
	}
	// Before it is read: what is written meanwhile is a version that is not known.
	var version fileVersion
	if !isData {
		version = versionOf(k.name)
	}
	if known != nil && !fresh && version != (fileVersion{}) && version == known.version {
		return c.renew(known, now), nil
	}
	value, keep, err := create()
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.items[k]; ok {
		c.drop(e)
	}
	if err != nil || !keep {
		return value, err
	}
	c.expire(now)
	c.items[k] = c.order.PushFront(&cacheItem{cacheKey: k, value: value, created: now, accessed: now, version: version})
	return value, nil
}

// find is the item of k, if there is one; good says that it can be used as it is.
func (c *CertificateCache) find(k cacheKey, now int64, forever, fresh bool) (known *cacheItem, good bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.items[k]
	if !ok {
		return nil, false
	}
	known = e.Value.(*cacheItem)
	copied := *known
	if good = forever || !fresh && now-known.created <= c.valid; good {
		known.accessed = now
		c.order.MoveToFront(e)
	}
	return &copied, good
}

// renew is for an item whose file is the same still.
func (c *CertificateCache) renew(known *cacheItem, now int64) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.items[known.cacheKey]; ok {
		item := e.Value.(*cacheItem)
		item.created, item.accessed = now, now
		c.order.MoveToFront(e)
	}
	return known.value
}

// expire makes room for one more: up to two go that were not used for long, and one
// that was if it must.
func (c *CertificateCache) expire(now int64) {
	for range 2 {
		e := c.order.Back()
		if e == nil || now-e.Value.(*cacheItem).accessed <= c.inactive {
			break
		}
		c.drop(e)
	}
	if c.order.Len() >= c.max {
		c.drop(c.order.Back())
	}
}

func (c *CertificateCache) drop(e *list.Element) {
	delete(c.items, e.Value.(*cacheItem).cacheKey)
	c.order.Remove(e)
}
