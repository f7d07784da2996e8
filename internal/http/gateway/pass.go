package gateway

import (
	"sync"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/tls/settings"
	"github.com/baton-project/baton/internal/upstream"
)

// A Pass is one *_pass of the configuration, compiled.
type Pass struct {
	Settings *Settings
	// Module is the codec's own.
	Module any
	// SSL is how TLS is spoken with upstreams; nil when no request needs it.
	SSL *settings.Client
	// Rewrite, when not nil, changes a line of the answer on its way to the
	// client: Location, Refresh and Set-Cookie. It returns the value unchanged
	// when it has nothing to say, and then false.
	Rewrite func(x *Exchange, line *Line) bool
	// Intercept404: an answer of status 404 is ours, whatever else is configured.
	Intercept404 bool

	secure    *secure
	limitRate *http.Value
	cache     *cachePlan  // nil: nothing is kept
	store     *http.Value // nil: files are where they would be served from
	bind      *http.Value
	hints     []*http.Value // conditions of early_hints
	conf      *Conf
	pool      *sync.Pool
	rooms     *sync.Pool
}

// Install makes p the content handler of b's location. M is a type of the
// module's own, and newCodec makes a codec of the module. inherited: p is that of
// the location around a nameless one.
func Install[M any](b *http.Builder, p *Pass, inherited bool, newCodec func() Codec) error {
	shared := http.Shared[shared[M]](b)
	if shared.exchanges.New == nil {
		pool := &shared.exchanges
		_, shared.moves = newCodec().(Mover)
		pool.New = func() any {
			x := &Exchange{codec: newCodec(), out: make([]byte, 0, headRoom), pool: pool}
			x.end = x.release
			return x
		}
	}
	rooms := http.Shared[rooms](b)
	if rooms.pool.New == nil {
		rooms.pool.New = func() any { return new([bodyRoom]byte) }
	}
	p.pool, p.rooms = &shared.exchanges, &rooms.pool
	p.conf = conf.Get[Conf](b.Level())
	if err := p.compile(b); err != nil {
		return err
	}
	b.BuffersBody()
	b.TempFolder(p.Settings.TempPath.V)
	b.OnTunnel(p.adopt)
	if shared.moves {
		b.OnStream(p.goOn)
	}
	if inherited {
		b.InheritedContent(p.Serve)
	} else {
		b.Content(p.Serve)
	}
	return nil
}

// shared are the exchanges of the module that M belongs to.
type shared[M any] struct {
	exchanges sync.Pool
	moves     bool // the codec is a Mover
}

// rooms are the buffers for bodies.
type rooms struct{ pool sync.Pool }

func (p *Pass) compile(b *http.Builder) (err error) {
	if err = p.compileHints(b); err != nil {
		return err
	}
	if err = p.compileCache(b); err != nil {
		return err
	}
	if err = p.compileStore(b); err != nil {
		return err
	}
	if err := p.compileSSL(b); err != nil {
		return err
	}
	if d := p.Settings.LimitRate.V; d != nil {
		if p.limitRate, err = b.Compile(d, d.Args[0]); err != nil {
			return err
		}
	}
	if d := p.Settings.Bind.V.at; d != nil {
		if p.bind, err = b.Compile(d, d.Args[0]); err != nil {
			return err
		}
	}
	return nil
}

// Find returns the target that a URL stands for which was made at run time; nil:
// the URL's own addresses count.
func (p *Pass) Find(u *upstream.URL) *Target { return p.conf.Find(u) }

// Serve passes r on: it is the content handler.
func (p *Pass) Serve(r *http.Request) http.Result {
	if r.IsStray() {
		return 500
	}
	x := p.pool.Get().(*Exchange)
	x.begin(r, p)
	rc := x.serve()
	if x.tunnel != nil {
		return rc
	}
	x.finalize()
	if r.IsSubrequest() {
		r.Doing(sendingReply) // which nginx is at until something else begins
	} else {
		r.Doing("")
	}
	return rc
}

// serve returns what the handler returns.
func (x *Exchange) serve() http.Result {
	if rc := x.codec.Begin(x); rc != http.Declined {
		return rc
	}
	if rc := x.readBody(); rc != http.Declined {
		return rc
	}
	if x.Pass.cache != nil {
		if rc := x.openCache(); rc != http.Declined {
			return rc
		}
	}
	var rc http.Result
	if x.out, rc = x.codec.AppendHead(x.out[:0], x, x.bodySize()); rc != http.Declined {
		return rc
	}
	x.bind()
	if x.unresolved.Host != "" {
		if rc := x.resolve(&x.unresolved); rc != http.Declined {
			return rc
		}
	}
	if x.group() == nil {
		return 500
	}
	x.group().Begin(&x.session, x.key())
	if n := x.Pass.Settings.NextUpstreamTries.V; n > 0 {
		x.session.LimitTries(n)
	}
	x.began = x.Request.Tick()
	for {
		failed, rc := x.attempt()
		if failed == 0 {
			return rc
		}
		if again, rc := x.next(failed); !again {
			return x.failedFor(failed, rc)
		}
	}
}

