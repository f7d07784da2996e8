package gateway

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/cache"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/wire/h1"
	"golang.org/x/sys/unix"
)

// A keeper is what a fill is for.
type keeper interface {
	// place puts the complete file into its place.
	place(f *fill)
	// drop is called when it will never be complete.
	drop(f *fill)
}

// fill is an answer on its way into a file, of the cache or of proxy_store. The upstream is read as
// fast as it sends, whatever the client takes, and to its end even if the client
// goes away: what the client has not taken yet is sent from the file.
type fill struct {
	x      *Exchange
	keeper keeper
	start  int64     // where the body begins in the file
	file   *fd.Owned // nil: nothing is written
	temp   string    // its name; "": it has none any more
	n      int64     // bytes of the body in it
	sent   int64     // bytes of the body that the client was given
	piece  []byte    // the last bytes of n, as far as they are in memory
	gone   bool      // nobody waits for the body
	memory *[bodyRoom]byte
	result BodyResult
	err    error // why reading has ended
}

// beginKeeping decides whether the answer whose head has been sent is kept, and if so
// begins its file.
func (x *Exchange) beginKeeping() {
	r, k, s := x.Request, x.kept, x.Pass.Settings
	if k == nil || k.cache == nil {
		return
	}
	if k.file.Raw() >= 0 {
		_ = k.file.Close() // nothing was written
	}
	was := k.able
	switch {
	case !x.buffering || anySays(x.Pass.cache.never, r):
		k.able = false
	case k.status == cacheBypass && k.able:
		k.looked = true
		if found := k.cache.Look(k.key, s.MinUses.V, false, r.Time().Unix()); found.Kind == cache.NoRoom {
			r.Logf(log.Alert, `could not allocate node in cache keys zone "%s"`, k.cache.Name)
			k.able, k.looked = false, false
		}
	}
	k.able = k.able && x.validUntil(x.Answer.Status) && x.makeFile()
	if !k.able {
		x.freeKept()
		if was && x.watchClient() {
			x.conn.Wake(errClientGone)
		}
	}
}

// makeFile makes the file, with all that stands before the body.
func (x *Exchange) makeFile() bool {
	r, k, a := x.Request, x.kept, &x.Answer
	raw := x.head[:x.start]
	k.header.BodyStart = cache.HeadStart(len(k.text)) + len(raw)
	if k.header.BodyStart > cache.MaxStart {
		return false
	}
	k.header.Date, k.header.LastModified, k.header.ETag = r.Time().Unix(), -1, ""
	if a.Status == 200 || a.Status == 206 {
		k.header.LastModified = a.LastModified
		if tag, ok := a.Get(h1.AnswerETag); ok {
			k.header.ETag = tag
		}
	}
	x.chooseVariant()
	f := &k.fill
	*f = fill{x: x, keeper: k, start: int64(k.header.BodyStart)}
	var err error
	if k.cache.UseTempPath {
		f.file, f.temp, err = r.CreateTemp(x.Pass.Settings.TempPath.V)
	} else {
		f.file, f.temp, err = k.cache.CreateTemp(k.name())
	}
	if err != nil {
		r.Logf(log.Crit, "%v", err)
		return false
	}
	k.start = append(x.newHeader().AppendStart(k.start[:0], k.text), raw...)
	if err := writeAt(f.file, k.start, 0); err != nil {
		r.Logf(log.Crit, "%v", failedWrite(f.temp, err))
		return false
	}
	return true
}

// chooseVariant goes back to the main key when the answer is none for the variant
// that was looked for.
func (x *Exchange) chooseVariant() {
	k := x.kept
	if !k.secondary || k.vary != "" && x.variant(k.vary) == k.key {
		return
	}
	minUses := x.Pass.Settings.MinUses.V
	k.cache.Free(k.key, k.ticket, 0, 0, minUses)
	k.key, k.ticket, k.secondary = k.main, 0, false
	k.cache.Look(k.key, minUses, false, x.Request.Time().Unix())
}

