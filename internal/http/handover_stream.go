package http

import (
	"errors"
	"strings"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/poll"
)

const (
	kindStream  = "http/1 stream" // in the middle of an answer that an upstream sends
	movedStream = "streaming"
)

// streamState is an answer of an upstream's on its way, beside the request in
// answerState.
type streamState struct {
	Owner   []byte `cbor:"1,keyasint,omitempty"` // what the StreamOwner wants to know
	Chunked bool   `cbor:"2,keyasint,omitempty"` // towards the client
	Ahead   bool   `cbor:"3,keyasint,omitempty"` // one more file has what was read ahead
}

// A StreamOwner goes on with an answer that another worker has begun to pass on
// from other, an upstream's socket. state is what it has given FreezeStream there,
// ahead the file, or nil. Both are the owner's. It returns what a handler returns;
// the head of the answer is sent.
type StreamOwner func(r *Request, state []byte, other, ahead *fd.Owned) Result

var errNoStreams = errors.New("no responses are passed on")

// ErrFrozen ends a wait between LetMove and EndMove.
var ErrFrozen = errFrozen

// Movable reports whether another worker could go on with the answer: nothing
// happens to its body on the way to the client. The head must have been sent.
func (r *Request) Movable() bool {
	x, ok := r.wire.(*exchange)
	return ok && r == &x.req && r.headerSent && !r.broken && x.leavesBody() && len(r.Out.Trailers) == 0 &&
		!x.conn.guarded()
}

// leavesBody reports whether nothing else happens to the body, or after it, than
// that it is sent.
func (x *exchange) leavesBody() bool {
	r := &x.req
	return r.sink == r.wire && r.body.done && !r.linger && r.background == nil && !r.postAction &&
		r.loc.answers.PostAction.V == "" && !strings.HasPrefix(r.loc.text, "@")
}

// Departs reports whether the connection is to be handed over as soon as it can.
func (r *Request) Departs() bool { return r.conn.worker.draining.Load() && r.conn.departs() }

// LetMove lets a handover end waits on other with ErrFrozen, until EndMove; both are
// for the goroutine that waits, of a request that is Movable.
func (r *Request) LetMove(other *poll.Conn) {
	c := r.conn
	w := c.worker
	w.freezing.Lock()
	defer w.freezing.Unlock()
	c.freezable, c.freezeAt = true, other
	if r.Departs() {
		c.wakeFrozen()
	}
}

// EndMove ends LetMove.
func (r *Request) EndMove(other *poll.Conn) {
	c := r.conn
	w := c.worker
	w.freezing.Lock()
	defer w.freezing.Unlock()
	c.freezable, c.freezeAt = false, nil
	if c.woken {
		c.woken = false
		other.Calm(errFrozen)
	}
}

// FreezeStream keeps the answer for another worker, when everything that was
// written was flushed; detach gives what the StreamOwner there is to have. After
// that the handler returns Done. An error says that the answer stays here, and
// detach was not called.
func (r *Request) FreezeStream(state []byte, detach func() (other, ahead *fd.Owned)) error {
	x, c := r.wire.(*exchange), r.conn
	s := x.answerState()
	s.Stream = &streamState{Owner: state, Chunked: r.chunked}
	unused := x.in[x.at:]
	if len(s.Head)+len(s.URI)+len(s.Args)+len(unused)+len(state) > maxAhead || !s.validBodiless() {
		return errAhead
	}
	k := &kept{ahead: append([]byte(nil), unused...), answer: s}
	if k.file, k.more = detach(); k.file == nil {
		return errAhead
	}
	s.Stream.Ahead = k.more != nil
	c.kept = k
	r.abort()
	return nil
}

// answerState is the request and how far its answer is.
func (x *exchange) answerState() *answerState {
	r := &x.req
	return &answerState{
		Head: append([]byte(nil), r.head[:r.Head.Pos()]...),
		URI:  strings.Clone(r.URI), Args: strings.Clone(r.Args), Begun: r.started.UnixNano(),
		Status: r.Status(), Length: r.Out.ContentLength, HeadSize: r.headSize, Sent: r.sent,
		KeepAlive: r.keepAlive, ContentType: strings.Clone(r.Out.ContentType), LastModified: r.Out.LastModified,
	}
}

// resumeStream goes on with an answer of an upstream's, whose request is in x. One
// whose route is gone is an orphan, as a tunnel is.
func (c *Conn) resumeStream(x *exchange, k *kept) (again bool) {
	s, r, main := k.answer.Stream, &x.req, c.worker.main
	r.chunked = s.Chunked
	own := r.loc.pipeline.streams
	if own == nil {
		if own = main.streams; main.env.CloseOrphans {
			if main.env.OrphanTime == 0 {
				own = nil
			}
			late := time.AfterFunc(main.env.OrphanTime, func() { _ = c.ShutdownBoth() }) // it may be gone
			r.OnEnd(func() { late.Stop() })
		}
	}
	if own == nil {
		k.closeFiles()
		r.abort()
		return c.endRequest(x)
	}
	r.run(own(r, s.Owner, k.file, k.more))
	return c.endRequest(x)
}

// closeFiles closes what k has; nothing goes on.
func (k *kept) closeFiles() {
	for _, o := range []*fd.Owned{k.file, k.more} {
		if o != nil {
			o.Close()
		}
	}
}

// keeps reports whether o stays k's while k is offered.
func (k *kept) keeps(o *fd.Owned) bool { return k != nil && (o == k.file || o == k.more) }

// OnStream makes f who goes on with answers that another worker has begun to pass on
// at this location, and, the first one, with those whose route is gone.
func (b *Builder) OnStream(f StreamOwner) {
	b.pipeline.streams = f
	if b.main.streams == nil {
		b.main.streams = f
	}
}
