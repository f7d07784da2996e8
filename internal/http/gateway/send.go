package gateway

import (
	"errors"
	"io"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/wire/h1"
)

// What a body's size is when it is not known.
const (
	NoBody      int64 = -1 // the client has sent none
	UnknownSize int64 = -2 // it becomes known while it is sent
)

// readBody gets the request's body, if it is not to be streamed.
func (x *Exchange) readBody() http.Result {
	r, p := x.Request, x.Pass
	if !r.HasBody() {
		return http.Declined
	}
	if !p.Settings.RequestBuffering.V && x.streams() {
		if r.ReadingBody() && !r.BodyArrived() {
			x.Streaming = true
			return http.Declined
		}
		r.PassBody()
	}
	body, rc := r.BufferBody()
	x.body = body
	return rc
}

// bodySize is the size of the body that the request's head announces.
func (x *Exchange) bodySize() int64 {
	r := x.Request
	switch {
	case x.Streaming && r.Head.Chunked:
		return UnknownSize
	case r.Head.Chunked && x.body != nil:
		return x.body.Size
	}
	return max(r.Head.ContentLength, NoBody)
}

func (x *Exchange) nonIdempotent() bool {
	const changing = h1.POST | h1.LOCK | h1.PATCH
	return x.Request.Method&changing != 0
}

// send sends the request.
func (x *Exchange) send() (failed Failure, rc http.Result) {
	r, s := x.Request, x.Pass.Settings
	r.Doing(sending)
	x.conn.SetWriteTimeout(s.SendTimeout.V)
	x.conn.SetReadTimeout(s.ReadTimeout.V)
	x.sent = true
	if x.duplex != nil {
		return x.sendBoth()
	}
	if x.Streaming {
		return x.stream()
	}
	body := x.body
	if body == nil || body.Size == 0 || !s.PassRequestBody.V || !x.sendsBody() {
		return x.write(x.codec.AppendEnd(x.out), nil)
	}
	head := len(x.out)
	defer func() { x.out = x.out[:head] }()
	if body.File() == nil && (x.codec.MaxPiece() == 0 || len(body.Memory) <= x.codec.MaxPiece()) {
		x.out = x.codec.PieceHead(x.out, len(body.Memory))
		tail := x.codec.AppendEnd(x.codec.PieceTail(nil, len(body.Memory)))
		return x.write(x.out, body.Memory, tail...)
	}
	return x.sendPieces()
}

// sendPieces sends a body that is in a file, or too large for one piece.
func (x *Exchange) sendPieces() (failed Failure, rc http.Result) {
	room := x.room()
	defer x.putRoom()
	x.watchAnswer()
	defer x.unwatchAnswer()
	size := len(room)
	if most := x.codec.MaxPiece(); most > 0 {
		size = min(size, most)
	}
	head := x.out
	var around [64]byte
	for off := int64(0); ; {
		n, err := x.body.ReadAt(room[:size], off)
		if n == 0 {
			if err != nil && !errors.Is(err, io.EOF) {
				x.Request.Logf(log.Crit, "%v", err)
				return 0, 500
			}
			return x.write(x.codec.AppendEnd(head), nil)
		}
		off += int64(n)
		head = x.codec.PieceHead(head, n)
		var tail [64]byte
		end := x.codec.PieceTail(tail[:0], n)
		if off == x.body.Size {
			end = x.codec.AppendEnd(end)
		}
		if failed, rc = x.write(head, room[:n], end...); failed != 0 || rc != http.Declined {
			return failed, rc
		}
		if off == x.body.Size || x.answered {
			return 0, http.Declined
		}
		head = around[:0] // not x.out, which another attempt may need
	}
}

// errAnswered ends the sending of a request that the upstream has answered before
// it was complete.
var errAnswered = errors.New("the upstream has answered already")

