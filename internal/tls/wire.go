package tls

import (
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/poll"
)

// helloRandom is where the random of a hello ends that begins a connection:
// headers of record and message, version, random.
const helloRandom = 5 + 4 + 2 + 32

// A wire is the socket as crypto/tls sees it: reading stops at the end of each
// record, and what is written is noted as far as [takeOver] needs it.
type wire struct {
	sock     *poll.Conn
	deadline int64 // tick; 0: the socket's own timeouts hold
	// fed: nothing is read from the socket and nothing written.
	fed bool
	// read reads from the socket: waiting, or not.
	read func([]byte) (int, error)

	buf  []byte // what was read
	at   int    // what is before it was handed out
	left int    // how much of the present record was not handed out

	received []byte // the first bytes of the peer, at most helloRandom
	sent     []byte // of a handshake, what we have written

	log       []byte // the key log
	resumed   []byte // the master secret of the session that a client offers
	wantsSent bool   // sent is to hold all, not only the hello
	heard     []byte // what the peer has sent since [wire.listen]; nil: that is not wanted
}

// maxHeard is more than what a peer may send in a handshake.
const maxHeard = 1 << 20

// listen has what the peer sends from here on kept, at the end of a record.
func (w *wire) listen() { w.heard = append(make([]byte, 0, 4<<10), w.unread()...) }

// errAgain is [poll.ErrAgain] in a form that crypto/tls does not take for the end
// of the connection.
type errAgain struct{}

func (errAgain) Error() string   { return poll.ErrAgain.Error() }
func (errAgain) Timeout() bool   { return true }
func (errAgain) Temporary() bool { return true }
func (errAgain) Unwrap() error   { return poll.ErrAgain }

// fill reads from the socket until n bytes are there that were not handed out.
func (w *wire) fill(n int) error {
	for len(w.buf)-w.at < n {
		if w.fed {
			return errAgain{}
		}
		if w.at > 0 {
			w.buf = w.buf[:copy(w.buf, w.buf[w.at:])]
			w.at = 0
		}
		if cap(w.buf)-len(w.buf) < 1<<10 {
			w.buf = append(make([]byte, 0, 2*cap(w.buf)+4<<10), w.buf...)
		}
		if w.deadline != 0 {
			left := w.deadline - w.sock.Reactor().Tick()
			w.sock.SetReadTimeout(time.Duration(max(left, 1)) * time.Millisecond)
		}
		got, err := w.read(w.buf[len(w.buf):cap(w.buf)])
		if err == poll.ErrAgain {
			return errAgain{}
		}
		if err != nil {
			return err
		}
		if room := helloRandom - len(w.received); room > 0 {
			w.received = append(w.received, w.buf[len(w.buf):][:min(room, got)]...)
		}
		if w.heard != nil && len(w.heard) < maxHeard {
			w.heard = append(w.heard, w.buf[len(w.buf):][:got]...)
		}
		w.buf = w.buf[:len(w.buf)+got]
	}
	return nil
}

// Read is for crypto/tls.
func (w *wire) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if w.left == 0 {
		if err := w.fill(5); err != nil {
			return 0, err
		}
		w.left = 5 + int(binary.BigEndian.Uint16(w.buf[w.at+3:]))
	}
	if err := w.fill(1); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return 0, err
	}
	n := copy(p[:min(len(p), w.left)], w.buf[w.at:])
	w.at += n
	w.left -= n
	return n, nil
}

// Write is for crypto/tls.
func (w *wire) Write(p []byte) (int, error) {
	if w.fed {
		return len(p), nil
	}
	if w.wantsSent {
		w.sent = append(w.sent, p...)
	} else if room := helloRandom - len(w.sent); room > 0 {
		w.sent = append(w.sent, p[:min(room, len(p))]...)
	}
	if w.deadline != 0 {
		left := w.deadline - w.sock.Reactor().Tick()
		w.sock.SetWriteTimeout(time.Duration(max(left, 1)) * time.Millisecond)
	}
	return w.sock.Write(p)
}

// unread is what has come and was not handed out.
func (w *wire) unread() []byte { return w.buf[w.at:] }

// keyLog takes the key log of one connection.
type keyLog struct{ w *wire }

// Write takes a line.
func (k keyLog) Write(line []byte) (int, error) {
	k.w.log = append(k.w.log, line...)
	return len(line), nil
}

// secret finds the secret of a line of the key log by its label.
func (w *wire) secret(label string) (secret []byte) {
	for line := range strings.Lines(string(w.log)) {
		words := strings.Fields(line)
		if len(words) == 3 && words[0] == label {
			secret, _ = hex.DecodeString(words[2])
		}
	}
	return secret
}

// What else net.Conn has; crypto/tls asks for none of it here.

func (w *wire) Close() error                     { return nil }
func (w *wire) LocalAddr() net.Addr              { return nowhere{} }
func (w *wire) RemoteAddr() net.Addr             { return nowhere{} }
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// nowhere stands for the peer's address. crypto/tls resumes no session with a
// peer whose name and address are empty.
type nowhere struct{}

func (nowhere) Network() string { return "tcp" }
func (nowhere) String() string  { return "peer" }
