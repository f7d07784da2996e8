package gateway

import (
	"hash/crc32"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/cache"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
	"golang.org/x/sys/unix"
)

// kept is what an exchange has to do with the cache. It is there when the answer is
// looked for in one, or may be kept in it.
type kept struct {
	cache *cache.Cache
	// able: what the upstream answers may be kept.
	able   bool
	served bool // the answer in hand is from a file
	status cacheStatus
	asGet  bool // HEAD is sent as GET

	text      []byte // of the key
	crc       uint32 // of text
	main, key cache.Key
	secondary bool // key is that of a variant
	looked    bool // the index was asked for key
	ticket    uint64
	settled   bool // there is nothing to tell the index any more
	held      bool // the ticket is kept until the request ends: it is updated in the background

	header cache.Header // of the file, or of the answer in hand
	vary   string       // of the answer in hand
	room   int          // bytes before the body in a file
	file   cache.File
	start  []byte // of the file

	staleUpdating, staleError bool
	failure                   int // the status to be remembered, 0: none
	accelExpires, noCache     bool
	expired                   bool

	fill fill
}

// cacheStatus is $upstream_cache_status.
type cacheStatus uint8

const (
	cacheUnused cacheStatus = iota
	cacheMiss
	cacheBypass
	cacheExpired
	cacheStale
	cacheUpdating
	cacheRevalidated
	cacheHit
)

var cacheStatuses = [...]string{"", "MISS", "BYPASS", "EXPIRED", "STALE", "UPDATING", "REVALIDATED", "HIT"}

// A keyMaker is a codec that knows what stands for an answer when no directive
// says it.
type keyMaker interface {
	AppendKey(dst []byte, x *Exchange) []byte
}

// Cacheable reports whether the answer may be kept: then the request is sent
// without the client's conditions and ranges.
func (x *Exchange) Cacheable() bool { return x.kept != nil && x.kept.able }

// AsGet reports whether GET is sent in place of HEAD.
func (x *Exchange) AsGet() bool { return x.kept != nil && x.kept.asGet }

// useKept makes x.kept ready.
func (x *Exchange) useKept(c *cache.Cache) *kept {
	if x.spare == nil {
		x.spare = new(kept)
	}
	k := x.spare
	*k = kept{cache: c, text: k.text[:0], start: k.start[:0], able: true}
	x.kept = k
	return k
}

// openCache looks for the answer in the cache. It returns Declined when the
// upstream is to be asked.
func (x *Exchange) openCache() http.Result {
	r, s, plan := x.Request, x.Pass.Settings, x.Pass.cache
	if r.Method&s.Methods.V == 0 {
		return http.Declined
	}
	c := plan.fixed
	if c == nil {
		name := plan.name.Eval(r)
		if name == "" || name == "off" {
			return http.Declined
		}
		if c = s.cacheNamed(name); c == nil {
			r.Logf(log.Error, `cache "%s" not found`, name)
			return 500
		}
	}
	k := x.useKept(c)
	k.asGet = r.Method == h1.HEAD && s.ConvertHead.V
	x.makeKey()
	if need := cache.HeadStart(len(k.text)) + 256; int64(need) > s.BufferSize.V {
		r.Logf(log.Error, "%sbuffer_size %d is not enough for cache key, it should be increased to at least %d",
			x.Pass.prefix(), s.BufferSize.V, (need+1023)&^1023)
		asGet := k.asGet
		*k = kept{text: k.text, start: k.start, settled: true, asGet: asGet}
		return http.Declined
	}
	k.room = int(s.BufferSize.V)
	if anySays(plan.bypass, r) {
		k.status = cacheBypass
		return http.Declined
	}
	k.status = cacheMiss
	return x.useFound(x.openKept())
}

// prefix is that of the module's directives.
func (p *Pass) prefix() string { return strings.TrimSuffix(p.Settings.Cache.V.Name, "cache") }

// makeKey computes the key.
func (x *Exchange) makeKey() {
	k := x.kept
	if v := x.Pass.cache.key; v != nil {
		k.text = v.Append(k.text, x.Request)
	} else if maker, ok := x.codec.(keyMaker); ok {
		k.text = maker.AppendKey(k.text, x)
	}
	k.crc = crc32.ChecksumIEEE(k.text)
	k.main = cache.KeyOf(k.text)
	k.key = k.main
}

