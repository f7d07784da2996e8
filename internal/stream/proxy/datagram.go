package proxy

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/stream"
	core "github.com/baton-project/baton/internal/upstream"
	"github.com/baton-project/baton/internal/wire/proxyproto"
	"golang.org/x/sys/unix"
)

// An exchange is a session of datagrams with an upstream: a socket of its own, so
// that what the upstream answers is for this client. All of it happens on the
// reactor's goroutine, except for the beginning, and for what is done when nothing
// has come for a while.
type exchange struct {
	poll.Port // connected to the upstream
	r         *relay

	mu        sync.Mutex // guards what follows, and the relay from Correspond on
	over      bool
	frozen    bool  // it is about to move
	awake     bool  // ... and the session does not rest, nor is Expire on its way
	doom      error // see Stop
	failed    bool  // the upstream is at fault
	requests  int64
	responses int64
	received  int64 // bytes from the upstream
	sent      int64 // bytes to the upstream
	last      int64 // tick when something came, or is to be waited for from
	began     int64 // second
	up, down  limit
}

// A limit holds one direction back, as nginx does with datagrams: they are never
// cut, so after one more than the rate allows there is a pause.
type limit struct {
	rate  int64 // bytes per second; 0: no limit
	until int64 // tick at which the present pause ends; 0: there is none
}

// passes reports whether a datagram may pass now, after so many bytes.
func (l *limit) passes(x *exchange, moved int64) bool {
	s := x.r.s
	if l.until > s.Tick() {
		return false
	}
	if left := l.rate*(s.Time().Unix()-x.began+1) - moved; left <= 0 {
		l.until = s.Tick() - left*1000/l.rate + 1
		return false
	}
	l.until = 0
	return true
}

// passed notes that a datagram of n bytes has passed.
func (l *limit) passed(x *exchange, n int) {
	if l.rate == 0 {
		return
	}
	if pause := int64(n) * 1000 / l.rate; pause > 0 {
		l.until = x.r.s.Tick() + pause
	}
}

// dialDatagrams opens a socket. Declined: the peer is at fault.
func (r *relay) dialDatagrams(peer *core.Peer, out *poll.Outgoing) stream.Result {
	x := &exchange{r: r}
	out.To = peer.Address.Endpoint
	if err := r.s.Reactor().DialPort(&x.Port, out, x); err != nil {
		return r.notDialed(err)
	}
	r.letters = x
	return stream.OK
}

// correspond leaves the session to the exchange, with the first datagram.
func (r *relay) correspond() stream.Result {
	s, x := r.s, r.letters
	first, header, rc := r.firstDatagram()
	if rc != stream.OK {
		return rc
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.up.rate, x.down.rate = r.rate(r.upload), r.rate(r.download)
	x.began, x.last, x.requests = s.Time().Unix(), s.Tick(), 1
	x.sent = int64(header)
	s.Doing(proxying)
	if !x.forward(first) || x.settle() {
		return stream.Done
	}
	x.mu.Unlock()
	ok := s.Correspond(x)
	x.mu.Lock()
	if !ok && !x.over {
		x.conclude(stream.StatusOK)
	}
	return stream.Done
}

// Begin is for [stream.Correspondent].
func (x *exchange) Begin() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.r.s.SetHandler(x)
	x.proceed()
}

// proceed goes on with an exchange whose session does not rest.
func (x *exchange) proceed() {
	if x.over {
		return
	}
	s := x.r.s
	if err := x.Reading(x.down.until == 0); err != nil {
		s.Logf(log.Alert, "%v", err)
		x.conclude(stream.StatusInternalError)
		return
	}
	x.rest()
}

// rest waits for the next that is due.
func (x *exchange) rest() {
	now := x.r.s.Tick()
	left := x.last + x.r.conf.Timeout.V.Milliseconds() - now
	if x.down.until != 0 {
		left = x.down.until - now
	}
	x.r.s.Rest(time.Duration(max(left, 1)) * time.Millisecond)
}

// firstDatagram is what the client has sent, behind the header of the PROXY
// protocol if the upstream is to get one.
func (r *relay) firstDatagram() (b []byte, header int, rc stream.Result) {
	s := r.s
	b = s.TakeAhead()
	if r.conf.Protocol.V == 0 {
		return b, 0, stream.OK
	}
	from := addrPort(s.Peer())
	local, _ := s.LocalAddr() // it is known without asking
	head := proxyproto.AppendV1(nil, from, addrPort(local))
	if r.conf.Protocol.V == 2 {
		var err error
		if head, err = proxyproto.AppendV2(nil, from, addrPort(local), proxyproto.Stream, nil, nil); err != nil {
			s.Logf(log.Error, "%v", err)
			return nil, 0, stream.StatusInternalError
		}
	}
	return append(head, b...), len(head), stream.OK
}

// forward sends a datagram to the upstream. It reports false when that has ended
// the session. Needs x.mu, as do the methods below.
func (x *exchange) forward(b []byte) bool {
	err := x.Send(b)
	var errno unix.Errno
	switch {
	case err == nil:
		x.sent += int64(len(b))
	case err == poll.ErrAgain: // as if it were lost on the way
	case errors.As(err, &errno):
		x.failed = true
		x.logError(sendingUpstream, log.Error, errno, "sendmsg() failed")
		x.conclude(stream.StatusOK)
		return false
	}
	return true
}

// logError logs an error of a system call.
func (x *exchange) logError(doing string, level log.Level, errno unix.Errno, text string) {
	if !core.Expected(errno) {
		level = log.Alert
	}
	x.r.s.Doing(doing)
	x.r.s.LogErr(level, errno, "%s", text)
	x.r.s.Doing(proxying)
}