// attempt tries one peer. failed is 0 when rc is what the request ends with.
func (x *Exchange) attempt() (failed Failure, rc http.Result) {
	if failed, rc = x.connect(); failed != 0 || rc != http.Declined {
		return failed, rc
	}
	if failed, rc = x.send(); failed != 0 || rc != http.Declined {
		return failed, rc
	}
	if failed, rc = x.readHead(); failed != 0 || rc != http.Declined {
		return failed, rc
	}
	if x.session.AtOnce() && x.session.Metric() == upstream.TimeToFirst {
		x.took(x.state().HeaderTime)
	}
	if s := x.sticker(); s != nil {
		s.Answered(x.Request, x.session.Current().SID)
	}
	return 0, x.respond()
}

// statusOf is what the client is answered when nothing else is left.
func (f Failure) statusOf() int {
	switch f {
	case FailedTimeout, FailedHTTP504:
		return 504
	case FailedHTTP500:
		return 500
	case FailedHTTP503:
		return 503
	case FailedHTTP403:
		return 403
	case FailedHTTP404:
		return 404
	case FailedHTTP429:
		return 429
	}
	return 502
}

// next decides what follows a failed attempt: another one, or rc.
func (x *Exchange) next(failed Failure) (again bool, rc http.Result) {
	outcome := upstream.Failed
	if failed == FailedHTTP403 || failed == FailedHTTP404 {
		outcome = upstream.Passed
	}
	if failed == FailedTimeout {
		x.Request.Logf(log.Error, "upstream timed out (110: Connection timed out)")
	}
	x.freePeer(outcome)
	if x.cached && failed == FailedError {
		x.session.Again() // the peer may have closed it just then
	}
	status := failed.statusOf()
	x.state().Status = status
	if x.session.Tries() == 0 || !x.mayRepeat(failed) {
		return false, http.Result(status)
	}
	x.closeConn()
	x.settleTimes()
	x.restart()
	return true, http.Declined
}

// freePeer ends the use of the present peer.
func (x *Exchange) freePeer(outcome upstream.Outcome) {
	if x.session.Current() != nil && x.session.Free(outcome) {
		x.Request.Logf(log.Warn, "upstream server temporarily disabled")
	}
}

// mayRepeat reports whether the configuration lets the request go to another
// peer after such a failure.
func (x *Exchange) mayRepeat(failed Failure) bool {
	s := x.Pass.Settings
	if x.sent && x.nonIdempotent() {
		failed |= NonIdempotent
	}
	if s.NextUpstream.V&failed != failed || x.sent && x.Streaming {
		return false
	}
	limit := s.NextUpstreamTimeout.V
	return limit == 0 || time.Duration(x.Request.Tick()-x.began)*time.Millisecond < limit
}

// restart forgets the attempt.
func (x *Exchange) restart() {
	if x.sent || x.received {
		x.codec.Restart()
		x.Answer.Reset()
		x.buffering = x.Pass.Settings.Buffering.V
	}
	x.head, x.start = x.head[:0], 0
	x.sent, x.allSent, x.received, x.answered = false, false, false, false
}

// finalize ends the exchange with the upstream: the connection is kept or closed.
// A second call does nothing.
func (x *Exchange) finalize() {
	if x.finished || x.Request == nil {
		return
	}
	x.settleTimes()
	x.tellTime()
	if s, peer := x.sticker(), x.session.Current(); s != nil && peer != nil {
		s.Served(x.Request, peer.SID)
	}
	x.freePeer(upstream.Served)
	x.finished = true
	x.freeKept()
	x.Request.SetStall(nil)
	x.dropAhead()
	x.giveUpConn()
	x.putRoom()
}

// tellTime lets the group know how fast the present peer was, if it has answered.
func (x *Exchange) tellTime() {
	s := x.state()
	if s == nil || s.HeaderTime < 0 || x.session.Current() == nil {
		return
	}
	switch x.session.Metric() {
	case upstream.TimeToFirst:
		x.took(s.HeaderTime)
	case upstream.TimeToLast:
		x.took(s.ResponseTime)
	}
}

func (x *Exchange) took(ms int64) { x.session.Took(time.Duration(ms) * time.Millisecond) }

// settleTimes ends the present attempt's clock.
func (x *Exchange) settleTimes() {
	if s := x.state(); s != nil && s.ResponseTime < 0 {
		s.ResponseTime = x.Request.Tick() - x.attemptBegan
	}
}
