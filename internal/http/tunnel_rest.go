package http

import (
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/wire/h1"
)

// restingTunnel is what a tunnel at rest keeps of its request: there are many, and
// they last.
type restingTunnel struct {
	server *Server
	loc    *Location
	more   *restingMore // nil: nothing
	packed []byte       // a restingRequest
}

// restingMore is what most requests do not have.
type restingMore struct {
	endings  []func()
	contexts []any
	client   poll.Sockaddr
}

// A restingRequest is what the log phase can ask for, in little memory.
type restingRequest struct {
	Head     []byte `cbor:"1,keyasint"`
	Method   uint32 `cbor:"2,keyasint"`
	URI      string `cbor:"3,keyasint"`
	Args     string `cbor:"4,keyasint,omitempty"`
	Exten    string `cbor:"5,keyasint,omitempty"`
	Host     string `cbor:"6,keyasint,omitempty"`
	Begun    int64  `cbor:"7,keyasint"` // ns since 1970
	Status   int    `cbor:"8,keyasint"`
	HeadSize int64  `cbor:"9,keyasint"`
	Sent     int64  `cbor:"10,keyasint"`
	Received int64  `cbor:"11,keyasint"`

	StatusLine   string   `cbor:"12,keyasint,omitempty"`
	ContentType  string   `cbor:"13,keyasint,omitempty"`
	Charset      string   `cbor:"14,keyasint,omitempty"`
	ETag         string   `cbor:"15,keyasint,omitempty"`
	Location     string   `cbor:"16,keyasint,omitempty"`
	LastModified int64    `cbor:"17,keyasint"`
	Lines        []string `cbor:"18,keyasint,omitempty"` // name, value, name, value

	Captured   string   `cbor:"19,keyasint,omitempty"`
	CaptureAt  []int    `cbor:"20,keyasint,omitempty"`
	ValuesAt   []uint16 `cbor:"21,keyasint,omitempty"` // indexes of what is in Values
	Values     []string `cbor:"22,keyasint,omitempty"`
	Missing    []uint16 `cbor:"23,keyasint,omitempty"` // variables known to have no value
	Flags      uint8    `cbor:"24,keyasint,omitempty"`
	Pipelined  bool     `cbor:"25,keyasint,omitempty"`
	HeaderSent bool     `cbor:"26,keyasint,omitempty"`
}

// Flags of a restingRequest.
const (
	restsInternal = 1 << iota
	restsMade
	restsForeign
	restsErrorPage
	restsPlain
)

// park gives the exchange back. A request that others look at as well, such as
// those of mirror, keeps it.
func (t *Tunnel) park() {
	x := t.x
	r := &x.req
	if r.background != nil || r.buffered != nil {
		return
	}
	packed, err := cbor.Marshal(r.rest())
	if err != nil {
		return // it stays as it is
	}
	t.rest = restingTunnel{server: r.server, loc: r.loc, packed: packed}
	t.Holder.Park()
	var endings []func()
	for _, f := range r.endings {
		if f != nil {
			endings = append(endings, f)
		}
	}
	if endings != nil || r.contexts != nil || r.client != x.conn.peer {
		t.rest.more = &restingMore{endings: endings, contexts: r.contexts, client: r.client}
	}
	r.endings, r.contexts, r.passed = r.endings[:0], nil, nil
	t.x, x.phase = nil, waiting // it counts as writing all the same
	x.conn.worker.put(x)
}

// resume is the reverse of park.
func (t *Tunnel) resume() *exchange {
	if t.x != nil {
		return t.x
	}
	c := t.conn
	x := c.worker.exchanges.Get().(*exchange)
	t.x, x.conn, x.phase = x, c, writing
	r, k := &x.req, &t.rest
	var s restingRequest
	_ = cbor.Unmarshal(k.packed, &s) // it is ours
	x.in, x.start = append(x.in[:0], s.Head...), 0
	r.reset(c, x)
	r.server, r.loc = k.server, k.loc
	r.wake(&s, x.in)
	x.at = len(x.in)
	r.tunnel = t
	if more := k.more; more != nil {
		r.endings, r.contexts = append(r.endings, more.endings...), more.contexts
		r.client, r.peerSet = more.client, more.client != c.peer
	}
	t.rest = restingTunnel{}
	t.Holder.Resume(r)
	return x
}

// rest is what is kept of r. Its strings are views.
func (r *Request) rest() *restingRequest {
	o := &r.Out
	s := &restingRequest{
		Head: r.head[:r.Head.Pos()], Method: uint32(r.Method), URI: r.URI, Args: r.Args, Exten: r.Exten, Host: r.Host,
		Begun: r.started.UnixNano(), Status: o.Status, HeadSize: r.headSize, Sent: r.sent, Received: r.received,
		StatusLine: o.StatusLine, ContentType: o.ContentType, Charset: o.Charset, ETag: o.ETag, Location: o.Location,
		LastModified: o.LastModified, Captured: r.vars.Captured, CaptureAt: r.vars.CaptureAt,
		Pipelined: r.pipelined, HeaderSent: r.headerSent,
	}
	for _, f := range o.Headers {
		s.Lines = append(s.Lines, f.Name, f.Value)
	}
	for i := range r.vars.Values {
		v := &r.vars.Values[i]
		switch value, found := v.Learned(); {
		case found:
			s.ValuesAt, s.Values = append(s.ValuesAt, uint16(i)), append(s.Values, value)
		case v.Known():
			s.Missing = append(s.Missing, uint16(i))
		}
	}
	for _, f := range r.restFlags() {
		if *f.is {
			s.Flags |= f.bit
		}
	}
	return s
}

type restFlag struct {
	bit uint8
	is  *bool
}

func (r *Request) restFlags() [5]restFlag {
	return [5]restFlag{
		{restsInternal, &r.internal}, {restsMade, &r.madeURI}, {restsForeign, &r.foreignURI},
		{restsErrorPage, &r.errorPage}, {restsPlain, &r.plainLocation},
	}
}

// wake is the reverse of rest, of a request that was reset and has a server.
// head is s.Head, in memory of the request's.
func (r *Request) wake(s *restingRequest, head []byte) {
	r.head = head
	for {
		if got := r.Head.Parse(head, &r.server.conf.parsing); got == h1.Done || got == h1.More || got == h1.Failed {
			break
		}
	}
	r.Method, r.URI, r.Args, r.Exten, r.Host = h1.Method(s.Method), s.URI, s.Args, s.Exten, s.Host
	r.started = time.Unix(0, s.Begun)
	r.headSize, r.sent, r.received = s.HeadSize, s.Sent, s.Received
	r.vars.Captured, r.vars.CaptureAt = s.Captured, append(r.vars.CaptureAt[:0], s.CaptureAt...)
	r.pipelined, r.headerSent, r.body.done = s.Pipelined, s.HeaderSent, true
	o := &r.Out
	o.Status, o.StatusLine, o.ContentType, o.Charset = s.Status, s.StatusLine, s.ContentType, s.Charset
	o.ETag, o.Location, o.LastModified = s.ETag, s.Location, s.LastModified
	for i := 1; i < len(s.Lines); i += 2 {
		o.Headers.Add(s.Lines[i-1], s.Lines[i])
	}
	for i, at := range s.ValuesAt {
		r.vars.Values[at].Learn(s.Values[i], true)
	}
	for _, at := range s.Missing {
		r.vars.Values[at].Learn("", false)
	}
	for _, f := range r.restFlags() {
		*f.is = s.Flags&f.bit != 0
	}
}
