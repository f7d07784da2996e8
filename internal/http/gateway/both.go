package gateway

import (
	"errors"
	"io"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/upstream"
)

// A Duplex is a Codec of a protocol in which the answer is read while the request's
// body is still sent, as far as the other side lets it. PieceHead, PieceTail,
// MaxPiece and AppendEnd of it are not called.
type Duplex interface {
	Codec
	// Join is called when there is a connection, which may have been kept by another
	// request, with what AppendHead has appended. before is to be sent before that. It
	// is false when the connection cannot be used.
	Join(c *upstream.Conn, head []byte) (before string, ok bool)
	// Room is how many bytes of the body may be sent now.
	Room() int
	// AppendFrame appends what stands before the next n bytes of the body, at most as
	// many as there is room for. last says that they end it.
	AppendFrame(dst []byte, n int, last bool) []byte
	// AppendControl appends what is to be said besides.
	AppendControl(dst []byte) []byte
}

// duplexTag tells connections of a Duplex from others to the same peers.
const duplexTag = "h2 "

// feeding is how far the request of a Duplex is.
type feeding struct {
	off  int64 // of a body that was read before
	over bool  // all of the request was sent, or the other side takes no more
}

// errBody wakes the one who waits for the upstream when more of the body has come.
var errBody = errors.New("client sent more of the body")

// HasBody reports whether the request that is sent has a body.
func (x *Exchange) HasBody() bool {
	if x.Streaming || x.made {
		return true
	}
	return x.body != nil && x.body.Size > 0 && x.Pass.Settings.PassRequestBody.V && x.sendsBody()
}

// SetBody makes text the body that is sent.
func (x *Exchange) SetBody(text string) {
	x.body, x.made = &Body{Memory: []byte(text), Size: int64(len(text))}, true
}

// sendBoth sends the request's head, and of the body what goes at once.
func (x *Exchange) sendBoth() (failed Failure, rc http.Result) {
	before, ok := x.duplex.Join(x.conn, x.out)
	if !ok {
		x.Request.Logf(log.Error, "upstream accepts no more streams")
		return FailedError, 0
	}
	if x.Streaming {
		x.unwatch() // who reads the body notices
	}
	x.feeding = feeding{over: !x.HasBody()}
	x.allSent = x.feeding.over
	if _, err := x.feed([]byte(before), x.out); err != nil {
		return x.lost(err, "writev")
	}
	if x.Streaming && x.feeding.over && x.watchClient() {
		return 0, x.Request.LostClient(true)
	}
	return 0, http.Declined
}

// feed sends before and head, what the protocol itself has to say, and what goes of
// the body. It reports whether more of that is to come from the client first.
func (x *Exchange) feed(before, head []byte) (waits bool, err error) {
	f := &x.feeding
	var around [64]byte
	control := x.duplex.AppendControl(around[:0])
	for !f.over {
		room := min(x.duplex.Room(), bodyRoom)
		if room == 0 {
			break
		}
		piece := x.room()[:room]
		n, last, err := x.nextPiece(piece)
		if err != nil {
			return false, err
		}
		if waits = n == 0 && !last; waits {
			break
		}
		control = x.duplex.AppendFrame(control, n, last)
		if err := x.put(before, head, control, piece[:n]); err != nil {
			return false, x.refused(err)
		}
		before, head, control = nil, nil, around[:0]
		f.over, x.allSent = last, last
	}
	if len(before)+len(head)+len(control) > 0 {
		if err := x.put(before, head, control, nil); err != nil {
			return false, x.refused(err)
		}
	}
	return waits, nil
}

// put writes to the upstream.
func (x *Exchange) put(parts ...[]byte) error {
	n, err := x.up.Writev(parts)
	x.state().BytesSent += n
	return err
}

// refused is what follows an error of writing: the upstream may have said why it
// takes no more.
func (x *Exchange) refused(err error) error {
	x.allSent = false
	if errors.Is(err, poll.ErrTimeout) || errors.Is(err, poll.ErrStopped) || errors.Is(err, errClientGone) {
		return err
	}
	x.feeding.over = true
	return nil
}

// nextPiece gets more of the body without waiting for it.
func (x *Exchange) nextPiece(p []byte) (n int, last bool, err error) {
	r := x.Request
	if !x.Streaming {
		n, err = x.body.ReadAt(p[:min(int64(len(p)), x.body.Size-x.feeding.off)], x.feeding.off)
		if n == 0 && err != nil {
			r.Logf(log.Crit, "%v", err)
			return 0, false, &http.BodyError{Status: 500, Err: err}
		}
		x.feeding.off += int64(n)
		return n, x.feeding.off == x.body.Size, nil
	}
	for n < len(p) {
		var more int
		more, err = r.TryReadBody(p[n:])
		n += more
		if err != nil || !r.ReadingBody() {
			break
		}
	}
	switch {
	case err == nil, errors.Is(err, poll.ErrAgain), errors.Is(err, io.EOF):
		return n, !r.ReadingBody(), nil
	}
	var bad *http.BodyError
	if !errors.As(err, &bad) {
		err = errClientGone
	}
	return n, false, err
}

// readUp waits for the upstream to send something. A request that is not all sent goes
// on meanwhile.
func (x *Exchange) readUp(room []byte) (int, error) {
	if x.duplex == nil {
		return x.up.Read(room)
	}
	for {
		n, waits, err := x.tryBoth(room)
		if err != poll.ErrAgain {
			return n, err
		}
		if n, err = x.waitBoth(room, waits); !errors.Is(err, errBody) {
			return n, err
		}
	}
}

// tryUp is readUp that does not wait.
func (x *Exchange) tryUp(room []byte) (int, error) {
	if x.duplex == nil {
		return x.up.TryRead(room)
	}
	n, _, err := x.tryBoth(room)
	return n, err
}

// tryBoth sends what goes of the request, and reads what is there.
func (x *Exchange) tryBoth(room []byte) (n int, waits bool, err error) {
	over := x.feeding.over
	if waits, err = x.feed(nil, nil); err != nil {
		return 0, false, err
	}
	if x.Streaming && x.feeding.over && !over && x.watchClient() {
		return 0, false, errClientGone
	}
	n, err = x.up.TryRead(room)
	return n, waits, err
}

// waitBoth waits for the upstream, or for more of the body.
func (x *Exchange) waitBoth(room []byte, waits bool) (int, error) {
	if !waits {
		return x.up.Read(room)
	}
	w := poll.Watch{Other: &x.conn.Conn, Readable: errBody, Ended: errBody}
	if x.Request.WatchClient(&w) {
		return 0, errBody
	}
	timeout, limit := x.Pass.Settings.ReadTimeout.V, x.Request.BodyTimeout()
	slow := x.state().HeaderTime < 0 || limit < timeout
	if slow {
		x.conn.SetReadTimeout(limit)
	}
	n, err := x.up.Read(room)
	x.Request.UnwatchClient()
	x.conn.Wake(nil)
	x.conn.SetReadTimeout(timeout)
	if slow && errors.Is(err, poll.ErrTimeout) {
		return 0, x.Request.LateBody()
	}
	return n, err
}

// settle says what is left to be said before the connection is given to others.
func (x *Exchange) settle() bool {
	if x.duplex == nil {
		return true
	}
	var room [64]byte
	control := x.duplex.AppendControl(room[:0])
	return len(control) == 0 || x.put(control) == nil
}