// stream sends the request while its body is read from the client.
func (x *Exchange) stream() (failed Failure, rc http.Result) {
	r := x.Request
	room := x.room()
	defer x.putRoom()
	if most := x.codec.MaxPiece(); most > 0 {
		room = room[:min(len(room), most)]
	}
	if failed, rc = x.writeArrived(room); failed != 0 || rc != http.Declined {
		return failed, rc
	}
	x.unwatch()
	defer x.unwatchAnswer()
	var around [64]byte
	for {
		x.unwatchAnswer()
		if x.hasAnswered() || r.InterruptBy(&x.conn.Conn, &x.early, errAnswered) && x.hasAnswered() {
			r.InterruptBy(&x.conn.Conn, &x.early, nil)
			x.allSent = false
			return 0, http.Declined
		}
		n, err := r.ReadBody(room)
		for n > 0 && n < len(room) && err == nil {
			var more int
			if more, err = r.ReadArrivedBody(room[n:]); more == 0 {
				break
			}
			n += more
		}
		r.InterruptBy(&x.conn.Conn, &x.early, nil)
		x.watchAnswer()
		if n > 0 {
			head := x.codec.PieceHead(around[:0], n)
			tail := x.codec.PieceTail(around[len(head):len(head)], n)
			last := err == nil && !r.ReadingBody()
			if last {
				tail = x.codec.AppendEnd(tail)
			}
			if failed, rc = x.write(head, room[:n], tail...); failed != 0 || rc != http.Declined {
				return failed, rc
			}
			if x.answered {
				return 0, http.Declined
			}
			if last {
				x.unwatchAnswer()
				if x.watchClient() {
					return 0, r.LostClient(true)
				}
				return 0, http.Declined
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, errAnswered) {
			var bad *http.BodyError
			r.InterruptBy(&x.conn.Conn, &x.early, nil)
			if errors.As(err, &bad) {
				return 0, bad.Status
			}
			return 0, http.StatusClientClosed
		}
	}
	x.unwatchAnswer()
	if x.watchClient() {
		return 0, r.LostClient(true)
	}
	return x.write(x.codec.AppendEnd(around[:0]), nil)
}

// writeArrived sends the request's head, and what is there already of its body.
func (x *Exchange) writeArrived(room []byte) (failed Failure, rc http.Result) {
	n := 0
	for n < len(room) {
		more, err := x.Request.ReadArrivedBody(room[n:])
		var bad *http.BodyError
		if errors.As(err, &bad) {
			return 0, bad.Status
		}
		if more == 0 {
			break
		}
		n += more
	}
	if n == 0 {
		return x.write(x.out, nil)
	}
	head := len(x.out)
	defer func() { x.out = x.out[:head] }()
	x.out = x.codec.PieceHead(x.out, n)
	var tail [64]byte
	return x.write(x.out, room[:n], x.codec.PieceTail(tail[:0], n)...)
}

// hasAnswered looks whether the upstream has sent something, and keeps it.
func (x *Exchange) hasAnswered() bool {
	if x.answered {
		return x.answered
	}
	x.headRoom()
	n, err := x.up.TryRead(x.head[len(x.head):max(x.headLimit(), len(x.head))])
	x.head = x.head[:len(x.head)+n]
	x.state().BytesReceived += int64(n)
	x.received = x.received || n > 0
	x.answered = n > 0 || err != poll.ErrAgain
	return x.answered
}

// write sends bytes to the upstream.
func (x *Exchange) write(head, body []byte, tail ...byte) (failed Failure, rc http.Result) {
	var sent int64
	var err error
	switch {
	case len(body) == 0 && len(tail) == 0:
		if len(head) > 0 {
			var n int
			n, err = x.up.Write(head)
			sent = int64(n)
		}
	default:
		x.vector = [3][]byte{head, body, tail}
		sent, err = x.up.Writev(x.vector[:])
		x.vector = [3][]byte{}
	}
	x.state().BytesSent += sent
	if err != nil {
		if x.watching && x.hasAnswered() && (x.received || errors.Is(err, errAnswered)) {
			x.allSent = false
			return 0, http.Declined
		}
		return x.lost(err, "writev")
	}
	x.allSent = true
	return 0, http.Declined
}

func (x *Exchange) sendsBody() bool {
	send, _ := x.codec.TakesBody(x)
	return send
}

func (x *Exchange) streams() bool {
	_, stream := x.codec.TakesBody(x)
	return stream
}

// watchAnswer lets a write to the upstream be given up when that has answered.
func (x *Exchange) watchAnswer() {
	if x.up != stream(&x.conn.Conn) {
		return // half a record of TLS cannot be taken back
	}
	x.watching = true
	x.early = poll.Watch{Other: &x.conn.Conn, Readable: errAnswered, Ended: errAnswered}
	if x.conn.Watch(&x.early) && !x.hasAnswered() {
		x.conn.Watch(&x.early)
	}
}

func (x *Exchange) unwatchAnswer() {
	x.watching = false
	x.conn.Watch(nil)
	x.conn.Wake(nil)
	if x.watched && x.watchClient() { // what it may have said meanwhile
		x.conn.Wake(errClientGone)
	}
}
