package gateway

import (
	"net/netip"
	"sync"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/upstream"
)

// headRoom is the memory for a request's head that an Exchange keeps.
const headRoom = 4 << 10

// bodyRoom is how much of a body is read at once.
const bodyRoom = 64 << 10

// An Exchange is one request on its way to an upstream and back. It is pooled,
// with the codec and the buffers.
type Exchange struct {
	Request *http.Request
	Pass    *Pass
	Answer  Answer
	// Schema and URI are around the peer's address in lines of the error log:
	// "http://", "/path".
	Schema, URI string
	// Streaming: the body is sent on while it is read from the client.
	Streaming bool
	// SSL: TLS is spoken with the upstream.
	SSL bool

	codec  Codec
	duplex Duplex // codec, if it is one
	target *Target
	single *upstream.Group // in place of target's
	// unresolved is the URL whose host is looked up before the first attempt, if
	// it has one.
	unresolved upstream.URL

	local     netip.AddrPort // own address; zero: the system chooses
	session   upstream.Session
	conn      *upstream.Conn
	up        stream // the bytes of conn
	cached    bool   // conn was kept by the group
	watch     poll.Watch
	watched   bool       // the client is
	early     poll.Watch // of the upstream, while the request is sent
	watching  bool       // it is set
	answered  bool       // before all of the request was sent
	ahead     ahead
	earlySize int   // of heads of status 103
	began     int64 // tick of the first attempt

	attemptBegan int64 // tick

	feeding        feeding
	made           bool // body was made by the codec
	sent           bool // some of the request
	allSent        bool // all of it
	received       bool // some of the answer
	buffering      bool
	finished       bool
	tunnel         *tunnel // that holds the connections; nil: none does
	rate, rateFrom int64   // limit_rate, and the second since which it counts
	unflushed      int     // bytes of the body that the client may not have yet

	out    []byte    // the request's head
	vector [3][]byte // what is being written
	head   []byte    // the answer's head and what came with it
	start  int       // what of head is used up
	body   *Body
	big    *[bodyRoom]byte

	kept  *kept // nil: the cache has no part in it
	spare *kept
	store *stored // nil: the answer becomes no file

	States []State
	end    func()
	endAt  int // where the request has end
	pool   *sync.Pool
}

// Body is the request's body, read to its end.
type Body = http.Body

// State is one attempt, or an internal redirect, as "$upstream_*" have it.
// Times are milliseconds, -1 when it did not come to that.
type State struct {
	Peer          string `cbor:"1,keyasint"`
	Status        int    `cbor:"2,keyasint,omitempty"`
	ConnectTime   int64  `cbor:"3,keyasint"`
	HeaderTime    int64  `cbor:"4,keyasint"`
	ResponseTime  int64  `cbor:"5,keyasint"`
	BytesReceived int64  `cbor:"6,keyasint,omitempty"`
	BytesSent     int64  `cbor:"7,keyasint,omitempty"`
	Length        int64  `cbor:"8,keyasint,omitempty"` // of the body
	redirect      bool   // not an attempt: an internal redirect came between
}

// state is the present attempt's.
func (x *Exchange) state() *State {
	if len(x.States) == 0 {
		return nil
	}
	return &x.States[len(x.States)-1]
}

// begin makes x ready for r.
func (x *Exchange) begin(r *http.Request, p *Pass) {
	states := x.States[:0]
	if before, ok := r.Passed().(*Exchange); ok {
		states = append(states, before.States...)
		states = append(states, State{redirect: true, ConnectTime: -1, HeaderTime: -1, ResponseTime: -1})
		states[len(states)-1].ResponseTime = 0
	}
	answer := x.Answer
	answer.Reset()
	*x = Exchange{
		Request: r, Pass: p, Answer: answer, codec: x.codec, out: x.out[:0], head: x.head[:0], States: states,
		end: x.end, pool: x.pool, session: x.session, spare: x.spare,
	}
	x.duplex, _ = x.codec.(Duplex)
	x.buffering = p.Settings.Buffering.V
	r.Pass(x)
	x.endAt = r.Endings()
	r.OnEnd(x.end)
}

// release gives x back when the request has ended.
func (x *Exchange) release() {
	x.finalize()
	x.endKept()
	x.endStore()
	x.putBack()
}

// putBack gives x to those who come after.
func (x *Exchange) putBack() {
	x.Request.Pass(nil)
	x.Request, x.body, x.tunnel = nil, nil, nil
	if cap(x.out) > 4*headRoom {
		x.out = make([]byte, 0, headRoom)
	}
	if cap(x.head) > 4*headRoom {
		x.head = nil
	}
	clear(x.Answer.Lines)
	x.pool.Put(x)
}

// SetTarget says where the request goes to.
func (x *Exchange) SetTarget(t *Target) { x.target, x.single = t, nil }

// SetGroup says where the request goes to when no directive names it.
func (x *Exchange) SetGroup(g *upstream.Group) { x.target, x.single = nil, g }

// group is where the request goes to.
func (x *Exchange) group() *upstream.Group {
	if x.single != nil {
		return x.single
	}
	if x.target == nil {
		return nil
	}
	return x.target.Group()
}

// key is what some methods choose by.
func (x *Exchange) key() upstream.Key {
	client := x.Request.Peer().Addr()
	if x.target != nil {
		key := x.target.Key(x.Request, client)
		if s := x.sticker(); s != nil {
			key.Hint = s.Hint(x.Request)
		}
		return key
	}
	return upstream.Key{Client: client}
}

// AppendLog appends the upstream to a line of the error log.
func (x *Exchange) AppendLog(line []byte) []byte {
	s := x.state()
	if s == nil || s.Peer == "" {
		return line
	}
	line = append(append(line, `, upstream: "`...), x.Schema...)
	line = append(line, s.Peer...)
	if isUnixName(s.Peer) {
		line = append(line, ':')
	}
	return append(append(line, x.URI...), '"')
}

// CodecOf is the codec of a request that was passed on; nil when it was not.
func CodecOf(r *http.Request) Codec {
	if x := passed(r); x != nil {
		return x.codec
	}
	return nil
}

// SetStatus notes the status that the upstream has answered, for variables.
func (x *Exchange) SetStatus(status int) {
	if s := x.state(); s != nil && (x.kept == nil || !x.kept.served) {
		s.Status = status
	}
}

// SetURL says where the request goes to by a URL that was made at run time. What
// it returns, if not Declined, ends the request.
func (x *Exchange) SetURL(u *upstream.URL) http.Result {
	if t := x.Pass.Find(u); t != nil {
		x.SetTarget(t)
		return http.Declined
	}
	if len(u.Addresses) > 0 {
		x.SetGroup(upstream.Single(u.Host, u.Addresses, nil))
		return http.Declined
	}
	x.unresolved = *u // a cached answer needs no address
	return http.Declined
}