// useFound goes on by what has become of the search.
func (x *Exchange) useFound(o opened, rc http.Result) http.Result {
	k, s := x.kept, x.Pass.Settings
	staleFine := (s.UseStale.V&FailedUpdating != 0 || k.staleUpdating) && !x.inBackground()
	switch o {
	case openedFresh:
		k.status = cacheHit
		return x.sendFound()
	case openedStale:
		if staleFine && s.BackgroundUpdate.V {
			r := x.Request
			if !r.Background(http.Subrequest{URI: r.URI, Args: r.Args, Clone: true}) {
				return 500
			}
			k.held, k.status = true, cacheStale
			return x.sendFound()
		}
	case openedUpdating:
		if staleFine {
			k.status = cacheUpdating
			return x.sendFound()
		}
		o = openedStale
	case openedScarce:
		k.able = false
	case openedFailed:
		return 500
	case openedStatus:
		k.status = cacheHit
		return rc
	case openedGone:
		return rc
	}
	if o == openedStale {
		k.header.ValidUntil, k.header.UpdatingFor, k.header.ErrorFor = 0, 0, 0
		k.status = cacheExpired
	}
	if !x.rangeFits() {
		k.able = false
	}
	return http.Declined
}

// sendFound sends the file. When it is no answer, the upstream is asked.
func (x *Exchange) sendFound() http.Result {
	if x.takeHead() {
		return x.respond()
	}
	x.kept.served, x.kept.status = false, cacheMiss
	x.codec.Restart()
	x.Answer.Reset()
	return http.Declined
}

// inBackground reports whether the request updates the cache beside another one.
func (x *Exchange) inBackground() bool {
	return x.Request.IsSubrequest() && x.Request.Main() == x.Request
}

// rangeFits reports whether an answer to the client's Range is worth being kept as a
// whole.
func (x *Exchange) rangeFits() bool {
	limit := x.Pass.Settings.MaxRangeOffset.V
	value := x.Request.Header(h1.HRange)
	if value == "" || !x.kept.able || limit == 1<<63-1 {
		return true
	}
	if limit == 0 {
		return false
	}
	if len(value) < 7 || !h1.EqualFold(value[:6], "bytes=") {
		return true
	}
	value = strings.TrimLeft(value[6:], " ")
	if strings.HasPrefix(value, "-") {
		return false
	}
	offset := int64(0)
	for i := 0; i < len(value) && '0' <= value[i] && value[i] <= '9'; i++ {
		if offset > (1<<63-1-9)/10 {
			return true // more than a number takes is none
		}
		offset = offset*10 + int64(value[i]-'0')
	}
	return offset < limit
}

// takeHead makes the head in the file x's answer.
func (x *Exchange) takeHead() bool {
	k := x.kept
	k.served = true
	k.accelExpires, k.noCache, k.expired = false, false, false
	x.codec.Restart()
	x.Answer.Reset()
	if _, r := x.codec.ReadHead(x, k.start[k.header.HeadStart:k.header.BodyStart]); r == HeadDone {
		return true
	}
	x.Request.Logf(log.Crit, `cache file "%s" contains invalid header`, k.name())
	return false
}

// name is that of the file.
func (k *kept) name() string { return string(k.cache.AppendName(nil, k.key)) }

// sendKeptBody sends the body in the file, behind the head.
func (x *Exchange) sendKeptBody() http.Result {
	r, k := x.Request, x.kept
	if n := k.file.Size - int64(k.header.BodyStart); n > 0 && !r.Out.HeadersOnly {
		_ = r.SendFile(&k.file.Owned, int64(k.header.BodyStart), n) // the core knows what went wrong
	}
	return http.Done
}

// mayBeStale reports whether an old answer is better than such a failure.
func (x *Exchange) mayBeStale(f Failure) bool {
	return x.kept != nil && x.kept.status == cacheExpired && x.Pass.Settings.UseStale.V&f != 0
}

// sendStale sends the old answer in place of the upstream's.
func (x *Exchange) sendStale() http.Result {
	x.kept.status = cacheStale
	x.finalize()
	if !x.takeHead() {
		return 500
	}
	return x.respond()
}

// failedFor is what follows a failure that nobody else can make good.
func (x *Exchange) failedFor(f Failure, rc http.Result) http.Result {
	k := x.kept
	if k == nil {
		return rc
	}
	if x.mayBeStale(f) || k.status == cacheExpired && k.staleError {
		return x.sendStale()
	}
	if k.able && (rc == 502 || rc == 504) {
		if valid := x.Pass.Settings.validFor(int(rc)); valid != 0 {
			k.header.ValidUntil, k.failure = x.Request.Time().Unix()+valid, int(rc)
		}
	}
	return rc
}