func failedWrite(name string, err error) error {
	return log.Failed(fmt.Sprintf(`pwrite() "%s"`, name), err)
}

func writeAt(f *fd.Owned, p []byte, off int64) error {
	for len(p) > 0 {
		n, err := unix.Pwrite(f.Raw(), p, off)
		if err != nil && err != unix.EINTR {
			return err
		}
		p, off = p[max(n, 0):], off+int64(max(n, 0))
	}
	return nil
}

// passTo lets the body through to the file and to the client.
func (x *Exchange) passTo(f *fill, hasBody bool) http.Result {
	f.gone = x.Request.Out.HeadersOnly
	if !hasBody && x.start == len(x.head) {
		f.complete()
		return x.finishBody(nil)
	}
	x.Request.Doing(readingBody)
	x.rate, x.rateFrom = x.limitRate(), x.Request.Time().Unix()
	if !f.gone {
		x.Request.SetStall(f)
	}
	unread := x.head[x.start:]
	x.state().Length += int64(len(unread))
	for {
		rest := f.take(unread)
		if f.result == BodyDone {
			f.complete()
			x.giveBack(rest)
		}
		f.deliver()
		switch {
		case f.result == BodyDone:
			return x.finishBody(rest)
		case f.result == BodyFailed, f.result == BodyShort:
			return x.breakOff()
		case f.err != nil:
			return f.lost(f.err)
		}
		n, err := f.read()
		if err != nil {
			return f.lost(err)
		}
		unread = x.big[:n]
	}
}

// giveBack gives the upstream's connection back before the client has everything.
func (x *Exchange) giveBack(rest []byte) {
	if len(rest) > 0 {
		x.Answer.KeepAlive = false
	}
	x.Request.SetStall(nil)
	x.giveUpConn()
}

// take writes what buf has of the body to the file, and returns what is behind it.
func (f *fill) take(buf []byte) (rest []byte) {
	x := f.x
	f.piece = nil
	for len(buf) > 0 {
		n, data, result := x.codec.ReadBody(x, buf)
		if len(data) > 0 {
			f.keep(data)
		}
		buf = buf[n:]
		if result != BodyMore {
			f.result = result
			break
		}
	}
	return buf
}

// keep writes the next bytes of the body. When that fails the file cannot be kept,
// nor can the client get what it has not got.
func (f *fill) keep(data []byte) {
	x := f.x
	if f.err != nil {
		return
	}
	if err := writeAt(f.file, data, f.start+f.n); err != nil {
		f.err = failedWrite(f.temp, err)
		x.Request.Logf(log.Crit, "%v", f.err)
		f.keeper.drop(f)
		return
	}
	f.n, f.piece = f.n+int64(len(data)), data
}

// deliver gives the client what is there and it has not got.
func (f *fill) deliver() {
	x := f.x
	if f.gone {
		f.sent = f.n
		return
	}
	for f.sent < f.n && !f.gone {
		var err error
		if piece := f.piece; f.n-f.sent == int64(len(piece)) {
			f.sent, f.piece = f.n, nil
			x.unflushed += len(piece)
			err = x.Request.Write(piece)
		} else {
			from := f.sent
			f.sent, f.piece = f.n, nil
			err = x.Request.SendFile(f.file, f.start+from, f.sent-from)
		}
		f.gone = err != nil
	}
	if f.gone {
		x.Request.SetStall(nil)
		f.sent = f.n
	}
}

// read reads more of the answer into the large buffer.
func (f *fill) read() (int, error) {
	x := f.x
	room := x.room()
	if x.rate > 0 {
		n, err := x.allowed()
		if err != nil {
			f.gone, x.rate = true, 0 // there is nobody left to be slow for
			n = bodyRoom
		}
		room = room[:min(int64(len(room)), n)]
	}
	n, err := x.tryUp(room)
	if err == poll.ErrAgain {
		if !f.gone && x.unflushed >= int(x.Pass.Settings.Buffers.V.Size) {
			x.unflushed = 0
			f.gone = x.Request.Flush() != nil
			if f.result != BodyMore || f.err != nil {
				return 0, nil // meanwhile Stalled has read on, to the end
			}
		}
		n, err = x.readUp(room)
	}
	f.count(n)
	return n, err
}

