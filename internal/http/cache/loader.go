package cache

import (
	"context"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/baton-project/baton/internal/log"
	"golang.org/x/sys/unix"
)

// load walks through the directory and notes the files that are there. What is no
// file of a cache goes.
func (c *Cache) load(ctx context.Context) {
	l := loader{c: c, ctx: ctx, began: time.Now()}
	if err := filepath.WalkDir(c.Dir, l.visit); err != nil {
		return // the worker ends: another one walks
	}
	c.warm()
	blocks, _, _ := c.Size()
	c.tell.Logf(log.Notice, 0, "http file cache: %s %.3fM, bsize: %d", c.Dir, float64(blocks*c.block)/(1<<20), c.block)
}

// warm notes that all files are known.
func (c *Cache) warm() {
	c.table.Lock()
	defer c.table.Unlock()
	if s, ok := c.state(); ok {
		s.put(stateWarm, 1)
	}
}

type loader struct {
	c     *Cache
	ctx   context.Context
	files int
	began time.Time
}

func (l *loader) visit(name string, d fs.DirEntry, err error) error {
	switch {
	case l.ctx.Err() != nil:
		return l.ctx.Err()
	case err != nil:
		l.c.tell.Logf(log.Crit, 0, "%v", err)
		return nil
	case d.IsDir():
		if strings.HasSuffix(name, "/temp") {
			return fs.SkipDir
		}
		return nil
	}
	if !l.take(name, d) {
		if err := unix.Unlink(name); err != nil {
			l.c.tell.Logf(log.Crit, 0, `unlink() "%s" failed (%s)`, name, log.ErrText(err))
		}
	}
	l.files++
	if l.files < l.c.Loader.Files && time.Since(l.began) < l.c.Loader.Threshold {
		return nil
	}
	rest := time.NewTimer(l.c.Loader.Sleep)
	defer rest.Stop()
	select {
	case <-l.ctx.Done():
		return l.ctx.Err()
	case <-rest.C:
	}
	l.files, l.began = 0, time.Now()
	return nil
}

// take notes a file; it reports false when it is none of a cache.
func (l *loader) take(name string, d fs.DirEntry) bool {
	if !d.Type().IsRegular() {
		return false
	}
	if isTemporary(name) {
		return true
	}
	k, ok := keyOfName(name)
	if !ok {
		return false
	}
	info, err := d.Info()
	if err != nil {
		return true // it has gone meanwhile
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || info.Size() < HeaderSize {
		l.c.tell.Logf(log.Crit, 0, `cache file "%s" is too small`, name)
		return false
	}
	return l.c.Add(k, 0, st.Blocks*512, time.Now().Unix())
}