// rememberStatus notes that the answer to a status is a page of our own.
func (x *Exchange) rememberStatus(status int) {
	k := x.kept
	if k == nil || k.noCache || k.expired || !k.able {
		return
	}
	if x.validUntil(status) {
		k.failure = status
	}
}

// validUntil sets until when the answer in hand is good; it is false when that is not
// to be kept.
func (x *Exchange) validUntil(status int) bool {
	k := x.kept
	if k.header.ValidUntil == 0 {
		if valid := x.Pass.Settings.validFor(status); valid != 0 {
			k.header.ValidUntil = x.Request.Time().Unix() + valid
		}
	}
	return k.header.ValidUntil != 0
}

// isRevalidated reports whether the upstream says that the old answer is good still.
func (x *Exchange) isRevalidated() bool {
	return x.Answer.Status == 304 && x.kept != nil && x.kept.status == cacheExpired && x.Pass.Settings.Revalidate.V
}

// sendRevalidated sends the old answer, which is new again.
func (x *Exchange) sendRevalidated() http.Result {
	k := x.kept
	given := k.header
	k.status = cacheRevalidated
	k.held = true
	x.finalize()
	if !x.takeHead() {
		k.held = false
		return 500
	}
	if given.ValidUntil != 0 {
		k.header.ValidUntil, k.header.UpdatingFor, k.header.ErrorFor = given.ValidUntil, given.UpdatingFor, given.ErrorFor
	}
	if x.validUntil(x.Answer.Status) {
		k.header.Date = x.Request.Time().Unix()
		if err := k.file.Refresh(k.name(), &given, x.newHeader(), k.text); err != nil {
			x.Request.Logf(log.Crit, "%v", err)
		}
	}
	k.held = false
	x.freeKept()
	return x.respond()
}

// newHeader is the header of a file with the answer in hand.
func (x *Exchange) newHeader() *cache.Header {
	k := x.kept
	h := k.header
	h.CRC, h.HeadStart, h.Vary = k.crc, cache.HeadStart(len(k.text)), k.vary
	if h.Vary != "" {
		h.Variant = x.variant(h.Vary)
	}
	return &h
}

func (x *Exchange) variant(vary string) cache.Key {
	return cache.Variant(x.kept.main, vary, func(name string) []string {
		return x.Request.HeaderLines(nil, strings.ReplaceAll(name, "-", "_"))
	})
}

// freeKept tells the index that nothing comes of it, or what is to be remembered.
func (x *Exchange) freeKept() {
	k := x.kept
	if k == nil || k.settled || !k.looked || k.held {
		return
	}
	k.settled = true
	if k.ticket != 0 || k.failure != 0 || k.file.Raw() < 0 {
		k.cache.Free(k.key, k.ticket, k.failure, k.header.ValidUntil, x.Pass.Settings.MinUses.V)
	}
	k.fill.remove(x)
}

// endKept gives everything back when the request ends.
func (x *Exchange) endKept() {
	k := x.kept
	if k == nil {
		return
	}
	k.held = false
	x.freeKept()
	k.fill.end(x)
	if k.file.Raw() >= 0 {
		_ = k.file.Close() // nothing was written
	}
	if cap(k.start) > 64<<10 {
		k.start = nil
	}
}

// waitLock waits until nobody else gets the answer any more, or for so long.
func (x *Exchange) waitLock() (o opened, rc http.Result) {
	r, k := x.Request, x.kept
	limit := x.Pass.Settings.LockTimeout.V
	began := r.Clock()
	for pause := 10 * time.Millisecond; ; pause = min(pause*3/2, 100*time.Millisecond) {
		left := limit - time.Duration(r.Clock()-began)*time.Millisecond
		if left <= 0 {
			r.Logf(log.Info, "cache lock timeout")
			return openedScarce, http.Declined
		}
		if rc := r.Delay(min(pause, left)); rc != http.Declined {
			return openedGone, rc
		}
		if !k.cache.Locked(k.key, r.Clock()) {
			return openedMissing, http.Declined
		}
	}
}

// notThere reports whether an error number says that a file is not there.
func notThere(errno unix.Errno) bool { return errno == unix.ENOENT || errno == unix.ENOTDIR }

// fromFile reports whether the answer in hand is from the cache.
func (x *Exchange) fromFile() bool { return x.kept != nil && x.kept.served }

// obeyCacheControl lets an answer not be kept whose lines are against it.
func (x *Exchange) obeyCacheControl() {
	if k := x.kept; k != nil && (k.noCache || k.expired) {
		k.able = false
	}
}