// Arrived is for [stream.Correspondent].
func (x *exchange) Arrived(b []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over || x.frozen || x.up.rate > 0 && !x.up.passes(x, x.r.s.BytesReceived()) {
		return
	}
	x.r.s.Count(int64(len(b)), 0)
	x.requests++
	x.up.passed(x, len(b))
	x.touch()
	if x.forward(b) {
		x.settle()
	}
}

// touch begins to wait anew. While something is held back nothing is waited for.
func (x *exchange) touch() { x.last = max(x.r.s.Tick(), x.up.until, x.down.until) }

// maxReplies is how many datagrams of one upstream are read before others are
// looked at.
const maxReplies = 16

// Readable is for the reactor: the upstream has answered, or the network has said
// that it is not there.
func (x *exchange) Readable(*poll.Port) {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := x.r.s.Tick()
	// A second look costs a call in vain, unless the upstream says much.
	for more, n := x.last == now, 0; x.reply() && more && n < maxReplies; n++ {
	}
}

// reply passes on one datagram of the upstream. It reports false when there is
// none, or nobody to pass it to.
func (x *exchange) reply() bool {
	if x.over || x.frozen {
		return false
	}
	s := x.r.s
	if x.down.rate > 0 && !x.down.passes(x, x.received) {
		x.pause()
		return false
	}
	room := s.Reply()
	lost := room == nil
	if lost {
		room = x.dump()
	}
	n, err := x.Receive(room)
	var errno unix.Errno
	switch {
	case err == nil:
	case errors.As(err, &errno):
		x.failed = true
		x.logError(readingUpstream, log.Error, errno, "recv() failed")
		x.conclude(stream.StatusOK)
		return false
	default:
		return false
	}
	if x.responses == 0 {
		x.r.firstByte(s.Tick())
	}
	x.responses++
	x.received += int64(n)
	x.down.passed(x, n)
	if !lost {
		s.SendReply(n, x)
	}
	x.touch()
	if x.settle() {
		return false
	}
	if x.down.until > s.Tick() {
		x.pause()
		return false
	}
	return true
}

// dump is where a datagram goes that there is no room for.
func (x *exchange) dump() []byte { return make([]byte, 1) }

// pause leaves what comes from the upstream in the socket until the limit allows
// it.
func (x *exchange) pause() {
	_ = x.Reading(false) // it was in the set
	s := x.r.s
	if s.Reactor().Evict(&s.Conn) {
		s.Rest(time.Duration(x.down.until-s.Tick()+1) * time.Millisecond)
	}
}

// Writable is for the reactor; nobody waits for it.
func (x *exchange) Writable(*poll.Port) {}

// settle ends a session that has had as many datagrams as it was to have, and
// reports whether it did.
func (x *exchange) settle() bool {
	s, c := x.r.s, x.r.conf
	wanted := int64(c.Requests.V)
	if wanted > 0 && x.requests < wanted {
		return false
	}
	if wanted > 0 {
		s.Unbind()
	}
	if c.Responses.V == unlimited || x.responses < int64(c.Responses.V)*x.requests {
		return false
	}
	x.logEnd("udp done")
	x.conclude(stream.StatusOK)
	return true
}

func (x *exchange) logEnd(what string) {
	s := x.r.s
	if s.LogEnabled(log.Info) {
		s.LogPlain(log.Info, "%s, packets from/to client:%d/%d%s", what, x.requests, x.responses, x.r.appendBytes(nil))
	}
}

// Serve is for the reactor; the session's Conn is never readable.
func (x *exchange) Serve(*poll.Conn) {}

// Expire is for the reactor: a pause is over, or nothing has come for too long.
func (x *exchange) Expire(*poll.Conn) {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := x.r.s
	switch {
	case x.over:
		return
	case x.frozen:
		x.awake = true
		return
	}
	now := s.Tick()
	if x.down.until != 0 && x.down.until <= now {
		x.down.until = 0
		if err := x.Reading(true); err != nil && !errors.Is(err, os.ErrClosed) {
			s.Logf(log.Alert, "%v", err)
		}
	}
	if left := x.last + x.r.conf.Timeout.V.Milliseconds() - now; left > 0 {
		x.rest()
		return
	}
	if c := x.r.conf; c.Responses.V == unlimited || x.responses >= int64(c.Responses.V)*x.requests {
		x.logEnd("udp timed out")
		x.conclude(stream.StatusOK)
		return
	}
	x.failed = true
	s.LogErr(log.Error, unix.ETIMEDOUT, "upstream timed out")
	x.conclude(stream.StatusBadGateway)
}

// Stop is for [stream.Correspondent].
func (x *exchange) Stop(cause error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over || x.frozen {
		x.doom = cause
		return
	}
	x.stop(cause)
}

func (x *exchange) stop(cause error) {
	if errors.Is(cause, stream.ErrShutdown) {
		x.r.s.Logf(log.Info, "shutdown timeout")
	}
	x.conclude(stream.StatusOK)
}

// SendFailed is for [poll.Sending].
func (x *exchange) SendFailed(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	var errno unix.Errno
	if x.over || x.frozen || !errors.As(err, &errno) {
		return
	}
	x.logError(sendingClient, log.Info, errno, "sendmsg() failed")
	x.conclude(stream.StatusOK)
}

// conclude ends the session.
func (x *exchange) conclude(rc stream.Result) {
	x.over = true
	r := x.r
	if r.metric() == core.TimeToLast && !x.failed {
		r.session.Took(time.Duration(r.s.Tick()-r.began) * time.Millisecond)
	}
	r.end()
	r.s.Finalize(rc)
}