func (f *fill) count(n int) {
	if n > 0 {
		s := f.x.state()
		s.BytesReceived += int64(n)
		s.Length += int64(n)
	}
}

// lost ends a body whose upstream cannot be read any more.
func (f *fill) lost(err error) http.Result {
	x := f.x
	if errors.Is(err, io.EOF) && x.codec.AtEnd(x) && (x.Answer.ContentLength < 0 || x.Answer.ContentLength == f.n) {
		f.complete()
	} else {
		f.keeper.drop(f)
	}
	if f.gone && errors.Is(err, io.EOF) && x.codec.AtEnd(x) {
		return x.finishBody(nil)
	}
	return x.lostBody(err)
}

// complete puts the file into its place.
func (f *fill) complete() {
	if f.temp != "" {
		f.keeper.place(f)
	}
}

// drop is for [keeper].
func (k *kept) drop(f *fill) { f.x.freeKept() }

// place is for [keeper].
func (k *kept) place(f *fill) {
	x := f.x
	if k.settled {
		return
	}
	size, err := k.cache.Place(f.file, f.temp, k.name())
	f.temp = ""
	if err != nil {
		x.Request.Logf(log.Crit, "%v", err)
		x.freeKept()
		return
	}
	k.settled = true
	k.cache.Stored(k.key, k.header.BodyStart, size, x.Request.Time().Unix())
}

// remove removes the name of a file that is not kept.
func (f *fill) remove(x *Exchange) {
	if f.temp == "" {
		return
	}
	if err := unix.Unlink(f.temp); err != nil {
		x.Request.LogErr(log.Crit, err, `unlink() "%s" failed`, f.temp)
	}
	f.temp = ""
}

// end gives everything back.
func (f *fill) end(x *Exchange) {
	if f.file != nil {
		_ = f.file.Close() // it was kept, or is not needed
	}
	if f.memory != nil {
		x.Pass.rooms.Put(f.memory)
	}
	*f = fill{}
}

// Stalled reads on while the client takes nothing.
func (f *fill) Stalled() bool {
	x := f.x
	if f.err != nil || f.result != BodyMore || x.rate > 0 || x.conn == nil {
		return false
	}
	r, s := x.Request, x.Pass.Settings
	w := poll.Watch{Other: &x.conn.Conn, Writable: errRoom}
	if f.memory == nil {
		f.memory = x.Pass.rooms.Get().(*[bodyRoom]byte)
	}
	defer f.stopWatch()
	if r.WatchClient(&w) {
		return true
	}
	until := r.Tick() + r.SendTimeout().Milliseconds()
	for {
		left := until - r.Tick()
		if left <= 0 {
			return false
		}
		x.conn.SetReadTimeout(min(s.ReadTimeout.V, time.Duration(left)*time.Millisecond))
		n, err := x.up.Read(f.memory[:])
		f.count(n)
		if n > 0 {
			x.Answer.KeepAlive = len(f.take(f.memory[:n])) == 0 && x.Answer.KeepAlive
			f.piece = nil
		}
		switch {
		case errors.Is(err, errRoom):
			return true
		case errors.Is(err, poll.ErrTimeout) && time.Duration(left)*time.Millisecond < s.ReadTimeout.V:
			return false // it was the client's time
		case err != nil:
			f.err = err
			return false
		case f.result == BodyDone:
			f.complete()
			return false
		case f.result != BodyMore || f.err != nil:
			return false
		}
	}
}

// stopWatch ends what Stalled has set up.
func (f *fill) stopWatch() {
	x := f.x
	x.Request.UnwatchClient()
	x.conn.Wake(nil)
	x.conn.SetReadTimeout(x.Pass.Settings.ReadTimeout.V)
}
