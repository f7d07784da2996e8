package cache

import (
	"context"
	"time"

	"github.com/baton-project/baton/internal/log"
)

// loaderDelay is when the directory is walked through, so that a server begins to
// serve first.
const loaderDelay = time.Minute

// leaseEvery is how often a worker that is not the manager looks whether there is
// one.
const leaseEvery = 2 * time.Second

// longestWait is how long the manager rests when it has nothing to do.
const longestWait = 10 * time.Second

// Run manages the cache until ctx ends, if nobody else does.
func (c *Cache) Run(ctx context.Context, logger *log.Logger) {
	c.sit()
	c.tell = logger
	began := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	defer c.resign()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if !c.lead() {
			timer.Reset(leaseEvery)
			continue
		}
		next := c.manage(ctx)
		if c.isCold() {
			left := loaderDelay - time.Since(began)
			if left <= 0 {
				c.load(ctx)
			}
			next = min(next, max(left, 0))
		}
		timer.Reset(next)
	}
}

// lead makes this process the manager if there is none, and reports whether it is.
func (c *Cache) lead() (leads bool) {
	c.table.Lock()
	defer c.table.Unlock()
	s, ok := c.state()
	if !ok || c.self == 0 {
		return false
	}
	owner := uint64(s.get(stateOwner))
	if owner != c.self && c.alive(s.short(stateSeat), owner) {
		return false
	}
	s.put(stateOwner, int64(c.self))
	s.putShort(stateSeat, c.seat)
	return true
}

// resign lets another process be the manager.
func (c *Cache) resign() {
	c.table.Lock()
	defer c.table.Unlock()
	if s, ok := c.state(); ok && uint64(s.get(stateOwner)) == c.self {
		s.put(stateOwner, 0)
	}
}

func (c *Cache) isCold() (cold bool) {
	c.table.Lock()
	defer c.table.Unlock()
	return c.cold()
}

// manage removes what has to go, and says when to look again.
func (c *Cache) manage(ctx context.Context) (next time.Duration) {
	began := time.Now()
	for files := 0; ; files++ {
		if ctx.Err() != nil || files >= c.Manager.Files || files > 0 && time.Since(began) >= c.Manager.Threshold {
			return c.Manager.Sleep
		}
		k, file, removed, wait := c.expire(time.Now().Unix())
		if !removed {
			if !c.tooMuch() {
				return wait
			}
			if k, file, removed = c.force(); !removed {
				return time.Second
			}
		}
		if file {
			c.remove(k)
		}
	}
}

// expire removes the node that was not asked for longest, if it was not asked for
// too long. Else wait is when the next one is due.
func (c *Cache) expire(now int64) (k Key, file, removed bool, wait time.Duration) {
	c.table.Lock()
	defer c.table.Unlock()
	wait = longestWait
	for range 20 {
		e, k, n, ok := c.oldest()
		if !ok {
			return k, false, false, longestWait
		}
		if left := n.get(nodeExpire) - now; left > 0 {
			return k, false, false, min(time.Duration(min(left, 60))*time.Second, longestWait)
		}
		if c.updating(n) {
			n.put(nodeExpire, now+int64(c.Inactive/time.Second))
			c.table.Touch(e)
			continue
		}
		s, ok := c.state()
		if !ok {
			return k, false, false, longestWait
		}
		file = n.exists()
		c.drop(s, e, n)
		return k, file, true, 0
	}
	return k, false, false, time.Second
}

// force removes the node that was not asked for longest.
func (c *Cache) force() (k Key, file, removed bool) {
	c.table.Lock()
	defer c.table.Unlock()
	s, ok := c.state()
	if !ok {
		return k, false, false
	}
	return c.dropOldest(s)
}

// tooMuch reports whether the files take too much room, or the index does.
func (c *Cache) tooMuch() bool {
	blocks, count, mark := c.Size()
	if blocks >= c.MaxSize/c.block || mark > 0 && count >= mark {
		return true
	}
	return c.MinFree > 0 && available(c.Dir) <= c.MinFree
}

// Size tells how much room the files take, in blocks of the file system, how many
// nodes there are, and how many are too many; 0: that is not known.
func (c *Cache) Size() (blocks, count, mark int64) {
	c.table.Lock()
	defer c.table.Unlock()
	s, ok := c.state()
	if !ok {
		return 0, 0, 0
	}
	return s.get(stateBlocks), s.get(stateCount), s.get(stateMark)
}
